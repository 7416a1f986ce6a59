"""A provider's stream, event by event: https://docs.cohere.com/docs/streaming.

1. Pieces of content and tool calls are numbered apart; a plan has neither number nor beginning.
2. Citations may come behind the end of the text that they cite. So a text is closed when something else begins.
3. `message-end` is the end mark. It also says that an answer failed.
"""

from __future__ import annotations

from typing import Any, Final

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
    Opened,
    Reasoning,
    ReasoningDelta,
    Said,
    SseReader,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_cohere.answers import token_probs
from headgate_cohere.citing import citation
from headgate_cohere.facts import FAILURES, NAME, PLAN, STOPS
from headgate_cohere.usage import WireUsage

_objects = msgspec.json.Decoder(dict[str, Any])
_DONE: Final = b"[DONE]"

Place = tuple[str, int]
_PLAN: Final[Place] = (PLAN, 0)


class ChatReader(SseReader):
    """See `EventReader`."""

    __slots__ = ("_began", "_closing", "_next", "_open")

    def __init__(self) -> None:
        super().__init__()
        self._began = False
        self._next = 0
        # The index of each part that is open, and those whose end has come already.
        self._open: dict[Place, int] = {}
        self._closing: list[Place] = []

    def take(self, event: Event) -> list[Happening]:
        """What happens in one event. Garbled."""
        if event.data.strip() in (b"", _DONE):
            return []
        try:
            value = _objects.decode(event.data)
            return self._take(value)
        except (KeyError, TypeError, AttributeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no event of Cohere's") from None

    def _take(self, value: dict[str, Any]) -> list[Happening]:
        kind = value.get("type")
        if kind is None and isinstance(value.get("message"), str):
            return [Failed(value["message"])]
        index, delta = value.get("index") or 0, value.get("delta") or {}
        message = delta.get("message") or {}
        match kind:
            case "content-delta":
                return self._grow(index, message["content"], value.get("logprobs"))
            case "content-start":
                return self._content(index, message["content"])
            case "content-end":
                self._closing.append(("content", index))
                return []
            case "tool-plan-delta":
                return self._plan(message[PLAN])
            case "tool-call-start":
                return self._call(index, message["tool_calls"])
            case "tool-call-delta":
                text = message["tool_calls"]["function"]["arguments"]
                return [ArgumentsDelta(text, self._open["call", index])] if text else []
            case "tool-call-end":
                return [Closed(self._open.pop(("call", index)))]
            case "citation-start":
                return self._cite(message["citations"])
            case "message-start":
                return self._begin(value.get("id"))
            case "message-end":
                return self._end(delta)
        return []

    # --- the message -------------------------------------------------------------------------------------------------

    def _begin(self, ident: str | None = None) -> list[Happening]:
        if self._began:
            return []
        self._began = True
        return [Began(ident)]

    def _end(self, delta: dict[str, Any]) -> list[Happening]:
        told = self._begin()
        if delta.get("usage") is not None:
            told.append(Used(msgspec.convert(delta["usage"], WireUsage, strict=False).counted()))
        reason = delta.get("finish_reason")
        if reason in FAILURES or delta.get("error"):
            message = delta.get("error") or f"The answer ended with {reason}."
            return [*told, Failed(str(message), {}, FAILURES.get(str(reason)))]
        self._closing = list(self._open)
        return [*told, *self._close(), Stopped(STOPS.get(str(reason), "other")), Ended()]

    # --- parts -------------------------------------------------------------------------------------------------------

    def _close(self) -> list[Happening]:
        """The parts whose end has come."""
        closing, self._closing = self._closing, []
        return [Closed(self._open.pop(place)) for place in closing if place in self._open]

    def _opened(self, place: Place, part: Said) -> list[Happening]:
        if _PLAN in self._open and place != _PLAN:
            self._closing.append(_PLAN)
        told = [*self._begin(), *self._close(), Opened(part, self._next)]
        self._open[place] = self._next
        self._next += 1
        return told

    def _content(self, index: int, block: dict[str, Any]) -> list[Happening]:
        thinks = block.get("type") == "thinking"
        part: Said = Reasoning(maker=NAME) if thinks else Text(text="", citations=[])
        return [*self._opened(("content", index), part), *self._grow(index, block, None)]

    def _grow(self, index: int, block: dict[str, Any], probs: Any) -> list[Happening]:
        told: list[Happening] = []
        if block.get("thinking"):
            told.append(ReasoningDelta(block["thinking"], self._open["content", index]))
        logprobs = token_probs(probs) if isinstance(probs, dict) else None
        if block.get("text") or logprobs:
            told.append(TextDelta(block.get("text") or "", self._open["content", index], logprobs=logprobs))
        return told

    def _plan(self, text: str) -> list[Happening]:
        plan = Reasoning(maker=NAME, extra={PLAN: True})
        begun = [] if _PLAN in self._open else self._opened(_PLAN, plan)
        return [*begun, ReasoningDelta(text, self._open[_PLAN])]

    def _call(self, index: int, call: dict[str, Any]) -> list[Happening]:
        function = call["function"]
        begun = self._opened(("call", index), ToolCall(id=call["id"], name=function["name"]))
        text = function.get("arguments")
        return [*begun, ArgumentsDelta(text, self._next - 1)] if text else begun

    def _cite(self, said: dict[str, Any]) -> list[Happening]:
        """One of a text that is there. A plan has no citations in other dialects."""
        place = ("content", said.get("content_index") or 0)
        if said.get("type") in ("PLAN", "THINKING_CONTENT") or place not in self._open:
            return []
        return [CitationDelta(citation(said), self._open[place])]
