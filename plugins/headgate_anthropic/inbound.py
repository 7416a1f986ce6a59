"""How clients of Anthropic speak: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headgate.api import Response
from headgate.api.ai import Answer, Chat, EventWriter
from headgate_anthropic import errors
from headgate_anthropic.abilities import LACKS
from headgate_anthropic.answers import render_answer
from headgate_anthropic.facts import NAME
from headgate_anthropic.reading import read
from headgate_anthropic.writer import MessageWriter


class AnthropicIn:
    """Clients. They also count tokens: a request as for an answer, to another path."""

    name = NAME
    id_header = b"request-id"
    lacks: Mapping[str, str] = LACKS

    def sample(self) -> object:
        messages = [{"role": "user", "content": "Hello!"}]
        return {"model": "claude-sonnet-5-5", "max_tokens": 1024, "messages": messages}

    def stream_type(self, chat: Chat) -> bytes:
        return b"text/event-stream"

    def answers(self, path: str) -> bool:
        return path.endswith("/messages")

    def counts(self, path: str) -> bool:
        """Whether a chat that is sent to this path is to be counted, and not answered."""
        return path.endswith("/messages/count_tokens")

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        return read(data)

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        return render_answer(answer, chat)

    def render_count(self, input_tokens: int) -> bytes:
        """The answer to a request that counts."""
        return msgspec.json.encode({"input_tokens": input_tokens})

    def writer(self, chat: Chat, at: float) -> EventWriter:
        return MessageWriter(chat)

    def broken_off(self, message: str, kind: str) -> bytes:
        return errors.broken_off(message, kind)

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return errors.error(status, message, kind, record)
