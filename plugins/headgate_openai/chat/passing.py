"""A streamed answer, block by block. A delta is parsed only while it is not clear that content has begun.

1. Content has begun with the first chunk that says something: text, a tool call, a refusal, an end. The chunk that only
   names the role is not yet an answer.
2. A chunk is parsed later only if it holds `"usage"` or `"error"`. Inside a JSON string a quote is escaped, so neither
   can stand in what the model says.
3. A chunk that ends a choice is parsed too: an answer is whole when as many choices as were asked for have ended.
4. Counts that only we asked for are taken out again: the last chunk, which has no choices, and the `"usage":null` that
   OpenAI puts into every other one.
5. What has been relayed is measured without parsing, for a stream that is cut: all texts of the choices, whatever they are
   called. Some say their thoughts under names of their own, sound is a text too, and OpenAI adds names.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from headgate.api import parse_event, render_event
from headgate.api.ai import Counted, Garbled, Refusal, measure_but
from headgate_openai.chat.counting import WireUsage, refusal

# A null can only be a value, and its key only a key: see rule 2.
_NULL = re.compile(rb',\s*"usage"\s*:\s*null')
_NULL_USUAL = b',"usage":null'
_measure = measure_but(
    "id", "object", "model", "provider", "service_tier", "system_fingerprint", "obfuscation",
    "role", "type", "format", "finish_reason", "native_finish_reason", "token",
)  # fmt: skip
_CHOICES = b'"choices"'
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')
_DONE = b"[DONE]"


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: dict[str, Any] | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None


_chunks = msgspec.json.Decoder(_Chunk)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])


class OpenAiPassing:
    """See `Passing`."""

    __slots__ = ("_choices", "_finished", "_hides", "counted", "ended", "refusal", "relayed_bytes", "started")

    def __init__(self, *, hides_counts: bool, choices: int = 1) -> None:
        self._hides = hides_counts
        self._choices = choices
        self._finished: set[int] = set()
        self.started = False
        self.ended = False
        self.counted: Counted | None = None
        self.refusal: Refusal | None = None
        self.relayed_bytes = 0

    def __repr__(self) -> str:
        state = "ended" if self.ended else "started" if self.started else "not started"
        return f"<OpenAiPassing {state}, {self.relayed_bytes} bytes of text>"

    def take(self, block: bytes) -> bytes:
        """What to relay of a block. Garbled where a chunk that has to be read is no chunk."""
        if b'"error"' in block:
            self._refused(block)
        ends = len(self._finished) < self._choices and _FINISHED.search(block) is not None
        if self.started and not ends:
            told = block.replace(_NULL_USUAL, b"") if self._hides else block
            if b'"usage"' not in told and _DONE not in told:
                self._measure(told)
                return told
        return self._read(block, ends=ends)

    def finish(self) -> bytes | None:
        """The end mark, for those who never send it behind an answer that has ended; None where it has not."""
        return render_event(_DONE) if len(self._finished) >= self._choices else None

    def _read(self, block: bytes, *, ends: bool) -> bytes:
        """A block that has to be looked into."""
        event = parse_event(block)
        if event is None:
            return block
        if event.data.strip() == _DONE:
            self.ended = True
            return block
        if self._hides and b'"usage"' in block:
            block, stripped = _NULL.subn(b"", block)
            if stripped and self.started and not ends and b'"usage"' not in block:
                self._measure(block)
                return block
        try:
            chunk = _chunks.decode(event.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no chunk in JSON") from None
        self._follow(chunk)
        if chunk.usage is None:
            self._measure(block)
            return block
        self.counted = chunk.usage.counted()
        if not self._hides:
            self._measure(block)
            return block
        return self._without_counts(chunk, event.data)

    def _follow(self, chunk: _Chunk) -> None:
        """Whether it has begun, and which choices have ended."""
        self.started = self.started or _says_something(chunk)
        for at, choice in enumerate(chunk.choices or ()):
            if choice.finish_reason:
                self._finished.add(at if choice.index is None else choice.index)

    def _without_counts(self, chunk: _Chunk, data: bytes) -> bytes:
        if not chunk.choices:
            return b""
        raws = _raws.decode(data)
        raws.pop("usage", None)
        block = render_event(msgspec.json.encode(raws))
        self._measure(block)
        return block

    def _measure(self, block: bytes) -> None:
        if _CHOICES in block:
            self.relayed_bytes += _measure(block, _CHOICES)

    def _refused(self, block: bytes) -> None:
        event = parse_event(block)
        said = refusal(event.data) if event is not None else None
        if said is not None:
            self.refusal = said


def _says_something(chunk: _Chunk) -> bool:
    for choice in chunk.choices or ():
        if choice.finish_reason is not None:
            return True
        if any(value for name, value in (choice.delta or {}).items() if name != "role"):
            return True
    return False
