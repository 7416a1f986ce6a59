"""Answers as Bedrock gives them, from what somebody wants a model to have said: for tests in policies."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import trio

from headgate.api import FakeChat, Response, UpstreamFault
from headgate.api.ai import Counted, Written
from headgate_bedrock.eventstream import encode
from headgate_bedrock.usage import token_usage

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final = (b"content-type", b"application/vnd.amazon.eventstream")


class Pieces:
    """A body that comes in these pieces, and then breaks off, if it is to."""

    def __init__(self, pieces: list[bytes], *, breaks_off: bool) -> None:
        self.length: int | None = None
        self._pieces = pieces[::-1]
        self._breaks_off = breaks_off

    def __repr__(self) -> str:
        return f"<Pieces [{len(self._pieces)} left{', breaks off' * self._breaks_off}]>"

    async def read(self) -> bytes:
        """The next piece."""
        await trio.lowlevel.checkpoint()
        if self._pieces:
            return self._pieces.pop()
        if self._breaks_off:
            raise UpstreamFault("upstream.protocol", "The model broke off, as it was told to.")
        return b""

    async def aclose(self) -> None:
        """Give the rest up."""
        self._pieces = []
        self._breaks_off = False


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
        return Response(200, [_STREAM], Pieces(frames, breaks_off=True))
    frames.append(_event("contentBlockStop", {"contentBlockIndex": 0}))
    frames.append(_event("messageStop", {"stopReason": "end_turn"}))
    frames.append(_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}))
    return Response(200, [_STREAM], Pieces(frames, breaks_off=False))


def _event(kind: str, value: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode(headers, msgspec.json.encode(value))
