"""Answers as Bedrock gives them, from what somebody wants a model to have said: for tests in policies."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import FakeBody, FakeChat, Response
from headgate.api.ai import Counted, Written
from headgate_bedrock.eventstream import encode
from headgate_bedrock.usage import token_usage

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final = (b"content-type", b"application/vnd.amazon.eventstream")


def render(fake: FakeChat, request: Written) -> Response:
    """The answer to this request: whole, or as a stream if its path asks for one."""
    usage = token_usage(Counted(input_tokens=fake.prompt_tokens, output_tokens=fake.completion_tokens))
    if not request.path.endswith(b"/converse-stream"):
        message = {"role": "assistant", "content": [{"text": fake.text}]}
        whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
        return Response(200, [_JSON], msgspec.json.encode(whole))
    said = [*(fake.pieces or (fake.text,))][: fake.dies_after]
    frames = [_event("messageStart", {"role": "assistant"})]
    frames += [_event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0}) for text in said]
    if fake.dies_after is not None:
        return Response(200, [_STREAM], FakeBody(frames, breaks_off=True))
    frames.append(_event("contentBlockStop", {"contentBlockIndex": 0}))
    frames.append(_event("messageStop", {"stopReason": "end_turn"}))
    frames.append(_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}))
    return Response(200, [_STREAM], FakeBody(frames, breaks_off=False))


def _event(kind: str, value: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode(headers, msgspec.json.encode(value))
