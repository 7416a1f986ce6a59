"""What a dialect is, on either side of the gateway. A plugin gives its own by the hook `register_dialects`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from headgate.contracts.ai.answers import Answer, Counted
from headgate.contracts.ai.chat import Chat
from headgate.contracts.ai.events import Happening
from headgate.contracts.dialect import Dialect
from headgate.contracts.fakes import FakeChat
from headgate.message.headers import Line

if TYPE_CHECKING:
    from headgate.contracts.ai.jobs import TaskIn, TaskOut
    from headgate.contracts.node import Node
    from headgate.contracts.transport import Outgoing, Target
    from headgate.contracts.values import Secret
    from headgate.message.response import Response


class Garbled(ValueError):
    """What came from a provider is not what its dialect says; the message says what is wrong, as half a sentence
    behind "the model answered": `with JSON that is no chat completion`. `before`: what an `EventReader` read of the same
    bytes before it came upon it."""

    before: Sequence[tuple[bytes, list[Happening]]] = ()


class Unsupported(ValueError):
    """A chat holds what this dialect or model has no way to say: a picture for a model that reads only text. `where` is
    the place, as the client would name it."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


KeyState = Literal["ok", "limited", "out of credit", "invalid"]
"""What an answer says of the key that it was asked with."""


class Refusal(NamedTuple):
    """What a provider said with an error: a sentence, and `where` and `code` for those who read fields.

    `key` is what the error says of the key, as the provider documents it. None leaves it to the status: 401 is an invalid
    key, 402 one out of credit, 429 a limited one, and any other says nothing of it. A dialect says "ok" where one of
    these is about the request. It looks at codes and at how a sentence begins, never at what it quotes: that is the
    client's, who could talk every key into resting.
    """

    message: str
    fields: Mapping[str, Any]
    key: KeyState | None = None


@dataclass(slots=True)
class Dropped:
    """What a dialect could not say and left out, by the names that the client's dialect has for it."""

    names: list[str] = field(default_factory=list)

    def drop(self, name: str, value: object) -> None:
        """`name` is left out, if there was anything to it."""
        if value is not None and value != [] and value != {}:
            self.names.append(name)


class Endpoint(NamedTuple):
    """Whom a dialect writes for. `options` are the provider's row: what differs among those who speak the dialect."""

    model: str
    options: Mapping[str, Any] = {}


class Written(NamedTuple):
    """A request for a provider. `path` stands behind the provider's URL, with its query. `hides_counts`: its stream will
    hold counts that the client did not ask for. `dropped` is what could not be said. `choices`: how many answers its
    stream will hold, where the dialect has several in one."""

    path: bytes
    body: bytes
    headers: Sequence[Line] = ()
    hides_counts: bool = False
    dropped: Sequence[str] = ()
    choices: int = 1


class EventReader(Protocol):
    """Reads one streamed answer of a provider."""

    def feed(self, data: bytes) -> list[tuple[bytes, list[Happening]]]:
        """What `data`, cut anywhere, completes: each block as it came, and what happens in it (which may be nothing).
        In place of a block that must not pass by itself, since it repeats what others have said, stands b"".

        Garbled, or `EventTooLarge`, where it makes no sense. What stands behind `Failed` or `Ended` is not looked at, and
        it is not asked again.
        """
        ...

    def finish(self) -> list[Happening]:
        """What is to be said at the end of the bytes: `Ended` where the dialect knows no other end, nothing where its
        own mark is missing."""
        ...


class EventWriter(Protocol):
    """Writes one streamed answer for a client, as it happens."""

    def write(self, happening: Happening) -> bytes:
        """The events to send, b"" for nothing. `Failed` becomes an error as this dialect has it.

        Garbled where what happens cannot be told within bounds: a dialect may have to wait with a part until another one
        is complete.
        """
        ...


@runtime_checkable
class Passing(Protocol):
    """Follows one streamed answer that passes between the same dialect on both sides, block by block."""

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

    def finish(self) -> bytes | None:
        """What is still to be said where the bytes end without an end mark; None where the answer is not whole."""
        ...


class Inbound(Dialect, Protocol):
    """How clients speak. Also words errors (see `Dialect`)."""

    def stream_type(self, chat: Chat) -> bytes:
        """The content type of a stream for this client."""
        ...

    def answers(self, path: str) -> bool:
        """Whether clients of this dialect send chats to this path."""
        ...

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        """A request as a Chat. `NotStrict` names the field, and what it has to be."""
        ...

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        """A whole answer. `at` is the time, for answers whose provider says none."""
        ...

    def writer(self, chat: Chat, at: float) -> EventWriter: ...

    def broken_off(self, message: str, kind: str) -> bytes:
        """The last thing that a stream says when it cannot be completed."""
        ...


class Outbound(Protocol):
    """How a provider is spoken to."""

    name: str
    """An `any_media = True` beside it says that its provider reads what a client calls a picture as whatever it is, a film
    too: a picture is then bounded as one only if its bytes show it."""

    def write(self, chat: Chat, to: Endpoint) -> Written:
        """The request. `Unsupported` where the chat holds content that cannot be said; a parameter that cannot be said
        is left out, and named in `dropped`."""
        ...

    def answer(self, data: bytes) -> Answer:
        """A whole answer. Garbled where it is none."""
        ...

    def count(self, data: bytes) -> Counted | None:
        """What a whole answer used, without reading the rest of it; None where it does not say. Garbled as above."""
        ...

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        """What the body of an error says, and its headers where they do; None where it is not in this dialect."""
        ...

    def reader(self) -> EventReader: ...

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        """What a model says to this request, as its provider would send it: for tests in policies, and the echo."""
        ...


@runtime_checkable
class PassesFast(Protocol):
    """An Outbound that can follow a stream of its own dialect without reading all of it."""

    def passing(self, *, hides_counts: bool, choices: int = 1) -> Passing:
        """See `Written` for what they say."""
        ...


@runtime_checkable
class CountsIn(Protocol):
    """An Inbound whose clients have chats counted before they send them."""

    def counts(self, path: str) -> bool:
        """Whether a chat that is sent to this path is to be counted, and not answered."""
        ...

    def render_count(self, input_tokens: int) -> bytes:
        """The answer."""
        ...


@runtime_checkable
class CountsOut(Protocol):
    """An Outbound whose providers count chats."""

    def write_count(self, chat: Chat, to: Endpoint) -> Written:
        """The request for a count of a chat's tokens. Unsupported."""
        ...

    def counted_tokens(self, data: bytes) -> int:
        """The answer to that. Garbled."""
        ...


@runtime_checkable
class Authorizes(Protocol):
    """An Outbound whose credential is more than a header line: a signature, or a token that has to be fetched."""

    async def authorize(
        self, outgoing: Outgoing, target: Target, key: Secret, options: Mapping[str, Any], node: Node
    ) -> None:
        """Put the credential into the lines of `outgoing`, whose path and body are final. UpstreamFault."""
        ...


class Speaks(NamedTuple):
    """One dialect, by its name: what clients send, what providers are sent, or both.

    A dialect that is another one with differences stands `on` that, by its name: `over` makes both sides of the other's.
    Where no plugin speaks the other, it has no sides. `takes` are the tasks besides chatting that clients send, `does`
    those that providers are sent. One that `shares_paths` with another has to be named by the line that reads. `harmless`
    are the fields that only this dialect has and that leave the bill of a request as it is, each known from the
    provider's documentation: `safety_mode`, `output_config.effort`, `speed=standard`. Any other may raise it. `raising` are
    options of a provider's row that raise it: what the operator said, and not the client.
    """

    name: str
    inbound: Inbound | None = None
    outbound: Outbound | None = None
    on: str | None = None
    over: Callable[[Inbound, Outbound], tuple[Inbound | None, Outbound | None]] | None = None
    takes: Sequence[TaskIn] = ()
    does: Sequence[TaskOut] = ()
    shares_paths: bool = False
    harmless: frozenset[str] = frozenset()
    raising: frozenset[str] = frozenset()

    def standing(self, known: Mapping[str, Speaks]) -> Speaks:
        """With its sides, where the dialect that it stands on is known."""
        below = known.get(self.on or "")
        if self.over is None or below is None or below.inbound is None or below.outbound is None:
            return self
        inbound, outbound = self.over(below.inbound, below.outbound)
        return self._replace(inbound=inbound, outbound=outbound)
