"""The items of a response, and the events that build them.

Every event is numbered; an item is announced empty, grows by deltas, and is said again whole when it is done
(https://platform.openai.com/docs/api-reference/responses-streaming).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from openai.types.responses import ResponseStreamEvent

from headgate.testing.providers.asking import Turn
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.says import Call, Flags, Part, Refusal, Text, Thought
from headgate.testing.providers.strict import conforms


def items(turn: Turn) -> list[dict[str, Any]]:
    """The output: one item for each part."""
    return [item(turn, at, part) for at, part in enumerate(parts(turn))]


def parts(turn: Turn) -> list[Part]:
    """The parts that become items."""
    return [part for part in turn.says.content if not isinstance(part, Flags)]


def item(turn: Turn, at: int, part: Part) -> dict[str, Any]:
    """One item, whole."""
    if isinstance(part, Call):
        called = {"name": part.name, "arguments": part.text, "call_id": part.id or f"call_{turn.number:020d}{at:04d}"}
        return {"id": _id("fc", turn, at), "type": "function_call", "status": "completed", **called}
    if isinstance(part, Thought):
        return reasoning(turn, at, part)
    message = {"id": _id("msg", turn, at), "type": "message", "role": "assistant", "status": "completed"}
    return {**message, "content": [content(turn, part)]}


def reasoning(turn: Turn, at: int, thought: Thought) -> dict[str, Any]:
    """Reasoning is summed up, and encrypted, for whom asks for it."""
    body = turn.asked.body
    summary = [{"type": "summary_text", "text": thought.text}] if (body.get("reasoning") or {}).get("summary") else []
    sealed = "reasoning.encrypted_content" in (body.get("include") or ())
    shown = {"encrypted_content": thought.signature} if sealed else {}
    return {"id": _id("rs", turn, at), "type": "reasoning", "summary": summary, **shown}


def content(turn: Turn, part: Part) -> dict[str, Any]:
    """The content of a message."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    cited = part.citations if isinstance(part, Text) else ()
    annotations = [
        {"type": "url_citation", "url": each.url, "title": each.title, "start_index": each.start, "end_index": each.end}
        for each in cited
    ]
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": annotations,
        "logprobs": logprobs(turn, part.text, whole=True),
    }


def logprobs(turn: Turn, text: str, *, whole: bool = False) -> list[dict[str, Any]]:
    """One entry for each piece, for whom asks; the entries of a whole text have the bytes too."""
    if "message.output_text.logprobs" not in (turn.asked.body.get("include") or ()):
        return []
    return [_logprob(piece, whole) for piece in turn.says.pieces.of_text(text)]


def _logprob(piece: str, whole: bool) -> dict[str, Any]:
    spelled = {"bytes": list(piece.encode())} if whole else {}
    return {"token": piece, "logprob": -0.25, "top_logprobs": [], **spelled}


def _id(kind: str, turn: Turn, at: int) -> str:
    return f"{kind}_{turn.number:020d}{at:04d}"


def error_event(error: dict[str, Any]) -> Frame:
    """https://platform.openai.com/docs/api-reference/responses-streaming/error."""
    event = {"type": "error", "code": error["code"], "message": error["message"], "param": None, "sequence_number": 99}
    conforms(event, ResponseStreamEvent)
    return sse(event, event="error")


def _empty(part: Part) -> dict[str, Any]:
    """What of an item is not there yet when it is announced."""
    return (
        {"arguments": ""}
        if isinstance(part, Call)
        else {"summary": []}
        if isinstance(part, Thought)
        else {"content": []}
    )


class Events:
    """A response as its events."""

    def __init__(self, turn: Turn, whole: dict[str, Any]) -> None:
        self._turn = turn
        self._whole = whole
        self._numbers = itertools.count()

    def frames(self) -> Iterator[Frame]:
        """The events, in order."""
        begun = {**self._whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        for at, part in enumerate(parts(self._turn)):
            yield from self._item(at, part)
        end = "response.incomplete" if self._whole["status"] == "incomplete" else "response.completed"
        done = {**self._whole, **({"usage": None} if self._turn.says.manners.no_usage else {})}
        yield self._event(end, last=True, response=done)

    def _item(self, at: int, part: Part) -> Iterator[Frame]:
        whole = self._whole["output"][at]
        empty: dict[str, Any] = _empty(part)
        status = {} if isinstance(part, Thought) else {"status": "in_progress"}
        yield self._event("response.output_item.added", output_index=at, item={**whole, **empty, **status})
        where = {"item_id": whole["id"], "output_index": at}
        if isinstance(part, Call):
            yield from self._call(part, where)
        elif isinstance(part, Thought):
            yield from self._thought(part, where, whole["summary"])
        else:
            yield from self._message(part, {**where, "content_index": 0}, whole["content"][0])
        yield self._event("response.output_item.done", output_index=at, item=whole)

    def _call(self, call: Call, where: dict[str, Any]) -> Iterator[Frame]:
        kind = "response.function_call_arguments"
        for piece in self._turn.says.pieces.of_arguments(call.text):
            yield self._event(f"{kind}.delta", produced=len(piece), **where, delta=piece)
        yield self._event(f"{kind}.done", **where, arguments=call.text)

    def _thought(self, thought: Thought, where: dict[str, Any], summary: list[dict[str, Any]]) -> Iterator[Frame]:
        where = {**where, "summary_index": 0}
        empty = {"type": "summary_text", "text": ""}
        for shown in summary:
            yield self._event("response.reasoning_summary_part.added", **where, part=empty)
            for piece in self._turn.says.pieces.of_text(thought.text):
                yield self._event("response.reasoning_summary_text.delta", produced=len(piece), **where, delta=piece)
            yield self._event("response.reasoning_summary_text.done", **where, text=thought.text)
            yield self._event("response.reasoning_summary_part.done", **where, part=shown)

    def _message(self, part: Part, where: dict[str, Any], whole: dict[str, Any]) -> Iterator[Frame]:
        said = "refusal" if isinstance(part, Refusal) else "output_text"
        field = "refusal" if isinstance(part, Refusal) else "text"
        empty: dict[str, Any] = {"annotations": [], "logprobs": []} if field == "text" else {}
        yield self._event("response.content_part.added", **where, part={**whole, **empty, field: ""})
        for piece in self._turn.says.pieces.of_text(part.text):
            yield self._event(
                f"response.{said}.delta", produced=len(piece), **where, delta=piece, **self._spoken(part, piece)
            )
        for number, each in enumerate(whole.get("annotations") or ()):
            kind = "response.output_text.annotation.added"
            yield self._event(kind, **where, annotation_index=number, annotation=each)
        done: dict[str, Any] = {field: part.text, **self._spoken(part, part.text)}
        yield self._event(f"response.{said}.done", **where, **done)
        yield self._event("response.content_part.done", **where, part=whole)

    def _spoken(self, part: Part, text: str) -> dict[str, Any]:
        return {} if isinstance(part, Refusal) else {"logprobs": logprobs(self._turn, text)}

    def _event(self, kind: str, *, produced: int = 0, last: bool = False, **fields: Any) -> Frame:
        event = {"type": kind, "sequence_number": next(self._numbers), **fields}
        conforms(event, ResponseStreamEvent)
        return sse(event, event=kind, produced=produced, last=last)
