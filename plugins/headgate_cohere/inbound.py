"""How clients of Cohere speak: https://docs.cohere.com/reference/chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.api import Response
from headgate.api.ai import Answer, Chat, EventWriter
from headgate_cohere import errors
from headgate_cohere.abilities import LACKS
from headgate_cohere.answers import render_answer
from headgate_cohere.facts import NAME
from headgate_cohere.reading import read
from headgate_cohere.writer import ChatWriter


class CohereIn:
    """Clients."""

    name = NAME
    lacks: Mapping[str, str] = LACKS

    def sample(self) -> object:
        return {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hello!"}]}

    def stream_type(self, chat: Chat) -> bytes:
        return b"text/event-stream"

    def answers(self, path: str) -> bool:
        return path.endswith("/v2/chat")

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        return read(data)

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        return render_answer(answer)

    def writer(self, chat: Chat, at: float) -> EventWriter:
        return ChatWriter()

    def broken_off(self, message: str, kind: str) -> bytes:
        return errors.broken_off(message, kind)

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return errors.error(status, message, kind, record)
