"""Answers as Google gives them, from what somebody wants a model to have said: for the echo, and for tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import FakeBody, FakeChat, Response, render_event
from headgate.api.ai import Counted, Written
from headgate_gemini import paths
from headgate_gemini.usage import metadata

_JSON: Final = (b"content-type", b"application/json; charset=UTF-8")
_STREAM: Final = (b"content-type", b"text/event-stream")


def render(fake: FakeChat, request: Written) -> Response:
    """The answer to this request: whole, or as a stream if its path asks for one."""
    path, _, query = request.path.decode().partition("?")
    model, method = paths.needed(path)
    used = {"usageMetadata": metadata(Counted(input_tokens=fake.prompt_tokens, output_tokens=fake.completion_tokens))}
    if method == "generateContent":
        return Response(200, [_JSON], msgspec.json.encode(_chunk(fake.text, model, "STOP") | used))
    said = [*(fake.pieces or (fake.text,))]
    dies = fake.dies_after is not None
    chunks = [_chunk(text, model) for text in said[: fake.dies_after]]
    if not dies:
        chunks.append(_chunk("", model, "STOP"))
    encoded = [msgspec.json.encode(chunk | used) for chunk in chunks]
    if "alt=sse" in query:
        return Response(200, [_STREAM], FakeBody([render_event(one) for one in encoded], breaks_off=dies))
    array = [(b",\r\n" if at else b"[") + one for at, one in enumerate(encoded)]
    return Response(200, [_JSON], FakeBody([*array, *([] if dies else [b"]"])], breaks_off=dies))


def _chunk(text: str, model: str, reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": model, "responseId": "gemini-1"}
