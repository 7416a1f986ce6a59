"""POST /v1/messages and /v1/messages/count_tokens: https://platform.claude.com/docs/en/api/messages.

The events of a stream, and their order: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from anthropic.types import Message, MessageCountTokensParams, MessageTokensCount, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming

from headgate.testing.providers.anthropic.rules import check_rules, said, without_sampling
from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn, refuse
from headgate.testing.providers.frames import Frame, compact, sse
from headgate.testing.providers.says import Call, Citation, Flags, Part, Text, Thought, Tokens
from headgate.testing.providers.strict import Misfit, conforms

STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "filter": "refusal",
    "sequence": "stop_sequence",
}


class Messages:
    """Messages, whole and as a stream."""

    method = "POST"
    pattern = re.compile("/v1/messages")

    def check(self, asked: Asked) -> None:
        streams = isinstance(asked.body, dict) and asked.body.get("stream") is True
        kind = MessageCreateParamsStreaming if streams else MessageCreateParamsNonStreaming
        check_rules(checked(asked, kind), asked.header("anthropic-version"))

    def reply(self, turn: Turn) -> Reply:
        if turn.asked.body.get("stream"):
            return Reply(frames=Events(turn).frames(), content_type=EVENTS)
        whole = message(turn)
        conforms(whole, Message)
        if turn.says.manners.no_usage:
            del whole["usage"]
        return Reply(compact(whole))


class CountTokens:
    """The input tokens of a message that is not sent. It costs nothing; the count is the script's."""

    method = "POST"
    pattern = re.compile("/v1/messages/count_tokens")

    def check(self, asked: Asked) -> None:
        check_rules(checked(asked, MessageCountTokensParams), asked.header("anthropic-version"))

    def reply(self, turn: Turn) -> Reply:
        counted = {"input_tokens": turn.tokens.input}
        conforms(counted, MessageTokensCount)
        return Reply(compact(counted), costs=Tokens())


def checked(asked: Asked, expected: Any) -> dict[str, Any]:
    """The body of a request that fits its type, and its version."""
    if not isinstance(asked.body, dict):
        raise refuse("The request body is not valid JSON")
    body: dict[str, Any] = asked.body
    try:
        conforms(without_sampling(body, asked.header("anthropic-version")), expected)
    except Misfit as misfit:
        raise said(misfit) from None
    return body


def message(turn: Turn) -> dict[str, Any]:
    """A whole message."""
    return {
        "id": f"msg_{turn.number:024d}",
        "type": "message",
        "role": "assistant",
        "model": turn.asked.body["model"],
        "content": [block(turn, at, part) for at, part in enumerate(parts(turn))],
        "stop_reason": STOPS[turn.says.ends],
        "stop_sequence": turn.says.stop_sequence,
        "usage": usage(turn.tokens),
    }


def parts(turn: Turn) -> list[Part]:
    """The parts that become blocks."""
    return [part for part in turn.says.content if not isinstance(part, Flags)]


def block(turn: Turn, at: int, part: Part) -> dict[str, Any]:
    """A block of content, whole."""
    if isinstance(part, Thought):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if isinstance(part, Call):
        return {"type": "tool_use", "id": use_id(turn, at, part), "name": part.name, "input": dict(part.arguments)}
    cited = [citation(each) for each in part.citations] if isinstance(part, Text) else []
    return {"type": "text", "text": part.text, "citations": cited or None}


def use_id(turn: Turn, at: int, call: Call) -> str:
    """The id of a call: the script's, or one that Anthropic could have made."""
    return call.id or f"toolu_{turn.number:020d}{at:04d}"


def citation(cited: Citation) -> dict[str, Any]:
    """A citation of a search result where it has an address, of a document of the request where it has none."""
    if cited.url:
        place = {"type": "web_search_result_location", "url": cited.url, "encrypted_index": "c2ltdWxhdGVk"}
        return {**place, "cited_text": cited.cited, "title": cited.title or None}
    return {
        "type": "char_location",
        "cited_text": cited.cited,
        "document_index": cited.document,
        "document_title": cited.title or None,
        "start_char_index": cited.start,
        "end_char_index": cited.end,
    }


def usage(tokens: Tokens) -> dict[str, Any]:
    """`input_tokens` are those that were neither read from the cache nor written to it.

    See https://platform.claude.com/docs/en/build-with-claude/prompt-caching, "Tracking cache performance".
    """
    counts: dict[str, Any] = {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    }
    return {**counts, **({"output_tokens_details": {"thinking_tokens": tokens.reasoning}} if tokens.reasoning else {})}


class Events:
    """A message as its events: start, each block with its deltas, the delta of the message with its usage, stop."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._pieces = turn.says.pieces
        self._no_usage = turn.says.manners.no_usage

    def frames(self) -> Iterator[Frame]:
        """The events, in order; a ping follows the start of the first block, as it does in life."""
        yield self._start()
        seen = 0
        for at, part in enumerate(parts(self._turn)):
            for frame in self._block(at, part):
                yield frame
                seen += 1
                if seen == 1 or (self._pieces.ping_every and seen % self._pieces.ping_every == 0):
                    yield sse({"type": "ping"}, event="ping")
        yield self._delta()
        yield self._event({"type": "message_stop"}, last=True)

    def _start(self) -> Frame:
        opening = Tokens(self._turn.tokens.input, 1, self._turn.tokens.cached, self._turn.tokens.cache_write)
        empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage(opening)}
        return self._event({"type": "message_start", "message": {**message(self._turn), **empty}})

    def _delta(self) -> Frame:
        whole = message(self._turn)
        delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
        return self._event({"type": "message_delta", "delta": delta, "usage": whole["usage"]})

    def _block(self, at: int, part: Part) -> Iterator[Frame]:
        opened = {**block(self._turn, at, part), **EMPTY[_kind(part)]}
        yield self._event({"type": "content_block_start", "index": at, "content_block": opened})
        for delta, produced in self._deltas(part):
            yield self._event({"type": "content_block_delta", "index": at, "delta": delta}, produced=produced)
        yield self._event({"type": "content_block_stop", "index": at})

    def _deltas(self, part: Part) -> Iterator[tuple[dict[str, Any], int]]:
        if isinstance(part, Call):
            yield {"type": "input_json_delta", "partial_json": ""}, 0
            for piece in self._pieces.of_arguments(part.text):
                yield {"type": "input_json_delta", "partial_json": piece}, len(piece)
        elif isinstance(part, Thought):
            for piece in self._pieces.of_text(part.text):
                yield {"type": "thinking_delta", "thinking": piece}, len(piece)
            yield {"type": "signature_delta", "signature": part.signature}, 0
        else:
            for piece in self._pieces.of_text(part.text):
                yield {"type": "text_delta", "text": piece}, len(piece)
            for cited in part.citations if isinstance(part, Text) else ():
                yield {"type": "citations_delta", "citation": citation(cited)}, 0

    def _event(self, event: dict[str, Any], *, produced: int = 0, last: bool = False) -> Frame:
        conforms(event, RawMessageStreamEvent)
        if self._no_usage:
            event.pop("usage", None)
            event.get("message", {}).pop("usage", None)
        return sse(event, event=event["type"], produced=produced, last=last)


EMPTY: dict[str, dict[str, Any]] = {
    "call": {"input": {}},
    "thought": {"thinking": "", "signature": ""},
    "text": {"text": "", "citations": None},
}


def _kind(part: Part) -> str:
    return "call" if isinstance(part, Call) else "thought" if isinstance(part, Thought) else "text"
