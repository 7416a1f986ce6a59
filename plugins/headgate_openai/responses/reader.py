"""A streamed answer, event by event, as what happens in it.

1. A message's parts open with `content_part.added`, or with their first delta where a server leaves that out. A call opens
   with its item, reasoning with its first words, since only these tell whether they are a summary.
2. What is encrypted of reasoning comes whole, with the item's end: a part of its own, with the same id.
3. Items that only this dialect has are told when they are whole; their progress is not.
4. Every `…done` and the end repeat what the deltas have said, so no block may pass on its own: what a filter has taken
   out of a delta would be told all the same.
5. `response.completed` and `response.incomplete` are the end; `response.failed` and `error` are failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headgate.api import Event, NotStrict
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
    RefusalDelta,
    Refused,
    Said,
    SignatureDelta,
    SseReader,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.responses.answers import parts_of, prob_of, stop_of
from headgate_openai.responses.counting import used
from headgate_openai.responses.items import citation
from headgate_openai.responses.shapes import Called

_DELTAS: Final = {
    "response.output_text.delta": "text", "response.refusal.delta": "refusal", "response.reasoning_text.delta": "thought",
    "response.reasoning_summary_text.delta": "summary", "response.function_call_arguments.delta": "arguments",
}  # fmt: skip
_OPENS: Final = {"output_text": "text", "refusal": "refusal", "reasoning_text": "thought"}
_ENDS: Final = ("response.completed", "response.incomplete")

Key = tuple[int, str, int]


class ResponseReader(SseReader):
    """See `EventReader`."""

    __slots__ = ("_began", "_count", "_counts", "_open", "_thought", "_told")

    def __init__(self) -> None:
        super().__init__()
        self._began = False
        self._count = 0
        # What is open: by its item's place, what it is, and its place in the item.
        self._open: dict[Key, int] = {}
        self._counts: dict[int, int] = {}
        self._thought: dict[int, int] = {}
        # The places of items of which something has been told.
        self._told: set[int] = set()

    def feed(self, data: bytes) -> list[tuple[bytes, list[Happening]]]:
        try:
            return _unseen(super().feed(data))
        except Garbled as error:
            error.before = _unseen(error.before)
            raise

    def take(self, event: Event) -> list[Happening]:
        data = event.data.strip()
        if data == b"[DONE]":
            return []
        try:
            said = msgspec.json.decode(data)
            return self._take(said)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no event in JSON") from None
        except (NotStrict, TypeError, AttributeError, KeyError, ValueError) as error:
            raise Garbled(f"with an event that lacks something: {error}") from None

    def _take(self, said: dict[str, Any]) -> list[Happening]:
        out: list[Happening] = []
        kind = said.get("type")
        delta = _DELTAS.get(str(kind))
        if delta is not None:
            self._delta(delta, said, out)
        elif kind in _ENDS:
            self._ended(said["response"], out)
        else:
            self._step(str(kind), said, out)
        return out

    def _step(self, kind: str, said: dict[str, Any], out: list[Happening]) -> None:
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                self._begin(said["response"], out)
            case "response.output_item.added":
                self._item(said, out)
            case "response.content_part.added" if said["part"].get("type") in _OPENS:
                key = (said["output_index"], _OPENS[said["part"]["type"]], said["content_index"])
                self._part(key, out, said.get("item_id"))
            case "response.output_text.annotation.added":
                index = self._part((said["output_index"], "text", said["content_index"]), out)
                out.append(CitationDelta(citation(said["annotation"]), index))
            case "response.content_part.done" if said["part"].get("type") != "reasoning_text":
                self._close(said["output_index"], out, said["content_index"])
            case "response.output_item.done":
                self._done(said["output_index"], said["item"], out)
            case "response.failed":
                error = said["response"].get("error") or {}
                out.append(_failed(error))
            case "error":
                out.append(_failed(said.get("error") or said))

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _begin(self, response: dict[str, Any], out: list[Happening]) -> None:
        if not self._began:
            self._began = True
            created = response.get("created_at")
            at = int(created) if isinstance(created, (int, float)) else None
            out.append(Began(response.get("id"), response.get("model"), at))

    def _item(self, said: dict[str, Any], out: list[Happening]) -> None:
        item, place = said["item"], said["output_index"]
        if item.get("type") == "function_call":
            call = Called(id=item["call_id"], name=item["name"], item=item)
            self._opened((place, "arguments", 0), call, out)

    def _delta(self, kind: str, said: dict[str, Any], out: list[Happening]) -> None:
        place, text = said["output_index"], said["delta"]
        inner = said.get("content_index", 0)
        if kind == "summary":
            inner = said.get("summary_index", 0)
            if inner and self._thought.get(place, 0) != inner:
                text = "\n\n" + text
            self._thought[place] = inner
            kind, inner = "summary", 0
        elif kind == "arguments":
            inner = 0
        index = self._part((place, kind, inner), out, said.get("item_id"))
        self._counts[index] = self._counts.get(index, 0) + len(text)
        out.append(_grown(kind, text, index, said))

    def _part(self, key: Key, out: list[Happening], ident: str | None = None) -> int:
        """The open part with this key, opened if there is none."""
        index = self._open.get(key)
        if index is not None:
            return index
        return self._opened(key, _empty(key[1], ident), out)

    def _opened(self, key: Key, part: Said, out: list[Happening]) -> int:
        self._begin({}, out)
        self._told.add(key[0])
        index = self._open[key] = self._count
        self._count += 1
        out.append(Opened(part, index))
        return index

    def _close(self, place: int, out: list[Happening], inner: int | None = None) -> None:
        """The parts of an item, or one of them, are complete."""
        for key in [key for key in self._open if key[0] == place and inner in (None, key[2])]:
            out.append(Closed(self._open.pop(key)))

    def _done(self, place: int, item: dict[str, Any], out: list[Happening]) -> None:
        """An item is whole: what was not told of it is told now."""
        told, parts = place in self._told, parts_of([item])
        if told:
            self._rest(place, parts, out)
        self._close(place, out)
        for part in parts:
            if not told or (isinstance(part, Reasoning) and part.sealed):
                self._opened((place, "whole", 0), part, out)
                self._close(place, out)

    def _rest(self, place: int, parts: list[Said], out: list[Happening]) -> None:
        """What only the whole item says: the proof of reasoning, and the arguments of those who send them at once."""
        for part in parts:
            if isinstance(part, ToolCall) and part.arguments:
                index = self._open[place, "arguments", 0]
                if not self._counts.get(index):
                    out.append(ArgumentsDelta(part.arguments, index))
            elif isinstance(part, Reasoning) and part.signature:
                still = [index for key, index in self._open.items() if key[0] == place]
                out += [SignatureDelta(part.signature, index) for index in still[:1]]

    def _ended(self, response: dict[str, Any], out: list[Happening]) -> None:
        self._begin(response, out)
        for place in sorted({key[0] for key in self._open}):
            self._close(place, out)
        counted = used(response)
        if counted is not None:
            out.append(Used(counted))
        out += [Stopped(stop_of(response, parts_of(response.get("output") or []))), Ended()]


def _empty(kind: str, ident: str | None) -> Said:
    """A part of this kind that has just begun."""
    if kind == "text":
        return Text(text="")
    if kind == "refusal":
        return Refused(text="")
    if kind == "arguments":
        return ToolCall(id=ident or "", name="")
    return Reasoning(id=ident, summary=kind == "summary")


def _grown(kind: str, text: str, index: int, said: dict[str, Any]) -> Happening:
    match kind:
        case "text":
            probs = [prob_of(one) for one in said.get("logprobs") or ()]
            return TextDelta(text, index, 0, probs or None)
        case "refusal":
            return RefusalDelta(text, index)
        case "arguments":
            return ArgumentsDelta(text, index)
    return ReasoningDelta(text, index)


def _failed(error: dict[str, Any]) -> Failed:
    fields = {name: error[key] for name, key in (("code", "code"), ("where", "param")) if error.get(key)}
    return Failed(str(error.get("message") or "It does not say why."), fields)


def _unseen(read: Sequence[tuple[bytes, list[Happening]]]) -> list[tuple[bytes, list[Happening]]]:
    """No event passes as it came, for it has the place of its item, and the id."""
    return [(b"", happenings) for _, happenings in read]
