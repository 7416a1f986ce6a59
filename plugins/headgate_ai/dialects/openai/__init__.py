"""OpenAI's chat completions, as clients speak them and as providers do.

Written from the API reference (https://platform.openai.com/docs/api-reference/chat) and from what its own client raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.api import FakeChat, Line, Response
from headgate_ai.chat import Chat
from headgate_ai.dialects import Refusal, Stream, Written
from headgate_ai.dialects.openai.answers import count, refusal
from headgate_ai.dialects.openai.errors import broken_off, error
from headgate_ai.dialects.openai.rendering import render
from headgate_ai.dialects.openai.requests import read, write
from headgate_ai.dialects.openai.streaming import OpenAiStream
from headgate_ai.usage import Counted


class OpenAi:
    """How clients of OpenAI speak."""

    name = "openai"

    def sample(self) -> object:
        return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello!"}]}

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return error(status, message, kind, record)

    def read(self, data: bytes) -> Chat:
        return read(data)

    def broken_off(self, message: str, kind: str) -> bytes:
        return broken_off(message, kind)


class OpenAiOut:
    """How OpenAI, and whoever is compatible with it, is spoken to."""

    name = "openai"
    path = b"/chat/completions"
    headers: list[Line] = [  # noqa: RUF012 - never changed; the transport wants a list
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", b"headgate"),
    ]

    def credential(self, key: str) -> Line:
        return (b"authorization", b"Bearer " + key.encode())

    def write(self, chat: Chat, model: str, *, counts_streams: bool) -> Written:
        return write(chat, model, counts_streams=counts_streams)

    def count(self, data: bytes) -> Counted | None:
        return count(data)

    def refusal(self, data: bytes) -> Refusal | None:
        return refusal(data)

    def stream(self, *, hides_counts: bool) -> Stream:
        return OpenAiStream(hides_counts=hides_counts)

    def render(self, fake: FakeChat, body: bytes, at: float) -> Response:
        return render(fake, body, at)


OPENAI = OpenAi()
OPENAI_OUT = OpenAiOut()
