"""HTTP/2 from a client: each stream is a request with a task of its own, and all go to the same handler as the lane's.

1. A stream ends whole, or is reset: with INTERNAL_ERROR where its exchange died, with NO_ERROR where the answer is out
   and the request is not (RFC 9113 §8.1).
2. A request that breaks a rule of HTTP is answered on its stream; what breaks a rule of framing ends the connection.
3. A drain says GOAWAY twice, a tick between, and lets the streams that were taken end.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

import trio
from h2.errors import ErrorCodes

from headgate.http2 import Session, Sizes, Stream, StreamFault
from headgate.message.body import BytesBody
from headgate.message.request import Client, Request
from headgate.wire.answering import answer_problem, run_handler
from headgate.wire.h2_body import Http2Body
from headgate.wire.h2_head import read_h2_head
from headgate.wire.h2_reply import Http2Reply
from headgate.wire.refusal import Refusal
from headgate.wire.stage import Stage

if TYPE_CHECKING:
    from headgate.wire.head import Head
    from headgate.wire.limits import Limits
    from headgate.wire.pipe import Pipe
    from headgate.wire.table import Connections

logger = logging.getLogger("headgate.wire")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class _PipeBytes:
    """A pipe's bytes as a session wants them."""

    __slots__ = ("_pipe",)

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def receive(self) -> bytes:
        while True:
            data = await self._pipe.receive()
            if data is not None:
                return data

    async def send(self, data: bytes) -> None:
        sent = self._pipe.send_now(data)
        rest = memoryview(data)[sent:]
        while rest:
            rest = rest[await self._pipe.send_some(rest) :]


class Http2Connection:
    """A client's connection in HTTP/2. `first` are bytes that were read from the pipe before."""

    def __init__(self, pipe: Pipe, client: Client, table: Connections, first: bytes = b"") -> None:
        self._pipe = pipe
        self._table = table
        self._first = first
        self._tasks: trio.Nursery | None = None
        self._close_at = inf
        self.client = client
        self.scope = trio.CancelScope()
        self.session = Session(_PipeBytes(pipe), _sizes(table.limits), client=False, opened=self._opened)
        self.requests = 0

    def __repr__(self) -> str:
        return f"<Http2Connection {self.client.ip}:{self.client.port} {self.session!r}, {self.requests} requests>"

    @property
    def idle(self) -> bool:
        """Whether it could close now without anybody losing an answer."""
        return not self.session.streams

    @property
    def idle_until(self) -> float:
        """When it closes if nothing comes."""
        return self.session.idle_since + self._table.limits.idle_s

    def wind_up(self) -> None:
        """Ask the client to open no more streams, and take no more a tick later."""
        self.session.wind_up()
        self._close_at = min(self._close_at, self._table.pulse.after(self._table.limits.tick_s))

    def let_go(self) -> None:
        """Close it, as it is idle."""
        self.session.close_door()

    def sweep(self, now: float) -> None:
        """Take no more streams when the client must have read that it should open none."""
        if now >= self._close_at:
            self.session.close_door()

    async def run(self) -> None:
        """Serve until either side closes. Raises nothing but cancellation."""
        try:
            async with trio.open_nursery() as self._tasks:
                if self._table.draining:
                    self.wind_up()
                await self.session.run(self._first)
        except Exception:
            logger.exception("A bug in HTTP/2: %r", self)
        finally:
            await self._pipe.close()

    def _opened(self, stream: Stream, ended: bool) -> None:
        assert self._tasks is not None
        self.requests += 1
        if self.requests >= self._table.limits.requests:
            self.wind_up()
        self._tasks.start_soon(self._serve, stream, ended)

    async def _serve(self, stream: Stream, ended: bool) -> None:
        with trio.CancelScope() as scope:
            head = self._head(stream)
            reply = Http2Reply(
                self.session, stream, self._table.pulse,
                head_only=_head_only(stream), cancel=scope.cancel, draining=self._table.drain_began,
            )  # fmt: skip
            if isinstance(head, Refusal):
                await self._refuse(stream, reply, head)
            else:
                await run_handler(self._table.handler, self._request(head, stream, ended), self.client, reply)
                if reply.stage is Stage.ENDED:
                    await self._linger(stream)
                    self.session.reset(stream, ErrorCodes.NO_ERROR)
        self.session.reset(stream, ErrorCodes.INTERNAL_ERROR)

    async def _linger(self, stream: Stream) -> None:
        """Throw away what still comes of a request that has its answer, as some clients read it only when all is sent."""
        limits, thrown = self._table.limits, 0
        with trio.move_on_after(limits.linger_s), suppress(StreamFault):
            while thrown < limits.linger_bytes and (piece := await stream.receive()):
                thrown += len(piece)

    def _head(self, stream: Stream) -> Head | Refusal:
        assert stream.head is not None
        limits = self._table.limits
        try:
            head = read_h2_head(stream.head, limits, tls=self.client.tls)
            if limits.body_bytes is not None and head.length is not None and head.length > limits.body_bytes:
                return Refusal(413, f"The body may hold at most {limits.body_bytes} bytes (RFC 9110 §15.5.14).")
        except Refusal as refusal:
            return refusal
        return head

    def _request(self, head: Head, stream: Stream, ended: bool) -> Request:
        body: BytesBody | Http2Body = BytesBody()
        if not ended and head.upgrade is None:  # what comes behind a handshake is no body
            body = Http2Body(self.session, stream, self._table.limits, head.length, continues=head.continues)
        return Request(
            method=head.method,
            path=head.path,
            raw_path=head.raw_path,
            query_string=head.query,
            host=head.host,
            scheme="https" if self.client.tls else "http",
            headers=head.headers,
            body=body,
            id=self._table.next_id(),
            http_version=head.version,
            upgrade=head.upgrade,
        )

    async def _refuse(self, stream: Stream, reply: Http2Reply, refusal: Refusal) -> None:
        refusal.id = self._table.next_id()
        pseudo = dict(stream.head or ())
        refusal.method = pseudo.get(b":method", b"-").decode("latin-1")
        refusal.target = pseudo.get(b":path", b"-")[: self._table.limits.request_line_bytes]
        self._table.refused(self.client, refusal)
        await answer_problem(reply, refusal.status, refusal.detail, refusal.id)


def _head_only(stream: Stream) -> bool:
    return (b":method", b"HEAD") in (stream.head or ())


def _sizes(limits: Limits) -> Sizes:
    return Sizes(
        window_bytes=limits.h2_window_bytes,
        # Twice what is taken: what is a little too much is answered, what is far too much ends the connection.
        header_bytes=2 * (limits.header_bytes + limits.request_line_bytes),
        streams=limits.h2_streams,
        idle_s=limits.idle_s,
        stall_s=limits.write_stall_s,
    )
