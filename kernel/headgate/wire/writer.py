"""The client's side of one request: `Reply`.

1. A reply is empty, then its head is prepared, then it has begun, then it has ended or was cut. Until it has begun
   (`head_sent`) another answer may take its place.
2. `head` only prepares: the head goes out with the first piece, in one system call. Who expects silence after
   the head calls `flush`.
3. A truncated answer never looks whole: fewer bytes than declared, or `abort`, cut the connection.
4. `send` and `write` return when the kernel has the bytes; a client that does not read makes them wait, and one that
   takes nothing for `write_stall_s` is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from headgate.errors import ClientGone, InternalError
from headgate.message.forwarding import list_members
from headgate.wire.answer import Framing, choose, render_head, render_upgrade, travelling_trailers
from headgate.wire.relaying import relay_body
from headgate.wire.stage import Stage
from headgate.wire.upgrade import LaneTunnel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headgate.message.headers import Headers, Line
    from headgate.message.response import Response
    from headgate.message.tunnel import Tunnel
    from headgate.wire.body import IncomingBody
    from headgate.wire.channel import Channel
    from headgate.wire.limits import Limits

_CLOSE = b"connection: close\r\n"
_KEEP = b"connection: keep-alive\r\n"
# Sends that the kernel takes at once do not visit the scheduler; a relay that never waits must not starve the others.
_TURN_BYTES = 1 << 18


class Reply:
    """The answer to one request. Belongs to one task; `wait_gone` may run beside it."""

    __slots__ = (
        "_asked",
        "_cancel",
        "_channel",
        "_draining",
        "_framing",
        "_head_only",
        "_incoming",
        "_is_11",
        "_left",
        "_limits",
        "_prepared",
        "_rest",
        "_unyielded",
        "bytes_out",
        "head_sent",
        "keep_alive",
        "stage",
    )

    def __init__(
        self,
        channel: Channel,
        limits: Limits,
        incoming: IncomingBody | None,
        *,
        head_only: bool,
        is_11: bool,
        keep_alive: bool,
        cancel: Callable[[], None] | None = None,
        asked: Headers | None = None,
        rest: bytes = b"",
        draining: trio.Event | None = None,
    ) -> None:
        self._draining = draining
        self._asked = asked
        self._rest = rest
        self._cancel = cancel
        self._channel = channel
        self._limits = limits
        self._incoming = incoming
        self._head_only = head_only
        self._is_11 = is_11
        self._framing = Framing.NONE
        self._left: int | None = None
        self._prepared = b""
        self._unyielded = 0
        self.keep_alive = keep_alive
        self.head_sent = False
        self.bytes_out = 0
        self.stage = Stage.EMPTY

    def __repr__(self) -> str:
        keep = "keeps" if self.keep_alive else "closes"
        return f"<Reply {self.stage.value}, {self._framing.value}, {self.bytes_out} bytes out, {keep}>"

    async def send(self, response: Response) -> None:
        """Send head and whole body. A Body is relayed piece by piece and closed; what its `read` raises comes through.

        Raises ClientGone; InternalError where the answer cannot be sent. With bytes it is not a checkpoint.
        """
        body = response.body
        if isinstance(body, bytes):
            self._prepare(response.status, response.headers, len(body))
            if body and self._framing is not Framing.NONE:
                self._prepared += body
            await self._out(b"")
            self.stage = Stage.ENDED
            return
        try:
            await self.head(response.status, response.headers, body.length)
            await relay_body(self, body, bodiless=self._framing is Framing.NONE)
        finally:
            await body.aclose()

    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None:
        """Prepare the head; `length` is the body's size in bytes, None where it is not known. InternalError."""
        self._prepare(status, headers, length)

    def _prepare(self, status: int, headers: Iterable[Line], length: int | None) -> None:
        if self.stage is Stage.CUT:
            raise ClientGone
        if self.head_sent:
            raise InternalError(f"A second head on {self!r}")
        framing = choose(status, length, head_only=self._head_only, is_11=self._is_11)
        incoming = self._incoming
        if framing is Framing.CLOSE or (incoming is not None and not incoming.keeps):
            self.keep_alive = False
        persistence = (b"" if self._is_11 else _KEEP) if self.keep_alive else _CLOSE
        self._prepared = render_head(
            status, headers, framing, length, persistence + self._rest, self._channel.pulse.date
        )
        self._framing = framing
        self._left = length if framing is Framing.LENGTH else None
        self.stage = Stage.PREPARED

    async def flush(self) -> None:
        """Send a prepared head without waiting for a first piece."""
        if self.stage is Stage.PREPARED:
            await self._out(b"")

    async def write(self, piece: bytes) -> None:
        """Send one piece, with the head before it if that is still prepared, in one system call; b"" is nothing.

        Raises ClientGone; InternalError where it is more than was declared, after cutting the connection.
        """
        self._check_open()
        if self._framing is Framing.NONE:
            await self.flush()
            return
        if not piece:
            return
        if self._framing is Framing.CHUNKED:
            await self._out(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            await self._count(len(piece))
            await self._out(piece)
        self._unyielded += len(piece)
        if self._unyielded >= _TURN_BYTES:
            self._unyielded = 0
            await trio.lowlevel.checkpoint()

    def _check_open(self) -> None:
        if self.stage is Stage.CUT:
            raise ClientGone
        if self.stage is Stage.EMPTY or self.stage is Stage.ENDED:
            raise InternalError(f"No piece belongs here: {self!r}")

    async def _count(self, size: int) -> None:
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                await self.abort()
                raise InternalError("The answer is longer than it was declared")

    async def end(self, trailers: Iterable[Line] = ()) -> None:
        """The answer is complete. InternalError where bytes are missing, after cutting the connection.

        Trailers go out where the body is chunked and the client has said that it takes them (RFC 9110 §6.5.1).
        """
        self._check_open()
        if self._left:
            await self.abort()
            raise InternalError(f"The answer is {self._left} bytes shorter than it was declared")
        last = self._last_chunk(trailers) if self._framing is Framing.CHUNKED else b""
        if self.stage is Stage.PREPARED or last:
            await self._out(last)
        self.stage = Stage.ENDED

    def _last_chunk(self, trailers: Iterable[Line]) -> bytes:
        lines = travelling_trailers(trailers) if trailers else ()
        if not lines or self._asked is None or b"trailers" not in list_members(self._asked.joined(b"te") or b""):
            return b"0\r\n\r\n"
        return b"0\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % line for line in lines])

    async def _out(self, data: bytes) -> None:
        if self.stage is Stage.PREPARED:
            data = self._prepared + data if data else self._prepared
            self._begin()
        self.bytes_out += len(data)
        try:
            rest = self._channel.send_now(data)
            if rest is not None:
                await self._channel.push(rest)
        except BaseException:
            # How much went out is not known, so nothing can follow it.
            self.keep_alive = False
            self.stage = Stage.CUT
            raise

    def _begin(self) -> None:
        self._prepared = b""
        self.head_sent = True
        self.stage = Stage.BEGUN
        if self._incoming is not None:
            self._incoming.continues = False  # RFC 9110 §10.1.1: no 100 after the final answer.

    def be_last(self) -> None:
        """Make it the connection's last answer, and say so where its head is not out yet."""
        self.keep_alive = False
        if self.stage is Stage.PREPARED and not self._prepared.endswith(_CLOSE + self._rest + b"\r\n"):
            said = (b"" if self._is_11 else _KEEP) + self._rest + b"\r\n"
            self._prepared = self._prepared[: -len(said)] + _CLOSE + self._rest + b"\r\n"

    async def upgrade(self, headers: Iterable[Line]) -> Tunnel:
        """Switch protocols (RFC 9110 §15.2.2): send 101 with these lines, and hand over the connection, which ends with the
        reply. ClientGone, InternalError."""
        self.keep_alive = False
        self._prepared = render_upgrade(headers, self._channel.pulse.date)
        self._framing = Framing.NONE
        self.stage = Stage.PREPARED
        await self._out(b"")
        return LaneTunnel(self._channel, self)

    async def wait_drain(self) -> None:
        """Return when the listener is about to go."""
        if self._draining is None:
            await trio.sleep_forever()
        else:
            await self._draining.wait()

    @property
    def stopping(self) -> bool:
        """Whether the listener is about to go, and this answer could still be given."""
        return self._draining is not None and self._draining.is_set() and self.stage is not Stage.CUT

    @property
    def looks_whole(self) -> bool:
        """Whether an orderly close now would make half an answer look like all of it."""
        return self._framing is Framing.CLOSE and (self.stage is Stage.BEGUN or self.stage is Stage.CUT)

    async def abort(self) -> None:
        """Cut the connection, so that a truncated answer never looks whole. Idempotent; fine at any stage."""
        if self.stage is not Stage.ENDED:
            self.stage = Stage.CUT
            self.keep_alive = False
            # An answer framed by the end of the connection would look whole after an orderly close.
            await self._channel.close(reset=self._framing is Framing.CLOSE)

    def cancel(self) -> None:
        """End the task that answers, and with it the connection: for when the client is gone."""
        if self._cancel is not None:
            self._cancel()

    async def wait_gone(self) -> None:
        """Return when the client has closed its side or reset; a half-closed client counts as gone.

        Begins to look when the request's body has arrived. Reads ahead a bounded amount, kept for the next
        request. To be cancelled by its caller before the handler returns; costs nothing unless called.
        """
        if self._incoming is not None:
            await self._incoming.wait_complete()
        await self._channel.wait_gone(self._limits.ahead_bytes)
