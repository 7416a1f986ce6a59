"""A pipe with a memory: what was read and not yet used, and until when the peer may keep us waiting.

1. `buffer` holds bytes that arrived and belong to nobody yet: a head, a body's next piece, the next request.
2. `read_by` and `write_by` are the times at which the sweep interrupts a wait; infinity while none is bounded.
3. Only one task reads. While a body is arriving that is the body's reader; after that it may be a watcher
   (`wait_gone`), and after the answer it is the connection again.
"""

from __future__ import annotations

from math import inf

import trio

from headgate.errors import ClientGone
from headgate.wire.pipe import Pipe
from headgate.wire.pulse import Pulse


class TimedOut(Exception):
    """The peer sent nothing, or not enough, in the time it had."""


class Channel:
    """One connection's bytes. Made by the connection, used by its bodies and replies."""

    __slots__ = ("_stall_s", "buffer", "closed", "eof", "pipe", "pulse", "read_by", "write_by")

    def __init__(self, pipe: Pipe, pulse: Pulse, write_stall_s: float) -> None:
        self.pipe = pipe
        self.pulse = pulse
        self._stall_s = write_stall_s
        self.buffer = b""
        self.eof = False
        self.closed = False
        self.read_by = inf
        self.write_by = inf

    def __repr__(self) -> str:
        state = "closed" if self.closed else "at its end" if self.eof else "open"
        return f"<Channel {state}, {len(self.buffer)} bytes ahead>"

    async def more(self, by: float = inf) -> bool:
        """Wait for more bytes in `buffer`; False once the peer has closed its side. TimedOut at `by`.

        Safe to cancel: nothing that was read is lost.
        """
        if self.eof:
            return False
        # A watcher waits without a bound; it may end after the next reader has begun, and must leave that one's alone.
        had = len(self.buffer)
        if by < inf:
            self.read_by = by
        try:
            data = await self.pipe.receive()
        finally:
            if by < inf:
                self.read_by = inf
        if data is None:
            if len(self.buffer) > had:
                return True  # A watcher that was about to end has read it.
            data = self.pipe.receive_now()  # It may have arrived in the same instant.
            if data is None:
                raise TimedOut
        if not data:
            self.eof = True
            return False
        self.buffer = self.buffer + data if self.buffer else data
        if by == inf and self.read_by < inf:
            self.pipe.interrupt_receive()
        return True

    def send_now(self, data: bytes) -> memoryview | None:
        """Send what the kernel takes at once, and give what it did not take. ClientGone."""
        try:
            sent = self.pipe.send_now(data)
        except trio.BrokenResourceError:
            self.eof = True
            raise ClientGone from None
        return None if sent == len(data) else memoryview(data)[sent:]

    async def push(self, rest: memoryview) -> None:
        """Send all of it. ClientGone where the peer is gone or takes no byte for as long as the stall limit."""
        while rest:
            self.write_by = self.pulse.after(self._stall_s)
            try:
                sent = await self.pipe.send_some(rest)
            except trio.BrokenResourceError:
                self.eof = True
                raise ClientGone from None
            finally:
                self.write_by = inf
            if not sent:
                await self.close(reset=True)
                raise ClientGone("The client stopped reading its answer.")
            rest = rest[sent:]

    def sweep(self, now: float) -> None:
        """Interrupt the waits that have lasted too long."""
        if self.read_by <= now:
            self.pipe.interrupt_receive()
        if self.write_by <= now:
            self.pipe.interrupt_send()

    async def wait_gone(self, limit: int) -> None:
        """Return when the peer has closed its side or reset, reading ahead at most about `limit` bytes.

        Where more than that is ahead, nothing is known any more, and this waits until it is cancelled.
        """
        while len(self.buffer) < limit:
            # Whoever has no business here any more must not begin a wait: the next reader may be in one.
            await trio.lowlevel.checkpoint_if_cancelled()
            if not await self.more():
                return
        await trio.sleep_forever()

    async def linger(self, limit: int, by: float) -> None:
        """Say that we are done and throw away what still comes, so that our last bytes are read (RFC 9112 §9.6)."""
        await self.pipe.send_eof()
        thrown = 0
        self.buffer = b""
        try:
            while thrown < limit and await self.more(by):
                thrown += len(self.buffer)
                self.buffer = b""
        except TimedOut:
            pass

    async def close(self, *, reset: bool = False) -> None:
        """Close for good. Idempotent."""
        if not self.closed:
            self.closed = self.eof = True
            await self.pipe.close(reset=reset)
