"""HTTP/2 from a client: each stream is a request with a task of its own, and all go to the same handler as the lane's.

1. What breaks a rule of framing ends the connection; what breaks one of HTTP is answered on its stream (`streams`).
2. A drain says GOAWAY twice, a tick between, and lets the streams that were taken end. When its time is over they are
   told 503, or reset where an answer has begun.
"""

from __future__ import annotations

import logging
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import trio

from headgate.http2 import Session, Sizes, Stream
from headgate.message.request import Client
from headgate.wire.streams import serve_stream

if TYPE_CHECKING:
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
        self.session = Session(_PipeBytes(pipe), sizes_of(table.limits), client=False, opened=self._opened)
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

    def cut(self) -> None:
        """End when the calls on its streams have, which are cut by themselves."""
        self.session.close_door()

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
        serve = partial(serve_stream, ended=ended, version="2")
        self._tasks.start_soon(serve, self._table, self.session, self.client, stream)


def sizes_of(limits: Limits) -> Sizes:
    """What a connection with streams grants its client."""
    return Sizes(
        window_bytes=limits.h2_window_bytes,
        # Twice what is taken: what is a little too much is answered, what is far too much ends the connection.
        header_bytes=2 * (limits.header_bytes + limits.request_line_bytes),
        streams=limits.h2_streams,
        idle_s=limits.idle_s,
        stall_s=limits.write_stall_s,
    )
