"""What a dialect is, on either side of the gateway.

A dialect that clients speak (`Inbound`) reads a body into a `Chat` and words errors. One that providers speak
(`Outbound`) writes a `Chat` as a request, and reads counts, failures and streams out of what comes back. A request whose
dialects are the same passes with nothing but its changed fields written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from headgate.api import Dialect, FakeChat, Line, Response
from headgate_ai.chat import Chat
from headgate_ai.usage import Counted


class Garbled(ValueError):
    """What came from a provider is not what its dialect says; the message says what is wrong, as half a sentence."""


class Written(NamedTuple):
    """A request's body, and whether its stream will hold counts that the client did not ask for."""

    body: bytes
    hides_counts: bool


class Refusal(NamedTuple):
    """What a provider said with an error: a sentence, and `where` and `code` for those who read fields."""

    message: str
    fields: Mapping[str, Any]


class Stream(Protocol):
    """Follows one streamed answer, block by block."""

    started: bool
    ended: bool
    counted: Counted | None
    refusal: Refusal | None
    relayed_bytes: int

    def take(self, block: bytes) -> bytes:
        """What to relay of a block, b"" for nothing. Garbled where it makes no sense.

        Sets `started` with the first content, `ended` with the last block, `counted` when the counts have come,
        `refusal` where the provider reports an error. `relayed_bytes` is the text that has passed.
        """
        ...


class Inbound(Dialect, Protocol):
    """How clients speak."""

    def read(self, data: bytes) -> Chat:
        """A request's body. `strict.NotStrict`."""
        ...

    def broken_off(self, message: str, kind: str) -> bytes:
        """The last thing that a stream says when it cannot be completed."""
        ...


class Outbound(Protocol):
    """How a provider is spoken to. `path` stands behind the provider's URL."""

    name: str
    path: bytes
    headers: list[Line]

    def credential(self, key: str) -> Line: ...

    def write(self, chat: Chat, model: str, *, counts_streams: bool) -> Written: ...

    def count(self, data: bytes) -> Counted | None:
        """What a whole answer says it used; None where it does not say. Garbled where it is no answer."""
        ...

    def refusal(self, data: bytes) -> Refusal | None:
        """What the body of an error says; None where it is not in this dialect."""
        ...

    def stream(self, *, hides_counts: bool) -> Stream: ...

    def render(self, fake: FakeChat, body: bytes, at: float) -> Response:
        """What a model says to the request with this body, as this provider would send it: for tests, and the echo."""
        ...
