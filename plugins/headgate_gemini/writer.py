"""Streamed answers for clients of this dialect, chunk by chunk.

1. A call is one part with all of its arguments: it is sent when its arguments are complete. All else goes out as it comes.
2. Why a candidate ended goes out with its citations, and with the counts that are known by then; what is counted later
   has the last chunk to itself.
3. Without `alt=sse` the chunks are the elements of one JSON array.
4. No comment is ever sent: Google's own client takes it for JSON. A sign of life says nothing here.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import render_event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Chat,
    CitationDelta,
    Closed,
    Counted,
    Ended,
    Failed,
    Garbled,
    Happening,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Said,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Unsupported,
    Used,
)
from headgate_gemini.errors import fields
from headgate_gemini.grounding import metadata as grounding
from headgate_gemini.logprobs import write_logprobs
from headgate_gemini.media import write_media
from headgate_gemini.reading import wants_array
from headgate_gemini.rendering import MALFORMED, REASONS, named, proof, said, thought
from headgate_gemini.usage import metadata

# As of one event: a call is told in one.
MAX_CALL: Final = 16 << 20
_Parts = list[dict[str, Any]]


class _Candidate:
    """What has to be known of a choice until it ends."""

    def __init__(self) -> None:
        self.open: dict[int, Said] = {}
        self.texts: dict[int, Text] = {}
        # The words of each text, in pieces.
        self.words: dict[int, list[str]] = {}
        # The arguments of each call that is open, in pieces, and how long they are.
        self._pieces: dict[int, list[str]] = {}
        self._lengths: dict[int, int] = {}
        self.end: dict[str, Any] = {}

    def opened(self, index: int, part: Said) -> _Parts:
        """A part begins; one that comes whole is sent."""
        if isinstance(part, Text):
            self.texts[index] = part = Text(text="")
            self.words[index] = []
        elif isinstance(part, ToolCall):
            self._pieces[index], self._lengths[index] = [], 0
            self.grow(index, part.arguments)
        self.open[index] = part
        return [] if isinstance(part, ToolCall | Text) else said(part)

    def grow(self, index: int, text: str) -> None:
        """More of a call's arguments. Garbled beyond the bound."""
        self._pieces[index].append(text)
        self._lengths[index] += len(text)
        if self._lengths[index] > MAX_CALL:
            raise Garbled(f"with a tool call of more than {MAX_CALL} characters")

    def closed(self, index: int) -> _Parts:
        """A part is complete; a call is sent. One whose arguments are no object is told as Google tells it."""
        part = self.open.pop(index, None)
        if not isinstance(part, ToolCall):
            return []
        arguments = "".join(self._pieces.pop(index))
        try:
            return said(ToolCall(id=part.id, name=part.name, arguments=arguments))
        except Unsupported as error:
            self.end = {"finishReason": MALFORMED, "finishMessage": error.message}
            return []

    def stopped(self, happening: Stopped) -> None:
        """Why it ended; that a call could not be told is the weightier reason."""
        self.end = self.end or {"finishReason": REASONS[happening.stop]}
        for index, text in self.texts.items():
            text.text = "".join(self.words[index])
        cited = grounding([*self.texts.values()])
        if cited is not None:
            self.end["groundingMetadata"] = cited


class GeminiWriter:
    """See `EventWriter`."""

    def __init__(self, chat: Chat) -> None:
        self._array = wants_array(chat)
        self._named = named(chat.model, None)
        self._candidates: dict[int, _Candidate] = {}
        self._counted: Counted | None = None
        self._told: Counted | None = None
        self._sent = 0

    def __repr__(self) -> str:
        return f"<GeminiWriter {'array' if self._array else 'events'}, {self._sent} chunks>"

    def write(self, happening: Happening) -> bytes:
        """See `EventWriter`."""
        match happening:
            case Began():
                self._named |= named(happening.model, happening.id)
            case Used():
                self._counted = happening.counted
            case Stopped():
                return self._stopped(happening)
            case Failed():
                return self._failed(happening)
            case Ended():
                return self._ended()
            case Opened():
                return self._chunk(happening.choice, self._of(happening.choice).opened(happening.index, happening.part))
            case Closed():
                return self._chunk(happening.choice, self._of(happening.choice).closed(happening.index))
            case TextDelta():
                probs = {"logprobsResult": write_logprobs(happening.logprobs)} if happening.logprobs else {}
                return self._chunk(happening.choice, self._text(happening), probs)
            case _:
                return self._delta(happening)
        return b""

    def _text(self, delta: TextDelta) -> _Parts:
        words = self._of(delta.choice).words.get(delta.index)
        if words is not None:
            words.append(delta.text)
        return [{"text": delta.text}]

    def _delta(self, delta: Happening) -> bytes:
        if not isinstance(
            delta, ArgumentsDelta | ReasoningDelta | SignatureDelta | RefusalDelta | CitationDelta | AudioDelta
        ):
            return b""
        part = self._of(delta.choice).open.get(delta.index)
        match delta, part:
            case ArgumentsDelta(), ToolCall():
                self._of(delta.choice).grow(delta.index, delta.text)
            case CitationDelta(), Text():
                part.citations.append(delta.citation)
            case ReasoningDelta(), _:
                return self._chunk(delta.choice, thought(delta.text, None))
            case SignatureDelta(), Reasoning():
                return self._chunk(delta.choice, thought("", proof(part, delta.signature), summary=part.summary))
            case RefusalDelta(), _:
                return self._chunk(delta.choice, [{"text": delta.text}])
            case AudioDelta(), Audio() if delta.data:
                media = msgspec.structs.replace(part.media, data=delta.data)
                return self._chunk(delta.choice, [write_media(Audio(media=media, format=part.format), "")])
        return b""

    def _of(self, choice: int) -> _Candidate:
        return self._candidates.setdefault(choice, _Candidate())

    def _chunk(self, choice: int, parts: _Parts, more: dict[str, Any] | None = None) -> bytes:
        if not parts:
            return b""
        candidate = {"content": {"parts": parts, "role": "model"}, "index": choice, **(more or {})}
        return self._framed({"candidates": [candidate], **self._named})

    def _stopped(self, stopped: Stopped) -> bytes:
        one = self._of(stopped.choice)
        one.stopped(stopped)
        end = {"content": {"parts": [], "role": "model"}, "index": stopped.choice, **one.end}
        return self._framed({"candidates": [end], **self._counts(), **self._named})

    def _counts(self) -> dict[str, Any]:
        self._told = self._counted
        return {} if self._counted is None else {"usageMetadata": metadata(self._counted)}

    def _ended(self) -> bytes:
        """Counts that came behind the end of the last candidate. Where blocks have passed as they came, nothing."""
        last = b"" if self._counted == self._told else self._framed({**self._counts(), **self._named})
        return last + (b"]" if self._array and self._sent else b"")

    def _failed(self, failed: Failed) -> bytes:
        status = failed.status or 502
        return self._framed({"error": fields(status, failed.message, "", failed.fields)}) + (
            b"]" if self._array else b""
        )

    def _framed(self, chunk: dict[str, Any]) -> bytes:
        data = msgspec.json.encode(chunk)
        self._sent += 1
        if not self._array:
            return render_event(data)
        return (b"[" if self._sent == 1 else b",\r\n") + data
