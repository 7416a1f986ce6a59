"""What the processes of a node say to each other, and how it stands on a socket: four bytes of length, then MessagePack."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

_LENGTH: Final = 4


class Message(msgspec.Struct, tag=True, frozen=True):
    """One message. Its name stands in it."""


# --- a worker to the master -------------------------------------------------------------------------------------------


class Started(Message, frozen=True):
    """Everything is open, and nothing is served yet. `greeting` is what to show when the node is up; `modules` are those
    that were imported on the way, by the first worker."""

    generation: int
    greeting: str = ""
    modules: tuple[str, ...] = ()


class Serving(Message, frozen=True):
    """It serves this generation from now on: it was told to start, or to commit."""

    generation: int


class Beat(Message, frozen=True):
    """The event loop turns. Counts as of now; `sets` are the sets of policies that exchanges still run on, `memory_bytes`
    what the process has in memory, 0 where the system does not tell."""

    connections: int = 0
    idle: int = 0
    active: int = 0
    handled: int = 0
    sets: int = 1
    draining: bool = False
    memory_bytes: int = 0
    overloaded: bool = False
    shed: int = 0


class Prepared(Message, frozen=True):
    """This generation could serve now."""

    generation: int


class Refused(Message, frozen=True):
    """This generation cannot serve here, and why, as a person is told."""

    generation: int
    said: str


class Failed(Message, frozen=True):
    """It cannot start. `status` is what the node ends with, where it is just starting."""

    said: str
    status: int


# --- the master to a worker -------------------------------------------------------------------------------------------


class Go(Message, frozen=True):
    """Serve."""


class Prepare(Message, frozen=True):
    """Make a generation ready beside the one that serves."""

    generation: int
    parcel: bytes


class Commit(Message, frozen=True):
    """Serve the generation that is ready."""

    generation: int


class Abort(Message, frozen=True):
    """Throw away the generation that is ready."""

    generation: int


class Drain(Message, frozen=True):
    """Take nothing new, finish what runs, end. `linger_s`: how long a connection must have been silent to be closed."""

    linger_s: float = 0.0


class Cut(Message, frozen=True):
    """Finish nothing more: what runs is cut off, and has its row; then end."""


class Lead(Message, frozen=True):
    """See to what one process of the node has to see to."""


# --- the builder ------------------------------------------------------------------------------------------------------


class Build(Message, frozen=True):
    """Build the policies as they are now."""


class Built(Message, frozen=True):
    """What came of a build: a parcel, or what is wrong, as a terminal shows it and without its colours.

    `asked` tells a build that was asked for from one of files that changed. `status` is what a node ends with that was just starting, and `hint` what it says then.
    """

    parcel: bytes = b""
    asked: bool = False
    said: str = ""
    plain: str = ""
    status: int = 0
    hint: str = ""


AnyMessage: TypeAlias = (
    Started
    | Serving
    | Beat
    | Prepared
    | Refused
    | Failed
    | Go
    | Prepare
    | Commit
    | Abort
    | Drain
    | Cut
    | Lead
    | Build
    | Built
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """A message as it goes over the socket."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH) + body


class Frames:
    """Takes bytes as they come, and gives the messages that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[AnyMessage]:
        """The messages that these bytes complete, in order."""
        buffer = self._buffer
        buffer += data
        found: list[AnyMessage] = []
        while len(buffer) >= _LENGTH:
            end = _LENGTH + int.from_bytes(buffer[:_LENGTH])
            if len(buffer) < end:
                break
            found.append(_decoder.decode(memoryview(buffer)[_LENGTH:end]))
            del buffer[:end]
        return found
