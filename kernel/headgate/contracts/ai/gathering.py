"""A streamed answer put together again: what happened, as the whole answer that says the same."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.contracts.ai.answers import Answer, Choice, Counted, Said
from headgate.contracts.ai.events import (
    ArgumentsDelta,
    AudioDelta,
    Began,
    CitationDelta,
    Ended,
    Happening,
    Opened,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Stopped,
    TextDelta,
    Used,
)
from headgate.contracts.ai.parts import Audio, Reasoning, Refused, Text, ToolCall


class Gatherer:
    """Takes happenings in their order; `answer` is the answer so far. What was opened is copied, so a reader's own parts
    stay as they are. Words are kept in their pieces, and put together for an answer."""

    __slots__ = ("_began", "_choices", "_counted", "_grown", "_parts", "ended")

    def __init__(self) -> None:
        self._began = Began()
        self._choices: dict[int, Choice] = {}
        self._parts: dict[tuple[int, int], Said] = {}
        self._grown: dict[tuple[int, int, str], list[str]] = {}
        self._counted: Counted | None = None
        self.ended = False

    def __repr__(self) -> str:
        return f"<Gatherer {len(self._parts)} parts{', ended' * self.ended}>"

    def take(self, happening: Happening) -> None:
        """One thing more that happened."""
        match happening:
            case Began():
                self._began = happening
            case Opened(part=part, index=index, choice=choice):
                self._settle()
                self._parts[choice, index] = _copy(part)
                self._choice(choice).parts.append(self._parts[choice, index])
            case Stopped(stop=stop, choice=choice, sequence=sequence):
                said = self._choice(choice)
                said.stop, said.sequence = stop, sequence
            case Used(counted=counted):
                self._counted = counted
            case Ended():
                self.ended = True
            case _:
                self._delta(happening)

    def _delta(self, happening: Happening) -> None:
        place = getattr(happening, "choice", 0), getattr(happening, "index", -1)
        part = self._parts.get(place)
        match happening, part:
            case TextDelta(text=text, choice=choice, logprobs=probs), Text():
                self._grow(place, "text", text)
                if probs is not None:
                    said = self._choice(choice)
                    said.logprobs = said.logprobs or []
                    said.logprobs.extend(probs)
            case ArgumentsDelta(text=text), ToolCall():
                self._grow(place, "arguments", text)
            case (ReasoningDelta(text=text), Reasoning()) | (RefusalDelta(text=text), Refused()):
                self._grow(place, "text", text)
            case SignatureDelta(signature=signature), Reasoning():
                part.signature = (part.signature or "") + signature
            case CitationDelta(citation=citation), Text():
                part.citations.append(citation)
            case AudioDelta(data=data, transcript=transcript), Audio():
                self._grow(place, "data", data)
                self._grow(place, "transcript", transcript)

    def _grow(self, place: tuple[int, int], name: str, text: str) -> None:
        self._grown.setdefault((*place, name), []).append(text)

    def _settle(self) -> None:
        for (choice, index, name), pieces in self._grown.items():
            part: Any = self._parts[choice, index]
            owner = part.media if name == "data" else part
            setattr(owner, name, "".join([getattr(owner, name) or "", *pieces]))
        self._grown.clear()

    def _choice(self, number: int) -> Choice:
        return self._choices.setdefault(number, Choice(index=number))

    def answer(self) -> Answer:
        """What was said until now."""
        self._settle()
        choices = [self._choices[number] for number in sorted(self._choices)]
        began = self._began
        return Answer(choices, began.id, began.model, began.created, self._counted)


def _copy(part: Said) -> Said:
    copy: Said = msgspec.convert(msgspec.to_builtins(part), Said)
    return copy
