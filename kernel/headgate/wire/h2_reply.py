"""The client's side of one request on a stream, of HTTP/2 or HTTP/3. See `writer.Reply` for what a reply promises; this one keeps it on a stream.

A truncated answer never looks whole: a stream that is not ended in order is reset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import trio
from h2.errors import ErrorCodes

from headgate.errors import ClientGone, InternalError
from headgate.http2 import Stream, StreamFault
from headgate.wire.answer import Framing, check_lines, choose, travelling_trailers
from headgate.wire.relaying import relay_body
from headgate.wire.stage import Stage
from headgate.wire.upgrade import StreamTunnel

if TYPE_CHECKING:
    from headgate.message.headers import Line
    from headgate.message.response import Response
    from headgate.message.tunnel import Tunnel
    from headgate.wire.streams import Streams
    from headgate.wire.table import Connections


_HANDSHAKE = frozenset({b"sec-websocket-accept", b"upgrade"})


class Http2Reply:
    """The answer to one request on a stream. Belongs to one task; `wait_gone` may run beside it."""

    __slots__ = (
        "_cancel",
        "_framing",
        "_head_only",
        "_left",
        "_prepared",
        "_session",
        "_stream",
        "_table",
        "bytes_out",
        "head_sent",
        "keep_alive",
        "stage",
    )

    def __init__(
        self, session: Streams, stream: Stream, table: Connections, *, head_only: bool, cancel: Callable[[], None]
    ) -> None:
        self._session = session
        self._stream = stream
        self._table = table
        self._head_only = head_only
        self._cancel = cancel
        self._framing = Framing.NONE
        self._left: int | None = None
        self._prepared: list[Line] = []
        self.keep_alive = True
        self.head_sent = False
        self.bytes_out = 0
        self.stage = Stage.EMPTY

    def __repr__(self) -> str:
        return f"<Http2Reply {self.stage.value}, {self.bytes_out} bytes out, {self._stream!r}>"

    async def send(self, response: Response) -> None:
        """Send head and whole body. A Body is relayed piece by piece and closed; what its `read` raises comes through."""
        body = response.body
        if isinstance(body, bytes):
            await self.head(response.status, response.headers, len(body))
            if body and self._framing is not Framing.NONE:
                await self.flush()
                await self._out(body, end=True)
            await self.end()
            return
        try:
            await self.head(response.status, response.headers, body.length)
            await relay_body(self, body, bodiless=self._framing is Framing.NONE)
        finally:
            await body.aclose()

    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None:
        """Prepare the head; `length` is the body's size in bytes, None where it is not known. InternalError."""
        if self.stage is Stage.CUT:
            raise ClientGone
        if self.head_sent:
            raise InternalError(f"A second head on {self!r}")
        self._framing = choose(status, length, head_only=self._head_only, is_11=True)
        self._left = length if self._framing is Framing.LENGTH else None
        self._prepared = [(b":status", b"%d" % status), *check_lines(status, headers, self._framing, length)]
        self._prepared += self._table.lines(self._prepared)
        self.stage = Stage.PREPARED

    async def flush(self) -> None:
        """Send a prepared head without waiting for a first piece."""
        if self.stage is Stage.PREPARED:
            self._begin(end=False)

    def _begin(self, *, end: bool) -> None:
        self.head_sent = True
        self.stage = Stage.BEGUN
        self.bytes_out += sum(len(name) + len(value) for name, value in self._prepared)
        self._guarded(lambda: self._session.send_head(self._stream, self._prepared, end=end))

    async def write(self, piece: bytes) -> None:
        """Send one piece; b"" is nothing. ClientGone; InternalError where it is more than was declared."""
        self._check_open()
        if self._framing is Framing.NONE:
            return
        await self.flush()
        if not piece:
            return
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                await self.abort()
                raise InternalError("The answer is longer than it was declared")
        await self._out(piece, end=False)

    async def _out(self, piece: bytes, *, end: bool) -> None:
        self._left = None if end else self._left
        self.bytes_out += len(piece)
        try:
            await self._session.send(self._stream, piece, end=end)
        except StreamFault:
            self.stage = Stage.CUT
            raise ClientGone from None
        except BaseException:
            self.stage = Stage.CUT
            raise

    def _check_open(self) -> None:
        if self.stage is Stage.CUT:
            raise ClientGone
        if self.stage is Stage.EMPTY or self.stage is Stage.ENDED:
            raise InternalError(f"No piece belongs here: {self!r}")

    async def end(self, trailers: Iterable[Line] = ()) -> None:
        """The answer is complete. InternalError where bytes are missing, after resetting the stream."""
        self._check_open()
        if self._left:
            await self.abort()
            raise InternalError(f"The answer is {self._left} bytes shorter than it was declared")
        lines = travelling_trailers(trailers)
        if self.stage is Stage.PREPARED:
            self._begin(end=not lines)
        if not self._stream.sent_end:
            self._guarded(lambda: self._end(lines))
        self.stage = Stage.ENDED

    def _end(self, trailers: list[Line]) -> None:
        if trailers:
            self._session.send_head(self._stream, trailers, end=True)
        else:
            self._session.send_end(self._stream)

    def _guarded(self, say: Callable[[], None]) -> None:
        try:
            say()
        except StreamFault:
            self.stage = Stage.CUT
            raise ClientGone from None

    async def abort(self) -> None:
        """Reset the stream, so that a truncated answer never looks whole. Idempotent; fine at any stage."""
        if self.stage is not Stage.ENDED:
            self.stage = Stage.CUT
            self._session.reset(self._stream, ErrorCodes.INTERNAL_ERROR)

    async def upgrade(self, headers: Iterable[Line]) -> Tunnel:
        """Go on as a tunnel (RFC 8441 §5): the answer is 200, and what proves a handshake in HTTP/1.1 is left out."""
        lines = [line for line in check_lines(200, headers, Framing.NONE, None) if line[0] not in _HANDSHAKE]
        self._prepared = [(b":status", b"200"), *lines]
        self._begin(end=False)
        return StreamTunnel(self._session, self._stream, self)

    async def wait_drain(self) -> None:
        """Return when the listener is about to go."""
        await self._table.drain_began.wait()

    @property
    def stopping(self) -> bool:
        """Whether the listener is about to go, and this answer could still be given."""
        return self._table.draining and self.stage is not Stage.CUT

    def cancel(self) -> None:
        """End the task that answers: for when the client is gone."""
        self._cancel()

    async def wait_gone(self) -> None:
        """Return when the client has reset the stream or lost the connection, and not when the answer has ended."""
        await self._stream.wait_closed()
        if self._stream.fault is None:  # both sides have said all that they had to
            await trio.sleep_forever()
