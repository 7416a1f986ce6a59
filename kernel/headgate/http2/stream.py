"""One stream: what has come on it, what may be sent on it, and how it ended.

A stream is open until each side has said that it is done, or one has reset it. Whoever reads and whoever sends may be
two tasks; each waits for its own news. What came before a fault is read before the fault is raised.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import trio
from h2.errors import ErrorCodes

if TYPE_CHECKING:
    from headgate.http2.machine import Lines


class StreamFault(Exception):
    """The stream is over before it was whole. The text completes a sentence that begins with the other side."""


class Reset(StreamFault):
    """One side reset it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"reset the stream ({name_of(code)})")
        self.code = code


class Refused(StreamFault):
    """The other side says that nothing of it was processed (RFC 9113 §8.7)."""


class Lost(StreamFault):
    """The connection has ended."""


class Stalled(StreamFault):
    """The other side gave no room for as long as it may."""


def name_of(code: int) -> str:
    """The name of an error code, or its number."""
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"code {code}"


class Windows(Protocol):
    """Who is told how much of a stream was read."""

    def give_back(self, stream: Stream, size: int) -> None: ...


class Stream:
    """One stream of a connection, which makes it. `head` are the lines that opened it, or that answered it."""

    __slots__ = (
        "_arrived",
        "_news",
        "_room",
        "_session",
        "closed",
        "ended",
        "fault",
        "head",
        "id",
        "interim",
        "sent_end",
        "spoken",
        "taken",
        "trailers",
    )

    def __init__(self, session: Windows, id: int) -> None:
        self._session = session
        self.id = id
        self.head: Lines | None = None
        self.trailers: Lines | None = None
        self.interim = 0
        self.taken = 0  # bytes that were read and not yet given back as window
        self.ended = False
        self.spoken = False  # we have sent a head on it
        self.sent_end = False
        self.fault: StreamFault | None = None
        self.closed = False
        self._arrived: deque[bytes] = deque()
        self._news = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        state = "failed" if self.fault else "closed" if self.closed else "ended" if self.ended else "open"
        return f"<Stream {self.id} {state} [{sum(map(len, self._arrived))} bytes ahead]>"

    @property
    def ready(self) -> bool:
        """Whether a read would not wait."""
        return bool(self._arrived) or self.ended or self.fault is not None

    @property
    def whole(self) -> bool:
        """Whether the other side has ended it, and all that came was read."""
        return self.ended and not self._arrived

    # --- told by the session ------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """A piece has come."""
        self._arrived.append(data)
        self._news.unpark_all()

    def tell(self) -> None:
        """Something has changed: the head, the trailers, the end."""
        self._news.unpark_all()

    def widen(self) -> None:
        """There may be room to send."""
        self._room.unpark_all()

    def fail(self, fault: StreamFault) -> None:
        """It is over. Only the first word counts."""
        if self.fault is None:
            self.fault = fault
        self.closed = True
        self._news.unpark_all()
        self._room.unpark_all()

    # --- asked by its users -------------------------------------------------------------------------------------------

    async def receive(self) -> bytes:
        """The next piece; b"" at the end. StreamFault. Safe to cancel."""
        while not self._arrived:
            if self.ended:
                return b""
            if self.fault is not None:
                raise self.fault
            await self._news.park()
        if len(self._arrived) == 1:
            data = self._arrived.popleft()
        else:
            data = b"".join(self._arrived)
            self._arrived.clear()
        self._session.give_back(self, len(data))
        return data

    async def answered(self) -> Lines:
        """The head of the answer, on the side that asks. StreamFault."""
        while self.head is None:
            if self.fault is not None:
                raise self.fault
            await self._news.park()
        return self.head

    async def wait_closed(self) -> None:
        """Return when nothing can be sent or read on it any more."""
        while not self.closed:
            await self._news.park()

    async def wait_room(self) -> None:
        """Return when there may be room to send; StreamFault where there never will be."""
        if self.fault is not None:
            raise self.fault
        await self._room.park()
        if self.fault is not None:
            raise self.fault
