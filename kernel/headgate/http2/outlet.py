"""What a connection has to write, and the one task that writes it.

Who sends never writes itself, because a task that is cancelled in the middle of a frame would end the connection for
everybody; it waits while more than `_HIGH` bytes are ahead of it. Each piece has `stall_s` to go out.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

import trio

# Above this, senders wait. Twice what a socket takes at once.
_HIGH: Final = 1 << 17
# What is written at once, or a frame more. Below this, senders go on without a turn for the others.
_PIECE: Final = 1 << 16


class Bytes(Protocol):
    """A connection's bytes. `receive` and `send` raise OSError or trio's Broken- and ClosedResourceError."""

    async def receive(self) -> bytes:
        """The next bytes; b"" at the end."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        ...


BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


class Outlet:
    """The bytes that wait to be written to one connection."""

    __slots__ = ("_low", "_pipe", "_some", "_stall_s", "_waiting", "control", "size")

    def __init__(self, pipe: Bytes, stall_s: float) -> None:
        self._pipe = pipe
        self._stall_s = stall_s
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self.control = 0  # how much of it are answers to what the other side has sent, and no stream's
        self.size = 0  # how many bytes wait, those included that are just being written
        self._some = trio.lowlevel.ParkingLot()
        self._low = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<Outlet {self.size} bytes>"

    def put(self, data: bytes, *, control: bool = False) -> None:
        """Write this behind the rest."""
        if data:
            self._waiting.append((data, control))
            self.size += len(data)
            self.control += len(data) if control else 0
            self._some.unpark_all()

    async def run(self, scope: trio.CancelScope) -> None:
        """Write until cancelled; cancel `scope` where that can no longer be done."""
        while True:
            while not self._waiting:
                await self._some.park()
            piece = self._next()
            try:
                with trio.fail_after(self._stall_s):
                    await self._pipe.send(piece)
            except (*BROKEN, trio.TooSlowError):
                scope.cancel()
                return
            self.size -= len(piece)
            if self.size < _HIGH:
                self._low.unpark_all()

    def _next(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while self._waiting and size < _PIECE:
            data, control = self._waiting.popleft()
            pieces.append(data)
            size += len(data)
            self.control -= len(data) if control else 0
        return b"".join(pieces)

    async def low(self) -> None:
        """Return when there is little to write. A checkpoint where a piece is full: who sends without end must let others
        run, the writer first."""
        if self.size >= _PIECE:
            await trio.lowlevel.checkpoint()
        while self.size >= _HIGH:
            await self._low.park()

    async def emptied(self, within_s: float) -> None:
        """Return when all is written, or when that takes too long."""
        with trio.move_on_after(within_s):
            while self.size:
                await self._low.park()
