"""Answers as Cohere gives them, from what somebody wants a model to have said: for the echo, and for tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import FakeBody, FakeChat, Response
from headgate.api.ai import (
    Answer,
    Began,
    Choice,
    Closed,
    Counted,
    Ended,
    Happening,
    Opened,
    Stopped,
    Text,
    TextDelta,
    Used,
    Written,
)
from headgate_cohere.answers import render_answer
from headgate_cohere.writer import ChatWriter

_JSON: Final = [(b"content-type", b"application/json")]
_STREAM: Final = [(b"content-type", b"text/event-stream; charset=utf-8")]
_ID: Final = "chat-1"


class _Request(msgspec.Struct):
    model: str
    stream: bool | None = None


def render(fake: FakeChat, request: Written, at: float) -> Response:
    """The answer to this request: whole, or as a stream if it asks for one."""
    asked = msgspec.json.decode(request.body, type=_Request)
    counted = Counted(input_tokens=fake.prompt_tokens, output_tokens=fake.completion_tokens)
    if not asked.stream:
        said: list[Any] = [Text(text=fake.text)]
        whole = Answer([Choice(said)], _ID, asked.model, counted=counted)
        return Response(200, _JSON, render_answer(whole))
    writer = ChatWriter()
    pieces = [writer.write(happening) for happening in _happenings(fake, asked.model, counted)]
    return Response(200, _STREAM, FakeBody(list(filter(None, pieces)), breaks_off=fake.dies_after is not None))


def _happenings(fake: FakeChat, model: str, counted: Counted) -> list[Happening]:
    texts = list(fake.pieces or (fake.text,))[: fake.dies_after]
    begun: list[Happening] = [Began(_ID, model), Used(counted), Opened(Text(text="")), *map(TextDelta, texts)]
    return begun if fake.dies_after is not None else [*begun, Closed(), Stopped("stop"), Ended()]
