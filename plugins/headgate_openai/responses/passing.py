"""A streamed answer that passes, event by event. Only the first content, the end and errors are looked into.

An event is known by the line that names it, or by the `type` at the start of its data; inside a JSON string a quote is
escaped, so neither can stand in what the model says.

What has been relayed is measured without parsing, for a stream that is cut: all texts, whatever they are called, of
events that do not tell again what others have told. Pictures and what is encrypted come with an item that is done.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from headgate.api import parse_event
from headgate.api.ai import Counted, Garbled, Refusal, measure_but
from headgate_openai.responses.counting import used

_measure: Final = measure_but(
    "type", "id", "item_id", "call_id", "event_id", "status", "role", "object", "obfuscation", "token"
)
# Most events are a piece of a text, which has one name.
_DELTA: Final = re.compile(rb'"delta"\s*:\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
# What has been told in other events, or is the request again.
_REPEATS: Final = re.compile(
    rb'"type"\s*:\s*"response\.(?:created|queued|in_progress'
    rb'|[a-z_.]*+(?<=\.done)(?<!output_item\.done))"'
)
# Of these all has been told in deltas when they are done.
_GROWN: Final = re.compile(rb'"type"\s*:\s*"(?:message|function_call|custom_tool_call)"')
_ITEM: Final = b"output_item.done"
_LAST: Final = re.compile(rb'"type"\s*:\s*"(?:response\.completed|response\.incomplete|response\.failed|error)"')
_CONTENT: Final = re.compile(
    rb'"type"\s*:\s*"response\.(?:output_text|refusal|reasoning_text|reasoning_summary_text|function_call_arguments'
    rb"|custom_tool_call_input|output_item)\."
)


class ResponsePassing:
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
        return f"<ResponsePassing {state}, {self.relayed_bytes} bytes of text>"

    def take(self, block: bytes) -> bytes:
        """The block. Garbled where one that has to be read is no event."""
        if _LAST.search(block) is not None:
            self._last(block)
            return block
        if not self.started and _CONTENT.search(block) is not None:
            self.started = True
        self.relayed_bytes += _relayed(block)
        return block

    def finish(self) -> bytes | None:
        """None: this dialect has an end of its own."""
        return None

    def _last(self, block: bytes) -> None:
        event = parse_event(block)
        if event is None:
            return
        try:
            self._end(msgspec.json.decode(event.data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AttributeError, TypeError):
            raise Garbled("with a stream that holds what is no event in JSON") from None

    def _end(self, said: dict[str, Any]) -> None:
        kind, response = said.get("type"), said.get("response") or {}
        if kind in ("response.completed", "response.incomplete"):
            self.started = self.ended = True
            self.counted = used(response)
        elif kind in ("response.failed", "error"):
            error = response.get("error") or said.get("error") or said
            self.refusal = Refusal(str(error.get("message") or "It does not say why."), {})


def _relayed(block: bytes) -> int:
    """How many bytes of texts that no other event tells."""
    piece = _DELTA.search(block)
    if piece is not None:
        return len(piece[1])
    told = _REPEATS.search(block) is not None or (_ITEM in block and _GROWN.search(block) is not None)
    return 0 if told else _measure(block, b"")
