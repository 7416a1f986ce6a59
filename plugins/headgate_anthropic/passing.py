"""A stream that passes from Anthropic to a client of Anthropic, block by block; most are relayed unread.

1. Content has begun with the first delta, or with the event that says why it ended.
2. A delta is only measured, without parsing, for a stream that is cut: all its texts, whatever they are called. So is what
   a block begins with, which for some is all of it. Events that count, end or fail are read.
3. Anthropic always counts, so there is nothing to hide.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import parse_event
from headgate.api.ai import Counted, Garbled, Refusal, measure_but
from headgate_anthropic.errors import refusal
from headgate_anthropic.usage import WireUsage

_measure: Final = measure_but("type", "id")
_DELTA: Final = b"event: content_block_delta\n"


class _Message(msgspec.Struct):
    usage: WireUsage | None = None


class _Event(msgspec.Struct):
    type: str
    message: _Message | None = None
    usage: WireUsage | None = None


_events = msgspec.json.Decoder(_Event)


class MessagePassing:
    """See `Passing`."""

    __slots__ = ("_usage", "counted", "ended", "refusal", "relayed_bytes", "started")

    def __init__(self) -> None:
        self._usage: WireUsage | None = None
        self.started = False
        self.ended = False
        self.counted: Counted | None = None
        self.refusal: Refusal | None = None
        self.relayed_bytes = 0

    def __repr__(self) -> str:
        state = "ended" if self.ended else "started" if self.started else "not started"
        return f"<MessagePassing {state}, {self.relayed_bytes} bytes of text>"

    def take(self, block: bytes) -> bytes:
        """What to relay of a block: all of it. Garbled."""
        if block.startswith(_DELTA):
            self._delta(block)
            return block
        event = parse_event(block)
        if event is None:
            return block
        try:
            self._read(_events.decode(event.data), block, event.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no event of Anthropic's") from None
        return block

    def finish(self) -> bytes | None:
        """Without its end mark the answer is not whole."""
        return None

    def _delta(self, block: bytes) -> None:
        self.started = True
        self.relayed_bytes += _measure(block, b'"delta"')

    def _read(self, event: _Event, block: bytes, data: bytes) -> None:
        self._count(event.usage or (event.message.usage if event.message is not None else None))
        if event.type == "content_block_delta":
            self._delta(block)
        elif event.type == "content_block_start":
            self.relayed_bytes += _measure(block, b'"content_block"')
        elif event.type == "error":
            self.refusal = refusal(data)
        self.started = self.started or event.type == "message_delta"
        self.ended = self.ended or event.type == "message_stop"

    def _count(self, said: Any) -> None:
        if said is not None:
            self._usage = said.after(self._usage)
            self.counted = self._usage.counted()
