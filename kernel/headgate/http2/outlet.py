"""What a connection has to write, and the one task that writes it.

Who sends never writes itself, because a task that is cancelled in the middle of a frame would end the connection for
everybody; it waits while more than `_HIGH` bytes are ahead of it. Each piece has `stall_s` to go out.
"""

from __future__ import annotations

from typing import Final, Protocol

import trio

# Above this, senders wait. Twice what a socket takes at once.
_HIGH: Final = 1 << 17
_PIECE: Final = 16384


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

    __slots__ = ("_low", "_pipe", "_some", "_stall_s", "_waiting")

    def __init__(self, pipe: Bytes, stall_s: float) -> None:
        self._pipe = pipe
        self._stall_s = stall_s
        self._waiting = bytearray()
        self._some = trio.lowlevel.ParkingLot()
        self._low = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<Outlet {len(self._waiting)} bytes>"

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return len(self._waiting)

    def put(self, data: bytes) -> None:
        """Write this behind the rest."""
        if data:
            self._waiting += data
            self._some.unpark_all()

    async def run(self, scope: trio.CancelScope) -> None:
        """Write until cancelled; cancel `scope` where that can no longer be done."""
        while True:
            while not self._waiting:
                await self._some.park()
            piece = bytes(self._waiting[:_PIECE])
            try:
                with trio.fail_after(self._stall_s):
                    await self._pipe.send(piece)
            except (*BROKEN, trio.TooSlowError):
                scope.cancel()
                return
            del self._waiting[: len(piece)]
            if len(self._waiting) < _HIGH:
                self._low.unpark_all()

    async def low(self) -> None:
        """Return when there is little to write. Always a checkpoint: who sends without end must let others run."""
        await trio.lowlevel.checkpoint()
        while len(self._waiting) >= _HIGH:
            await self._low.park()

    async def emptied(self, within_s: float) -> None:
        """Return when all is written, or when that takes too long."""
        with trio.move_on_after(within_s):
            while self._waiting:
                await self._low.park()
