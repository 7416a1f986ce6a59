"""POST /v1/chat/completions: https://docs.mistral.ai/api/endpoint/chat."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from mistralai.client import models

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn
from headgate.testing.providers.frames import Frame, compact, sse
from headgate.testing.providers.mistral.rules import check_rules, checked
from headgate.testing.providers.says import Call, Says, Tokens
from headgate.testing.providers.strict import conforms

STOPS = {"stop": "stop", "sequence": "stop", "length": "length", "tools": "tool_calls", "filter": "error"}


class Chat:
    """Chat completions, whole and in chunks."""

    method = "POST"
    pattern = re.compile("/chat/completions")

    def check(self, asked: Asked) -> None:
        streams = isinstance(asked.body, dict) and asked.body.get("stream") is True
        check_rules(checked(asked, models.ChatCompletionStreamRequest if streams else models.ChatCompletionRequest))

    def reply(self, turn: Turn) -> Reply:
        if turn.asked.body.get("stream"):
            return Reply(frames=frames(turn), content_type=EVENTS)
        whole = {**header(turn, "chat.completion"), "choices": [choice(turn)], "usage": usage(turn.tokens)}
        conforms(whole, models.ChatCompletionResponse)
        if turn.says.manners.no_usage:
            del whole["usage"]
        return Reply(compact(with_cached(whole, turn.tokens)))


def header(turn: Turn, kind: str) -> dict[str, Any]:
    """What a completion and each of its chunks begin with."""
    return {"id": f"{turn.number:032x}", "object": kind, "created": int(time.time()), "model": turn.asked.body["model"]}


def choice(turn: Turn) -> dict[str, Any]:
    """The one choice of a whole completion."""
    calls = [call(turn, at, each) for at, each in enumerate(turn.says.calls)]
    message = {"role": "assistant", "content": content(turn.says), "tool_calls": calls or None}
    return {"index": 0, "message": message, "finish_reason": STOPS[turn.says.ends]}


def content(says: Says) -> str | list[dict[str, Any]]:
    """Plain words as a string; with thoughts or citations before or behind them, chunks."""
    chunks = [thinking(thought.text, thought.signature) for thought in says.thoughts]
    spoken = says.words or says.refusal
    if not chunks and not says.citations:
        return spoken
    chunks += [{"type": "text", "text": spoken}] if spoken else []
    return chunks + [reference(each.document) for each in says.citations]


def thinking(text: str, signature: str = "") -> dict[str, Any]:
    """https://docs.mistral.ai/capabilities/reasoning."""
    signed = {"signature": signature} if signature else {}
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **signed}


def reference(document: int) -> dict[str, Any]:
    """https://docs.mistral.ai/capabilities/citations."""
    return {"type": "reference", "reference_ids": [document]}


def call(turn: Turn, at: int, each: Call) -> dict[str, Any]:
    """A call, always whole; its id has nine letters and digits."""
    called = {"name": each.name, "arguments": each.text}
    return {"id": each.id or f"c{turn.number:05d}{at:03d}", "type": "function", "function": called, "index": at}


def usage(tokens: Tokens) -> dict[str, int]:
    """The counts."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
    }


def with_cached(value: dict[str, Any], tokens: Tokens) -> dict[str, Any]:
    """The SDK leaves room for more counts; the service has one of what it read from its cache."""
    if tokens.cached and value.get("usage"):
        value["usage"] |= {
            "num_cached_tokens": tokens.cached,
            "prompt_tokens_details": {"cached_tokens": tokens.cached},
        }
    return value


def frames(turn: Turn) -> Iterator[Frame]:
    """The role, thoughts and words in pieces, calls whole in the last chunk with the counts, [DONE]."""
    says, pieces = turn.says, turn.says.pieces
    yield chunk(turn, {"role": "assistant", "content": ""})
    for thought in says.thoughts:
        *before, last_piece = pieces.of_text(thought.text)
        for piece in before:
            yield chunk(turn, {"content": [thinking(piece)]}, produced=len(piece))
        signed = thinking(last_piece, thought.signature)
        yield chunk(turn, {"content": [signed]}, produced=len(last_piece))
    for piece in pieces.of_text(says.words or says.refusal):
        yield chunk(turn, {"content": piece}, produced=len(piece))
    for cited in says.citations:
        yield chunk(turn, {"content": [reference(cited.document)]})
    calls = [call(turn, at, each) for at, each in enumerate(says.calls)]
    last: dict[str, Any] = {"content": "", **({"tool_calls": calls} if calls else {})}
    yield chunk(turn, last, produced=sum(len(each.text) for each in says.calls), stop=STOPS[says.ends])
    yield Frame(b"data: [DONE]\n\n", last=True)


def chunk(turn: Turn, delta: dict[str, Any], *, produced: int = 0, stop: str | None = None) -> Frame:
    """One chunk; the counts are in the one with the reason of the end."""
    whole: dict[str, Any] = header(turn, "chat.completion.chunk")
    whole["choices"] = [{"index": 0, "delta": delta, "finish_reason": stop}]
    if stop and not turn.says.manners.no_usage:
        whole["usage"] = usage(turn.tokens)
    conforms(whole, models.CompletionChunk)
    return sse(with_cached(whole, turn.tokens), produced=produced)
