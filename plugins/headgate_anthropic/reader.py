"""A provider's stream, event by event: https://platform.claude.com/docs/en/build-with-claude/streaming.

1. An event's own `type` says what it is. One of a type that is not known is passed over, as the documentation asks.
2. Counts of a `message_delta` are totals; what it leaves out has not changed.
3. A block that other dialects do not know comes as one `Opaque` part, when it is complete.
4. `message_stop` is the end mark.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import Event
from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Garbled,
    Happening,
    Opaque,
    Opened,
    Pinged,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    SseReader,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_anthropic.answers import explained
from headgate_anthropic.citing import citation
from headgate_anthropic.errors import STATUSES
from headgate_anthropic.facts import NAME, STOPS
from headgate_anthropic.hidden import Hidden
from headgate_anthropic.usage import WireUsage

_objects = msgspec.json.Decoder(dict[str, Any])


class MessageReader(SseReader):
    """See `EventReader`."""

    __slots__ = ("_began", "_hidden", "_next", "_open", "_stopped", "_usage")

    def __init__(self) -> None:
        super().__init__()
        self._began = self._stopped = False
        self._usage: WireUsage | None = None
        self._next = 0
        # By the provider's index: the index of a part that is open.
        self._open: dict[int, int] = {}
        self._hidden = Hidden()

    def take(self, event: Event) -> list[Happening]:
        """What happens in one event. Garbled."""
        try:
            value = _objects.decode(event.data)
            return self._take(value)
        except (KeyError, TypeError, AttributeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no event of Anthropic's") from None

    def _take(self, value: dict[str, Any]) -> list[Happening]:
        match value.get("type"):
            case "content_block_delta":
                return self._delta(value["index"], value["delta"])
            case "content_block_start":
                return [*self._begin({}), *self._start(value["index"], value["content_block"])]
            case "content_block_stop":
                return self._close(value["index"])
            case "message_start":
                return self._begin(value["message"])
            case "message_delta":
                return [*self._begin({}), *self._used(value.get("usage")), *self._stop(value["delta"])]
            case "message_stop":
                return [*self._begin({}), *self._stop({"stop_reason": None}), Ended()]
            case "ping":
                return [Pinged()]
            case "error":
                return [_failed(value["error"])]
        return []

    # --- the message -------------------------------------------------------------------------------------------------

    def _begin(self, message: dict[str, Any]) -> list[Happening]:
        if self._began:
            return []
        self._began = True
        used = self._used(message.get("usage"))
        counted = self._usage.counted() if self._usage is not None else None
        return [Began(message.get("id"), message.get("model"), counted=counted), *used]

    def _used(self, value: Any) -> list[Happening]:
        if value is None:
            return []
        self._usage = msgspec.convert(value, WireUsage).after(self._usage)
        return [Used(self._usage.counted())]

    def _stop(self, delta: dict[str, Any]) -> list[Happening]:
        if self._stopped or "stop_reason" not in delta:
            return []
        self._stopped = True
        closed = [happening for index in (*self._open, *self._hidden.places()) for happening in self._close(index)]
        reason = delta["stop_reason"]
        stop = Stopped(STOPS.get(reason, "other"), sequence=delta.get("stop_sequence"))
        return [*closed, *self._explain(delta.get("stop_details")), stop]

    def _explain(self, details: Any) -> list[Happening]:
        told: list[Happening] = []
        for part in explained(details):
            assert isinstance(part, Refused)
            index = self._index()
            told += [
                Opened(Refused(text="", extra=part.extra), index),
                RefusalDelta(part.text, index),
                Closed(index),
            ]
        return told

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _index(self) -> int:
        self._next += 1
        return self._next - 1

    def _start(self, place: int, block: dict[str, Any]) -> list[Happening]:
        match block.get("type"):
            case "text":
                return self._opened(place, Text(text=""), self._first(place, "text", block))
            case "thinking":
                return self._opened(place, Reasoning(maker=NAME), self._first(place, "thinking", block))
            case "redacted_thinking":
                return self._opened(place, Reasoning(sealed=block["data"], maker=NAME), [])
            case "tool_use":
                more: dict[str, Any] = {name: block[name] for name in ("caller", "toolset_name") if name in block}
                call = ToolCall(id=block["id"], name=block["name"], extra=more)
                said = msgspec.json.encode(block["input"]).decode() if block.get("input") else ""
                return self._opened(place, call, [ArgumentsDelta(said, self._next)] if said else [])
        self._hidden.begin(place, block)
        return []

    def _first(self, place: int, name: str, block: dict[str, Any]) -> list[Happening]:
        """What a block already holds when it begins, which is nothing as a rule."""
        index, told = self._next, list[Happening]()
        if block.get(name):
            told.append(TextDelta(block[name], index) if name == "text" else ReasoningDelta(block[name], index))
        told += [CitationDelta(citation(each), index) for each in block.get("citations") or ()]
        if block.get("signature"):
            told.append(SignatureDelta(block["signature"], index))
        return told

    def _opened(self, place: int, part: Any, first: list[Happening]) -> list[Happening]:
        self._open[place] = self._index()
        return [Opened(part, self._open[place]), *first]

    def _delta(self, place: int, delta: dict[str, Any]) -> list[Happening]:
        if place in self._hidden:
            self._hidden.grow(place, delta)
            return []
        index = self._open[place]
        match delta.get("type"):
            case "text_delta":
                return [TextDelta(delta["text"], index)]
            case "input_json_delta":
                return [ArgumentsDelta(delta["partial_json"], index)] if delta["partial_json"] else []
            case "thinking_delta":
                return [ReasoningDelta(delta["thinking"], index)]
            case "signature_delta":
                return [SignatureDelta(delta["signature"], index)]
            case "citations_delta":
                return [CitationDelta(citation(delta["citation"]), index)]
        return []

    def _close(self, place: int) -> list[Happening]:
        if place in self._hidden:
            block, index = self._hidden.end(place), self._index()
            return [Opened(Opaque(dialect=NAME, value=block), index), Closed(index)]
        return [Closed(self._open.pop(place))]


def _failed(error: dict[str, Any]) -> Failed:
    kind = error.get("type")
    fields = {"code": kind} if isinstance(kind, str) else {}
    return Failed(str(error.get("message", "")), fields, STATUSES.get(str(kind)))
