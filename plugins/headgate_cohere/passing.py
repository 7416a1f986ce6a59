"""A stream that passes from Cohere to a client of Cohere, block by block; most are relayed unread.

A delta is only measured, without parsing, for a stream that is cut: all its texts, whatever they are called. So is what a
part begins with. Cohere always counts: there is nothing to hide.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import parse_event
from headgate.api.ai import Counted, Garbled, Refusal, measure_but
from headgate_cohere.facts import FAILURES
from headgate_cohere.usage import WireUsage

_measure: Final = measure_but("type", "id", "role")


class _Delta(msgspec.Struct):
    finish_reason: str | None = None
    error: str | None = None
    usage: WireUsage | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    delta: _Delta | None = None


_events = msgspec.json.Decoder(_Event)


class ChatPassing:
    """See `Passing`."""

    __slots__ = ("counted", "ended", "refusal", "relayed_bytes", "started")

    def __init__(self) -> None:
        self.started = False
        self.ended = False
        self.counted: Counted | None = None
        self.refusal: Refusal | None = None
        self.relayed_bytes = 0

    def __repr__(self) -> str:
        state = "ended" if self.ended else "started" if self.started else "not started"
        return f"<ChatPassing {state}, {self.relayed_bytes} bytes of text>"

    def take(self, block: bytes) -> bytes:
        """What to relay of a block: all of it. Garbled."""
        if b"-delta" in block[:64]:
            self.started = True
            self.relayed_bytes += _measure(block, b'"delta"')
            return block
        event = parse_event(block)
        if event is None or event.data.strip() == b"[DONE]":
            return block
        try:
            self._read(_events.decode(event.data), block)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no event of Cohere's") from None
        return block

    def finish(self) -> bytes | None:
        """Without its end mark the answer is not whole."""
        return None

    def _read(self, event: _Event, block: bytes) -> None:
        delta: Any = event.delta or _Delta()
        if event.type != "message-end":
            self.relayed_bytes += _measure(block, b'"delta"')
            return
        self.counted = delta.usage.counted() if delta.usage is not None else None
        if delta.error or delta.finish_reason in FAILURES:
            self.refusal = Refusal(delta.error or f"The answer ended with {delta.finish_reason}.", {})
        self.started = self.ended = True
