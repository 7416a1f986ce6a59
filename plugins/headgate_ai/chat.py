"""A chat as a policy sees it: the intermediate form that every dialect is read into and written from.

1. A dialect that is read fills in the fields and keeps the body as it came. What a policy sets is written there and
   nowhere else; the dialect that writes compares with the body, and encodes again only what differs.
2. The fields are those that every dialect has. What this one has besides is in `extra`, under the dialect's names.
3. A chat is a value: two chats whose public fields are equal ask for the same thing, so all of it may key a cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from headgate.api import Json


class _Source:
    """Where a chat came from: no part of its value, so in no field."""

    __slots__ = ("_asked", "_body", "_print")
    _asked: str
    _body: bytes
    _print: bytes

    def came_as(self, body: bytes, model: str) -> None:
        """Said once, by the dialect that read it."""
        self._body = body
        self._asked = model
        self._print = msgspec.json.encode(self)

    def as_it_came(self) -> bool:
        """Whether every field still is what it was, down to the last message: then nothing has to be compared."""
        return msgspec.json.encode(self) == self._print

    def original(self) -> bytes:
        """The body as the client sent it."""
        return self._body

    def asked(self) -> str:
        """The model that the client named, whatever a line set since."""
        return self._asked


@dataclass(slots=True)
class Chat(_Source):
    """`read.chat as chat`. Every field may be set: `set chat.model = "gpt-4.1-mini"`.

    `messages` and `tools` are as the client's dialect has them. `max_tokens` bounds the answer; absent where the client
    gave no bound.
    """

    model: str
    messages: list[Json]
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Json] | None = None
    extra: dict[str, Json] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Chat {self.model} [{len(self.messages)} messages{', stream' * self.stream}]>"
