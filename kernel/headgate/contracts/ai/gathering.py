"""A streamed answer put together again: what happened, as the whole answer that says the same."""

from __future__ import annotations

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
    stay as they are."""

    __slots__ = ("_began", "_choices", "_counted", "_parts", "ended")

    def __init__(self) -> None:
        self._began = Began()
        self._choices: dict[int, Choice] = {}
        self._parts: dict[tuple[int, int], Said] = {}
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
        part = self._parts.get((getattr(happening, "choice", 0), getattr(happening, "index", -1)))
        match happening, part:
            case TextDelta(text=text, choice=choice, logprobs=probs), Text():
                part.text += text
                if probs is not None:
                    said = self._choice(choice)
                    said.logprobs = [*(said.logprobs or ()), *probs]
            case ArgumentsDelta(text=text), ToolCall():
                part.arguments += text
            case ReasoningDelta(text=text), Reasoning():
                part.text += text
            case RefusalDelta(text=text), Refused():
                part.text += text
            case SignatureDelta(signature=signature), Reasoning():
                part.signature = (part.signature or "") + signature
            case CitationDelta(citation=citation), Text():
                part.citations.append(citation)
            case AudioDelta(data=data, transcript=transcript), Audio():
                part.media.data = (part.media.data or "") + data
                part.transcript = (part.transcript or "") + transcript

    def _choice(self, number: int) -> Choice:
        return self._choices.setdefault(number, Choice(index=number))

    def answer(self) -> Answer:
        """What was said until now."""
        choices = [self._choices[number] for number in sorted(self._choices)]
        began = self._began
        return Answer(choices, began.id, began.model, began.created, self._counted)


def _copy(part: Said) -> Said:
    copy: Said = msgspec.convert(msgspec.to_builtins(part), Said)
    return copy
