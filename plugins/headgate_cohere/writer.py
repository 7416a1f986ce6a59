"""A stream for a client: https://docs.cohere.com/docs/streaming.

1. Pieces of content, tool calls and citations are numbered apart, so several may be open at a time.
2. There is one choice. Of an answer with several, the first is told. Cohere knows no pings.
3. A failure is told where Cohere tells why an answer ended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import render_event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    CitationDelta,
    Closed,
    Counted,
    Ended,
    Failed,
    Happening,
    Image,
    Opaque,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    Said,
    Stop,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_cohere import errors
from headgate_cohere.answers import log_item, shown
from headgate_cohere.citing import cited
from headgate_cohere.facts import PLAN, REASONS
from headgate_cohere.saying import call
from headgate_cohere.usage import usage


class ChatWriter:
    """See `EventWriter`."""

    __slots__ = ("_counted", "_counts", "_open", "_stop", "_words")

    def __init__(self) -> None:
        self._counted: Counted | None = None
        self._stop: Stop = "other"
        # What each open part is and its number among its kind, how many of each kind there are, and the words of each text,
        # in pieces.
        self._open: dict[int, tuple[Said, int]] = {}
        self._counts = {"content": 0, "call": 0, "citation": 0}
        self._words: dict[int, list[str]] = {}

    def __repr__(self) -> str:
        return f"<ChatWriter [{len(self._open)} parts open]>"

    def write(self, happening: Happening) -> bytes:
        """See `EventWriter`."""
        match happening:
            case Began(id=ident):
                message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
                return _event("message-start", id=ident or "headgate", delta={"message": message})
            case Used(counted=counted):
                self._counted = counted
            case Failed(message=words, status=status):
                return errors.failed(words, status or 502)
            case Stopped(choice=0, stop=stop):
                self._stop = stop
            case Ended():
                return _event(
                    "message-end", delta={"finish_reason": REASONS[self._stop], "usage": usage(self._counted)}
                )
            case Opened(choice=0):
                return self._start(happening)
            case Closed(choice=0):
                return self._end(happening.index)
            case _ if getattr(happening, "choice", 1) == 0 and not isinstance(happening, Stopped):
                return self._delta(happening)
        return b""

    def _number(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind] - 1

    def _start(self, opened: Opened) -> bytes:
        part = opened.part
        match part:
            case Opaque():
                return b""
            case Reasoning() if PLAN in part.extra:
                self._open[opened.index] = (part, 0)
                return self._told(opened.index, part.text)
            case ToolCall():
                number = self._number("call")
                self._open[opened.index] = (part, number)
                return _event("tool-call-start", index=number, delta={"message": {"tool_calls": call(part, own=False)}})
        number = self._number("content")
        self._open[opened.index] = (part, number)
        kind = "thinking" if isinstance(part, Reasoning) else "text"
        begun = _event("content-start", index=number, delta={"message": {"content": {"type": kind, kind: ""}}})
        known = shown(part) if isinstance(part, (Image, Audio)) else part.text
        return begun + self._told(opened.index, known)

    def _told(self, index: int, text: str, probs: Any = None) -> bytes:
        """More of a text, a thought or a plan."""
        part, number = self._open[index]
        if not text and not probs:
            return b""
        if isinstance(part, Reasoning) and PLAN in part.extra:
            return _event("tool-plan-delta", delta={"message": {PLAN: text}})
        self._words.setdefault(index, []).append(text)
        kind = "thinking" if isinstance(part, Reasoning) else "text"
        more = {"logprobs": log_item(probs[0])} if probs else {}
        return _event("content-delta", index=number, delta={"message": {"content": {kind: text}}}, **more)

    def _delta(self, happening: Any) -> bytes:
        if happening.index not in self._open:
            return b""
        part, number = self._open[happening.index]
        match happening:
            case TextDelta(text=text, logprobs=[_, *_] as probs):
                rest = [
                    _event(
                        "content-delta",
                        index=number,
                        delta={"message": {"content": {"text": ""}}},
                        logprobs=log_item(each),
                    )
                    for each in probs[1:]
                ]
                return self._told(happening.index, text, probs) + b"".join(rest)
            case (
                TextDelta(text=text) | RefusalDelta(text=text) | ReasoningDelta(text=text) | AudioDelta(transcript=text)
            ):
                return self._told(happening.index, text)
            case ArgumentsDelta(text=text) if isinstance(part, ToolCall):
                function = {"function": {"arguments": text}}
                return _event("tool-call-delta", index=number, delta={"message": {"tool_calls": function}})
            case CitationDelta(citation=citation) if isinstance(part, (Text, Refused)):
                said = cited(citation, self._so_far(happening.index), number)
                place = self._number("citation")
                begun = _event("citation-start", index=place, delta={"message": {"citations": said}})
                return begun + _event("citation-end", index=place)
        return b""

    def _so_far(self, index: int) -> str:
        pieces = self._words.setdefault(index, [])
        pieces[:] = ["".join(pieces)]
        return pieces[0]

    def _end(self, index: int) -> bytes:
        if index not in self._open:
            return b""
        part, number = self._open.pop(index)
        self._words.pop(index, None)
        if isinstance(part, Reasoning) and PLAN in part.extra:
            return b""
        return _event("tool-call-end" if isinstance(part, ToolCall) else "content-end", index=number)


def _event(kind: str, **fields: Any) -> bytes:
    return render_event(msgspec.json.encode({"type": kind, **fields}), kind.encode())
