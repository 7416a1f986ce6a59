"""The provider `echo`: no model and no network. It says back what it was told, the same for the same, whole or streamed.

For first steps and demonstrations. What a test gives for the model goes first.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import Body, Clock, FakeChat, Outgoing, Response, Target, Timeouts, read_all
from headgate.api.ai import Outbound, Written, tokens_in

_LIMIT = 64 << 20


class EchoTransport:
    """A `Transport` that never leaves the process."""

    __slots__ = ("_clock", "_dialect")

    def __init__(self, clock: Clock, dialect: Outbound) -> None:
        self._clock = clock
        self._dialect = dialect

    def __repr__(self) -> str:
        return "<EchoTransport>"

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        body: bytes | Body = outgoing.body
        data = body if isinstance(body, bytes) else await read_all(body, _LIMIT)
        return self._dialect.render(said_to(data), Written(outgoing.path, data), self._clock.time())

    async def aclose(self) -> None:
        """Nothing to close."""


def said_to(body: bytes) -> FakeChat:
    """What the echo says to a request: its last message of a user, in a friendly sentence, word by word."""
    request: dict[str, Any] = msgspec.json.decode(body)
    messages: list[dict[str, Any]] = request["messages"]
    heard = next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")
    text = f'You said: "{heard}" Nice to hear from you!' if heard else "You said nothing, and I have nothing to add!"
    words = text.split(" ")
    pieces = [
        word if last else f"{word} " for word, last in zip(words, [False] * (len(words) - 1) + [True], strict=True)
    ]
    heard_tokens = sum(tokens_in(len(_text(message).encode())) for message in messages)
    return FakeChat(text, heard_tokens, tokens_in(len(text.encode())), tuple(pieces))


def _text(message: dict[str, Any]) -> str:
    """The text of a message, whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict) and "text" in part)
