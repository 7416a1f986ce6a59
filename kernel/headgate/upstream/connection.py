"""One connection and one exchange on it: the request out, the head in, the body to come.

1. A request whose body is all there and fits the socket's buffer goes out in one system call, and its answer is read
   by the same task. Otherwise a second task sends while this one reads, because an upstream may answer before it has
   read everything (RFC 9112 §9.5): the rest is then not sent, and the connection not used again.
2. A connection is given back when the body was read to its end, the answer allows it and nothing came behind it.
   In every other case, cancellation included, it is closed.
3. `NoAnswer` says that the connection ended before the first byte of an answer: the only case that may be tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio

from headgate.contracts.transport import Outgoing, Target
from headgate.errors import UpstreamFault
from headgate.message.headers import Headers
from headgate.message.response import Response
from headgate.upstream import faults
from headgate.upstream.call import Call
from headgate.upstream.chunks import Decoder, Malformed
from headgate.upstream.duplex import Duplex, NoAnswer, read_head
from headgate.upstream.heads import BODILESS, Head, travelling
from headgate.upstream.streams import BROKEN, ByteStream, reason
from headgate.upstream.upgrade import UpstreamTunnel, check_upgrade
from headgate.upstream.upload import Upload

if TYPE_CHECKING:
    from headgate.upstream.patience import Patience

ACTIVE: Final = "active"
IDLE: Final = "idle"
CLOSED: Final = "closed"


class Connection:
    """A connection to one target, in the hands of one call or of the pool.

    `finished` is told once when a call is done with it, and whether the connection can be used again.
    """

    __slots__ = ("_finished", "calls", "expired", "idle_since", "state", "stream", "target")

    def __init__(self, target: Target, stream: ByteStream, finished: Callable[[Connection, bool], None]) -> None:
        self.target = target
        self.stream = stream
        self.calls = 0
        self.expired = False
        self.idle_since = 0.0
        self.state = ACTIVE
        self._finished = finished

    def __repr__(self) -> str:
        return f"<Connection {self.target.scheme}://{self.target.authority} [{self.state}, {self.calls} calls]>"

    def usable(self) -> bool:
        """Take it out of idleness, if it lives: nothing may come in unasked, an end least of all. Bytes that nobody asked
        for would be taken for the answer to whoever is next."""
        self.state = ACTIVE
        return self.stream.quiet()

    def finish(self, *, reusable: bool) -> None:
        """The call is done with this connection. Only the first word counts."""
        if self.state == ACTIVE:
            self.state = IDLE
            if not reusable:
                self.close()
            self._finished(self, reusable)

    def expire(self) -> None:
        """Close it under a call that waits on it for too long."""
        self.expired = True
        self.stream.close()

    def close(self) -> None:
        """Close the socket; the pool is told by `finish` alone."""
        self.state = CLOSED
        self.stream.close()

    async def exchange(self, call: Call, outgoing: Outgoing, head: bytes, upload: Upload) -> Response:
        """Send, and give the head of the final answer. NoAnswer or Malformed; the connection is the caller's to end."""
        if not upload.opened:
            call.enter("head", None)
            await upload.open()
            if self.calls and not self.stream.quiet():
                raise NoAnswer("closed the connection before the request was sent")
        opening = head + upload.opening()
        call.enter_head()
        self.calls += 1
        if outgoing.upgrade is not None:
            return await self._upgrade(call, outgoing, outgoing.upgrade, opening)
        answer, sent_all = await self._converse(call, opening, upload)
        return self._response(call, outgoing.method, answer, sent_all=sent_all)

    async def _upgrade(self, call: Call, outgoing: Outgoing, protocol: str, opening: bytes) -> Response:
        """Ask for another protocol; the answer is a tunnel, or one of HTTP's."""
        broken: BaseException | None = None
        try:
            await self.stream.send(opening)
        except BROKEN as error:
            broken = error
        answer = await read_head(self.stream, broken, upgrade=True)
        if answer.status != 101:
            return self._response(call, outgoing.method, answer, sent_all=broken is None)
        key = next((value for name, value in outgoing.headers if name == b"sec-websocket-key"), None)
        check_upgrade(protocol.encode(), key, answer.lines)
        lines = travelling(answer.lines, bodiless=True)
        lines.append((b"upgrade", protocol.encode()))
        return Response(101, lines, UpstreamTunnel(self, call, answer.rest))

    async def _converse(self, call: Call, opening: bytes, upload: Upload) -> tuple[Head, bool]:
        broken: BaseException | None = None
        rest = b""
        try:
            rest = await self.stream.start(opening)
        except BROKEN as error:
            broken = error
        if broken is None and (rest or not upload.whole):
            return await Duplex(self.stream, call, rest, upload).run()
        return await read_head(self.stream, broken), broken is None and upload.whole

    def _response(self, call: Call, method: str, head: Head, *, sent_all: bool) -> Response:
        decoder, persistent = head.body(method)
        reusable = persistent and sent_all
        headers = Headers(travelling(head.lines, bodiless=method == "HEAD" or head.status in BODILESS))
        payload = b""
        failure = None
        if decoder.done:
            reusable = reusable and not head.rest
        elif head.rest:
            try:
                payload = decoder.feed(head.rest)
            except Malformed as error:
                failure = faults.broken(self.target, "body", str(error))
        if decoder.done:
            self.finish(reusable=reusable and not decoder.surplus)
            return Response(head.status, headers, payload)
        body = AnswerBody(self, call, decoder, payload, reusable=reusable)
        if failure is not None:
            body.fail(failure)
        return Response(head.status, headers, body)


class AnswerBody:
    """The body of an answer, as it comes. A `Body`; its end is clean only if the upstream said so."""

    __slots__ = ("_call", "_connection", "_decoder", "_failure", "_ready", "_reusable", "length")

    def __init__(self, connection: Connection, call: Call, decoder: Decoder, ready: bytes, *, reusable: bool) -> None:
        self.length = decoder.length
        self._connection = connection
        self._call = call
        self._decoder = decoder
        self._ready = ready
        self._reusable = reusable
        self._failure: UpstreamFault | None = None

    def __repr__(self) -> str:
        state = "failed" if self._failure else "ended" if self._decoder.done else "open"
        return f"<AnswerBody {self._connection.target} [{state}]>"

    @property
    def ready(self) -> bool:
        """Whether a piece came with the head."""
        return bool(self._ready)

    async def read(self) -> bytes:
        """The next piece, b"" at the end. UpstreamFault `protocol` or `timeout`; cancelling closes the connection."""
        if self._ready:
            piece, self._ready = self._ready, b""
            return piece
        piece = b""
        while not piece and not self._decoder.done:
            if self._failure is not None:
                raise self._failure
            piece = await self._more()
        return piece

    async def _more(self) -> bytes:
        piece = b""
        try:
            data = await (self._receive() if self._call.patience is None else self._patiently(self._call.patience))
            if data:
                piece = self._decoder.feed(data)
            else:
                self._decoder.end()
        except Malformed as error:
            raise self.fail(self._broken(str(error))) from None
        except BROKEN as error:
            if self._connection.expired:
                raise self.fail(self._call.late(sent=True)) from None
            raise self.fail(self._broken(f"broke off its answer ({reason(error)})")) from error
        except trio.Cancelled:
            self.fail(self._broken("was cut off: the reading of its answer was cancelled"))
            raise
        if self._decoder.done:
            self._connection.finish(reusable=self._reusable and not self._decoder.surplus)
        return piece

    async def _receive(self) -> bytes:
        with self._call.silence():
            return await self._connection.stream.receive()
        raise self.fail(self._call.late(sent=True))

    async def _patiently(self, patience: Patience) -> bytes:
        """As above, without a scope for each piece: a late one finds its connection closed, and expired."""
        connection, until = self._connection, patience.until
        until[connection] = self._call.silent_until()
        try:
            return await connection.stream.receive()
        finally:
            del until[connection]

    def _broken(self, why: str) -> UpstreamFault:
        return faults.broken(self._connection.target, "body", why)

    def fail(self, failure: UpstreamFault) -> UpstreamFault:
        """Nothing more will come: close the connection, and let every further read raise this."""
        self._failure = failure
        self._connection.finish(reusable=False)
        return failure

    async def aclose(self) -> None:
        """Give the rest up. A body read to its end left its connection to the pool already."""
        self._ready = b""
        if not self._decoder.done and self._failure is None:
            self.fail(self._broken("was cut off: its answer was given up before its end"))
