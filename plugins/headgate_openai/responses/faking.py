"""Answers as OpenAI gives them, from what somebody wants a model to have said: for the echo, and for tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import FakeBody, FakeChat, Response
from headgate.api.ai import Began, Chat, Closed, Counted, Ended, Happening, Opened, Stopped, Text, TextDelta, Used
from headgate_openai.responses.building import Building
from headgate_openai.responses.reading import parse
from headgate_openai.responses.shapes import NAME
from headgate_openai.responses.writer import ResponseWriter

_JSON: Final = [(b"content-type", b"application/json")]
_STREAM: Final = [(b"content-type", b"text/event-stream; charset=utf-8")]
_ID: Final = "resp_1"


def render(fake: FakeChat, body: bytes, at: float) -> Response:
    """The answer to the request with this body: whole, or as a stream if it asks for one."""
    raw: dict[str, Any] = msgspec.json.decode(body)
    chat = Chat(raw["model"], bool(raw.get("stream")), raw.get("max_output_tokens"))
    chat.came_as(NAME, body, raw, parse)
    if not chat.stream:
        building = Building(chat, at)
        for happening in _told(fake, (fake.text,)):
            building.take(happening)
        return Response(200, _JSON, msgspec.json.encode(building.response))
    pieces = fake.pieces or (fake.text,)
    told = _told(fake, pieces if fake.dies_after is None else pieces[: fake.dies_after])
    writer = ResponseWriter(chat, at)
    events = [writer.write(one) for one in (told if fake.dies_after is None else told[:-4])]
    return Response(200, _STREAM, FakeBody([one for one in events if one], breaks_off=fake.dies_after is not None))


def _told(fake: FakeChat, pieces: tuple[str, ...]) -> list[Happening]:
    counted = Counted(input_tokens=fake.prompt_tokens, output_tokens=fake.completion_tokens)
    said = [TextDelta(piece) for piece in pieces if piece]
    return [Began(_ID), Opened(Text(text="")), *said, Closed(), Stopped("stop"), Used(counted), Ended()]
