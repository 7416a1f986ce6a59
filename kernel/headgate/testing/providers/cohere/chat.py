"""POST /v2/chat: https://docs.cohere.com/v2/reference/chat; its events: https://docs.cohere.com/v2/docs/streaming."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NotRequired

from cohere.v2.raw_client import RawV2Client
from cohere.v2.types import V2ChatResponse, V2ChatStreamResponse

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn
from headgate.testing.providers.cohere.rules import check_rules, checked, request_of
from headgate.testing.providers.frames import Frame, compact, sse
from headgate.testing.providers.says import Citation, Says, Tokens
from headgate.testing.providers.strict import conforms

STOPS = {
    "stop": "COMPLETE",
    "sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tools": "TOOL_CALL",
    "filter": "ERROR",
}


class Chat:
    """Chat, whole and in events."""

    method = "POST"
    pattern = re.compile("/v2/chat")

    @cached_property
    def _request(self) -> Any:
        return request_of(RawV2Client.chat, stream=NotRequired[bool])

    def check(self, asked: Asked) -> None:
        check_rules(checked(asked, self._request))

    def reply(self, turn: Turn) -> Reply:
        if turn.asked.body.get("stream"):
            return Reply(frames=Events(turn).frames(), content_type=EVENTS)
        reason = STOPS[turn.says.ends]
        whole = {"id": ident(turn), "finish_reason": reason, "message": message(turn), **counts(turn)}
        if turn.asked.body.get("logprobs"):
            whole["logprobs"] = [logprob(piece) for piece in turn.says.pieces.of_text(turn.says.words)]
        conforms(whole, V2ChatResponse)
        return Reply(compact(whole))


def ident(turn: Turn) -> str:
    """The id of an answer."""
    return f"{turn.number:08x}-0000-4000-8000-000000000000"


def message(turn: Turn) -> dict[str, Any]:
    """The message: words are its content, or, where it calls tools, its plan."""
    says = turn.says
    whole: dict[str, Any] = {"role": "assistant"}
    content = [{"type": "thinking", "thinking": thought.text} for thought in says.thoughts]
    if says.calls:
        whole["tool_calls"] = [call(turn, at) for at in range(len(says.calls))]
        whole |= {"tool_plan": spoken(says)} if spoken(says) else {}
    elif spoken(says):
        content.append({"type": "text", "text": spoken(says)})
    whole |= {"content": content} if content else {}
    return whole | ({"citations": [citation(each) for each in says.citations]} if says.citations else {})


def spoken(says: Says) -> str:
    """What is said, a refusal among it: Cohere has no field for one."""
    return says.words + says.refusal


def call(turn: Turn, at: int) -> dict[str, Any]:
    """A call; Cohere makes its ids of the name of the tool."""
    each = turn.says.calls[at]
    return {
        "id": each.id or f"{each.name}_{turn.number:06d}{at:06d}",
        "type": "function",
        "function": {"name": each.name, "arguments": each.text},
    }


def citation(cited: Citation) -> dict[str, Any]:
    """https://docs.cohere.com/docs/rag-citations."""
    document = {"id": f"doc:{cited.document}", "title": cited.title, **({"url": cited.url} if cited.url else {})}
    source = {"type": "document", "id": f"doc:{cited.document}", "document": document}
    return {"start": cited.start, "end": cited.end, "text": cited.cited, "sources": [source], "type": "TEXT_CONTENT"}


def logprob(piece: str) -> dict[str, Any]:
    """One entry for a piece."""
    return {"text": piece, "token_ids": [len(piece)], "logprobs": [-0.25]}


def counts(turn: Turn) -> dict[str, Any]:
    """The usage, where it is not missing."""
    return {} if turn.says.manners.no_usage else {"usage": usage(turn.tokens)}


def usage(tokens: Tokens) -> dict[str, Any]:
    """What is billed, and what was used."""
    used = {"input_tokens": tokens.input, "output_tokens": tokens.output}
    return {"billed_units": used, "tokens": used, "cached_tokens": tokens.cached}


class Events:
    """An answer as its events: message, contents, plan, calls, citations, the end of the message."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._says = turn.says

    def frames(self) -> Iterator[Frame]:
        """The events, in order."""
        started = {"message": {"role": "assistant"}}
        yield self._event("message-start", id=ident(self._turn), delta=started)
        index = 0
        for thought in self._says.thoughts:
            yield from self._content(index, "thinking", thought.text)
            index += 1
        if self._says.calls:
            yield from self._plan()
            for at in range(len(self._says.calls)):
                yield from self._call(at)
        elif text := spoken(self._says):
            yield from self._content(index, "text", text)
        for at, cited in enumerate(self._says.citations):
            yield self._event("citation-start", index=at, delta={"message": {"citations": citation(cited)}})
            yield self._event("citation-end", index=at)
        delta = {"finish_reason": STOPS[self._says.ends], **counts(self._turn)}
        yield self._event("message-end", id=ident(self._turn), delta=delta)
        yield Frame(b"data: [DONE]\n\n", last=True)

    def _content(self, index: int, kind: str, text: str) -> Iterator[Frame]:
        opened = {"message": {"content": {"type": kind, kind: ""}}}
        yield self._event("content-start", index=index, delta=opened)
        for piece in self._says.pieces.of_text(text):
            besides = {"logprobs": logprob(piece)} if self._turn.asked.body.get("logprobs") and kind == "text" else {}
            delta = {"message": {"content": {kind: piece}}}
            yield self._event("content-delta", produced=len(piece), index=index, delta=delta, **besides)
        yield self._event("content-end", index=index)

    def _plan(self) -> Iterator[Frame]:
        for piece in self._says.pieces.of_text(spoken(self._says)):
            yield self._event("tool-plan-delta", produced=len(piece), delta={"message": {"tool_plan": piece}})

    def _call(self, at: int) -> Iterator[Frame]:
        whole = call(self._turn, at)
        opened = {**whole, "function": {**whole["function"], "arguments": ""}}
        yield self._event("tool-call-start", index=at, delta={"message": {"tool_calls": opened}})
        for piece in self._says.pieces.of_arguments(self._says.calls[at].text):
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            yield self._event("tool-call-delta", produced=len(piece), index=at, delta=delta)
        yield self._event("tool-call-end", index=at)

    def _event(self, kind: str, *, produced: int = 0, **fields: Any) -> Frame:
        event = {"type": kind, **fields}
        conforms(event, V2ChatStreamResponse)
        return sse(event, event=kind, produced=produced)
