"""All connections of one lane: their time, their number, and their end.

1. One sweep a tick interrupts every wait that has lasted too long, so no read carries a timer of its own.
2. A drain stops accepting, closes what is idle, lets what runs finish with `connection: close`, and cancels the
   rest at its deadline.
3. At the limit of connections accepting waits, and an idle connection makes room.
"""

from __future__ import annotations

import heapq
import logging
import secrets
import time
from typing import TYPE_CHECKING

import trio

from headgate.wire.connection import Connection
from headgate.wire.limits import Limits
from headgate.wire.pipe import Pipe, StreamPipe
from headgate.wire.pulse import Pulse

if TYPE_CHECKING:
    from headgate.message.request import Client
    from headgate.wire.handler import Exchanger, OnRefused
    from headgate.wire.refusal import Refusal

logger = logging.getLogger("headgate.wire")


class Connections:
    """The live connections of a lane. Made inside a running trio."""

    def __init__(
        self, handler: Exchanger, limits: Limits | None = None, *, on_refused: OnRefused | None = None
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.pulse = Pulse(trio.current_time(), self.limits.tick_s)
        self.draining = False
        self.linger_s = 0.0
        self.live: set[Connection] = set()
        self._on_refused = on_refused
        self._id_prefix = f"{int(time.time()):08x}{secrets.token_hex(4)}"
        self._id_count = 0
        self._changed = trio.Event()
        self.accepting = trio.CancelScope()

    def __repr__(self) -> str:
        idle = sum(connection.idle for connection in self.live)
        state = "draining" if self.draining else "open"
        return f"<Connections {state} [{len(self.live) - idle} busy, {idle} idle]>"

    def next_id(self) -> str:
        """A request's id: 26 hexadecimal digits, unique among all workers, in order within one."""
        self._id_count += 1
        return f"{self._id_prefix}{self._id_count:010x}"

    def refused(self, client: Client, refusal: Refusal) -> None:
        """Tell whoever listens; a listener that fails must not cost the client its answer."""
        if self._on_refused is not None:
            try:
                self._on_refused(client, refusal)
            except Exception:
                logger.exception("The listener for refusals failed on %r", refusal)

    async def serve(self, pipe: Pipe, client: Client) -> None:
        """Serve one connection to its end."""
        connection = Connection(pipe, client, self)
        self.live.add(connection)
        try:
            with connection.scope:
                await connection.run()
        except Exception:
            logger.exception("A bug in the lane: %r", connection)  # one connection's end, and nobody else's
        finally:
            self.live.discard(connection)
            self._changed.set()
            self._changed = trio.Event()

    async def serve_stream(self, stream: trio.abc.Stream, client: Client) -> None:
        """Serve one connection over any trio stream (TLS that chose http/1.1, memory)."""
        await self.serve(StreamPipe(stream), client)

    async def sweep(self) -> None:
        """Keep time for all connections, until cancelled."""
        while True:
            now = trio.current_time()
            self.pulse.beat(now)
            for connection in self.live:
                connection.channel.sweep(now)
            await trio.sleep(self.limits.tick_s)

    async def room(self) -> None:
        """Wait until one more connection may be accepted; somebody is at the door."""
        while len(self.live) >= self.limits.connections:
            self.close_idle(1)
            with trio.move_on_after(self.limits.tick_s):  # Or until one falls idle.
                await self._changed.wait()

    def close_idle(self, most: int | None = None) -> None:
        """Make idle connections close: all of them, or at most so many of those that would time out first."""
        idle = [one for one in self.live if one.idle]
        for connection in idle if most is None else heapq.nsmallest(most, idle, key=lambda one: one.channel.read_by):
            connection.channel.pipe.interrupt_receive()

    async def drain(self, deadline_s: float | None = None, linger_s: float = 0.0) -> None:
        """Stop, and return when no connection is left. What runs has `deadline_s` seconds, the limit's if None.

        A request may be on its way on a connection that was told that it may go on: such a connection is closed when it
        has been silent for `linger_s`, and until then is answered once more.
        """
        self.draining = True
        self.linger_s = linger_s
        self.accepting.cancel()
        if not linger_s:
            self.close_idle()
        for connection in self.live:
            connection.wind_up()
        with trio.move_on_after(self.limits.drain_s if deadline_s is None else deadline_s):
            while self.live:
                await self._changed.wait()
        for connection in self.live:
            connection.scope.cancel()
        while self.live:
            await self._changed.wait()
