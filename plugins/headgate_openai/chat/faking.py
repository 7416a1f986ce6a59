"""Answers as OpenAI gives them, from what somebody wants a model to have said: for the echo, and for tests."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from headgate.api import FakeBody, FakeChat, Response, render_event

_JSON = [(b"content-type", b"application/json")]
_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8")]


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: _Options | None = None


def render(fake: FakeChat, body: bytes, at: float) -> Response:
    """The answer to the request with this body: whole, or as a stream if it asks for one."""
    request = msgspec.json.decode(body, type=_Request)
    counts = {
        "prompt_tokens": fake.prompt_tokens,
        "completion_tokens": fake.completion_tokens,
        "total_tokens": fake.prompt_tokens + fake.completion_tokens,
    }
    name = hashlib.blake2b(body, key=str(at).encode(), digest_size=12).hexdigest()
    common = {"id": f"chatcmpl-{name}", "created": int(at), "model": request.model}
    if not request.stream:
        message = {"role": "assistant", "content": fake.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        whole = {**common, "object": "chat.completion", "choices": [choice], "usage": counts}
        return Response(200, _JSON, msgspec.json.encode(whole))
    options = request.stream_options
    with_counts = options is not None and bool(options.include_usage)
    texts = list(fake.pieces or (fake.text,))
    said = texts if fake.dies_after is None else texts[: fake.dies_after]
    chunks = [_chunk(common, {"role": "assistant", "content": ""}, None, with_counts=with_counts)]
    chunks += [_chunk(common, {"content": text}, None, with_counts=with_counts) for text in said]
    if fake.dies_after is not None:
        return Response(200, _STREAM, FakeBody(chunks, breaks_off=True))
    chunks.append(_chunk(common, {}, "stop", with_counts=with_counts))
    if with_counts:
        chunks.append(_event({**common, "object": "chat.completion.chunk", "choices": [], "usage": counts}))
    return Response(200, _STREAM, FakeBody([*chunks, render_event(b"[DONE]")]))


def _chunk(common: dict[str, Any], delta: dict[str, Any], reason: str | None, *, with_counts: bool) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    extra = {"usage": None} if with_counts else {}
    return _event({**common, "object": "chat.completion.chunk", "choices": [choice], **extra})


def _event(value: dict[str, Any]) -> bytes:
    return render_event(msgspec.json.encode(value))
