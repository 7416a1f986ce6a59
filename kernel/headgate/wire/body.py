"""The body of a request that is still on its way.

1. Nothing is read from the socket until somebody reads the body: back-pressure is the socket's.
2. `100 Continue` goes out at the first read, and only if nothing of the body has come and no answer has begun
   (RFC 9110 §10.1.1).
3. A failure is kept and raised again. After one, the connection closes: nobody knows where the body ends.
"""

from __future__ import annotations

import trio

from headgate.errors import ClientFault, ClientGone, Failure
from headgate.message.body import too_large
from headgate.wire.channel import Channel, TimedOut
from headgate.wire.chunks import BadChunk, ChunkDecoder
from headgate.wire.limits import Limits

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class IncomingBody:
    """A request's body, by length or chunked, read from the connection piece by piece."""

    __slots__ = (
        "_arrived",
        "_channel",
        "_decoder",
        "_failure",
        "_left",
        "_limits",
        "_waited_s",
        "complete",
        "continues",
        "length",
        "received",
    )

    def __init__(self, channel: Channel, limits: Limits, length: int | None, *, continues: bool) -> None:
        self.length = length
        self.complete = length == 0
        self.continues = continues
        self._channel = channel
        self._limits = limits
        self._left = length or 0
        self._decoder = ChunkDecoder(limits) if length is None else None
        self.received = 0
        self._waited_s = 0.0
        self._failure: Failure | None = None
        self._arrived: trio.Event | None = None

    def __repr__(self) -> str:
        state = "failed" if self._failure else "complete" if self.complete else "arriving"
        size = "chunked" if self.length is None else f"of {self.length}"
        return f"<IncomingBody {state}, {self.received} bytes {size}>"

    @property
    def keeps(self) -> bool:
        """Whether the connection can live on after what is known now, taking in what nobody read."""
        if self._failure is not None or self.continues:
            return self.complete
        return self._left <= self._limits.unread_bytes

    async def read(self) -> bytes:
        """The next piece, b"" at the end. ClientFault `request.timeout`, `request.invalid` or `request.too_large`;
        ClientGone. Safe to cancel."""
        if self._failure is not None:
            raise self._failure
        if self.complete:
            return b""
        try:
            return await self._read()
        except Failure as failure:
            self._failure = failure
            raise

    async def _read(self) -> bytes:
        channel = self._channel
        if self.continues:
            self.continues = False
            if not channel.buffer:
                await channel.push(memoryview(_CONTINUE))
        while True:
            if channel.buffer:
                piece = self._take()
                if piece or self.complete:
                    return piece
            await self._wait()

    def _take(self) -> bytes:
        """What of the buffer is body."""
        channel = self._channel
        if self._decoder is None:
            piece, channel.buffer = channel.buffer[: self._left], channel.buffer[self._left :]
            self._left -= len(piece)
            self.received += len(piece)
            if not self._left:
                self._finish()
            return piece
        try:
            piece, channel.buffer = self._decoder.decode(channel.buffer)
        except BadChunk as bad:
            raise ClientFault("request.invalid", str(bad), status=400, record={"where": "body"}) from None
        self.received += len(piece)
        limit = self._limits.body_bytes
        if limit is not None and self.received > limit:
            raise too_large(limit)
        if self._decoder.done:
            self._finish()
        return piece

    def _finish(self) -> None:
        self.complete = True
        if self._arrived is not None:
            self._arrived.set()

    async def _wait(self) -> None:
        """Wait for more, no longer than the idle limit and the average rate allow."""
        pulse, limits = self._channel.pulse, self._limits
        patience_s = limits.body_idle_s
        if limits.body_rate is not None:
            patience_s = min(patience_s, patience_s + self.received / limits.body_rate - self._waited_s)
        since = pulse.now
        try:
            there = await self._channel.more(pulse.after(patience_s))
        except TimedOut:
            raise ClientFault("request.timeout", "The body took too long to arrive.", status=408) from None
        self._waited_s += pulse.now - since
        if not there:
            raise ClientGone

    async def wait_complete(self) -> None:
        """Return when all of it has arrived. For a watcher beside the task that reads."""
        while not self.complete:
            self._arrived = self._arrived or trio.Event()
            await self._arrived.wait()

    async def drain(self) -> bool:
        """Take in what nobody read, up to the limit. False where the connection has to close."""
        taken = 0
        try:
            while self.keeps and taken <= self._limits.unread_bytes:
                piece = await self.read()
                if not piece:
                    return True
                taken += len(piece)
        except Failure:
            return False
        return False

    async def aclose(self) -> None:
        """The rest is not wanted. The connection takes it in or closes, after the answer."""
