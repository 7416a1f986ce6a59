"""All connections of one lane: their time, their number, and their end.

1. One sweep a tick interrupts every wait that has lasted too long, so no read carries a timer of its own.
2. A drain stops accepting, closes what is idle, lets what runs finish with `connection: close`, and cancels the
   rest at its deadline.
3. At the limit of connections accepting waits, and an idle connection makes room.
"""

from __future__ import annotations

import heapq
import logging
from typing import TYPE_CHECKING, Any, Protocol

import trio

from headgate.wire.balance import Balance
from headgate.wire.connection import Connection
from headgate.wire.handshake import Handshake
from headgate.wire.ids import Ids
from headgate.wire.limits import Limits
from headgate.wire.overload import Valve
from headgate.wire.pipe import Pipe, StreamPipe
from headgate.wire.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from headgate.message.headers import Line
    from headgate.message.request import Client
    from headgate.wire.certificates import Certificates
    from headgate.wire.handler import Exchanger, OnRefused
    from headgate.wire.live import Live
    from headgate.wire.overload import OnShed
    from headgate.wire.refusal import Refusal

logger = logging.getLogger("headgate.wire")


class Draining(Protocol):
    """Connections of another kind, which end with these."""

    async def drain(self, deadline_s: float) -> None: ...


class Connections:
    """The live connections of a lane. Made inside a running trio."""

    def __init__(
        self,
        handler: Exchanger,
        limits: Limits | None = None,
        balance: Balance | None = None,
        *,
        on_refused: OnRefused | None = None,
        on_shed: OnShed | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.pulse = Pulse(trio.current_time(), self.limits.tick_s)
        self.draining = False
        self.linger_s = 0.0
        self.drain_began = trio.Event()
        self.drained = trio.Event()
        self.live: set[Live] = set()
        self.balance = balance or Balance()
        self._on_refused = on_refused
        self.ids = Ids()
        self.next_id = self.ids.next
        self.valve = Valve(self.limits.lag_s, lambda: self.ids.given, self.next_id, on_shed)
        # Where the same is to be had over QUIC, for clients that came by TLS (RFC 7838).
        self.elsewhere: bytes | None = None
        self.endpoints: list[Draining] = []
        self._changed = trio.Event()
        self.accepting = trio.CancelScope()

    def __repr__(self) -> str:
        idle = sum(connection.idle for connection in self.live)
        state = "draining" if self.draining else "open"
        return f"<Connections {state} [{len(self.live) - idle} busy, {idle} idle]>"

    def lines(self, lines: list[Line]) -> list[Line]:
        """What stands in every head that we send on a stream: Date where there is none, and where else we are."""
        more = [] if b"date" in [line[0] for line in lines] else [(b"date", self.pulse.date[6:-2])]
        return more if self.elsewhere is None else [*more, (b"alt-svc", self.elsewhere)]

    def refused(self, client: Client, refusal: Refusal) -> None:
        """Tell whoever listens; a listener that fails must not cost the client its answer."""
        if self._on_refused is not None:
            try:
                self._on_refused(client, refusal)
            except Exception:
                logger.exception("The listener for refusals failed on %r", refusal)

    # These give coroutines and are none: an idle connection is little else than the frames in which it waits. And it counts
    # from now on, not from when its task first runs.

    def serve(self, pipe: Pipe, client: Client) -> Coroutine[Any, Any, None]:
        """Serve one connection to its end."""
        return self._serve(self._with(Connection(pipe, client, self)))

    def serve_tls(self, pipe: Pipe, client: Client, certificates: Certificates) -> Coroutine[Any, Any, None]:
        """Serve one connection that begins with TLS to its end."""
        return self._serve(self._with(Handshake(pipe, client, self, certificates)))

    def _with(self, one: Live) -> Live:
        self.live.add(one)
        self.balance.tell(len(self.live))
        return one

    def _without(self, one: Live) -> None:
        self.live.discard(one)
        self.balance.tell(len(self.live))
        self._changed.set()
        self._changed = trio.Event()

    async def _serve(self, first: Live) -> None:
        """Run it, and whoever goes on with the same bytes."""
        one: Live | None = first
        while one is not None:
            runs, one = self._with(one), None
            try:
                with runs.scope:
                    one = await runs.run()
            except Exception:
                logger.exception("A bug in the lane: %r", runs)  # one connection's end, and nobody else's
            finally:
                self._without(runs)

    async def serve_stream(self, stream: trio.abc.Stream, client: Client) -> None:
        """Serve one connection over any trio stream (TLS that chose http/1.1, memory)."""
        await self.serve(StreamPipe(stream), client)

    async def sweep(self) -> None:
        """Keep time for all connections, until cancelled."""
        while True:
            now = trio.current_time()
            self.pulse.beat(now)
            for connection in self.live:
                connection.sweep(now)
            await trio.sleep(self.limits.tick_s)

    @property
    def full(self) -> bool:
        """Whether it holds as many as it may."""
        return len(self.live) >= self.limits.connections

    async def room(self) -> None:
        """Wait until one more connection may be accepted; somebody is at the door."""
        while self.full:
            self.close_idle(1)
            with trio.move_on_after(self.limits.tick_s):  # Or until one falls idle.
                await self._changed.wait()

    def close_idle(self, most: int | None = None) -> None:
        """Make idle connections close: all of them, or at most so many of those that would time out first."""
        idle = [one for one in self.live if one.idle]
        for connection in idle if most is None else heapq.nsmallest(most, idle, key=lambda one: one.idle_until):
            connection.let_go()

    async def drain(self, deadline_s: float, linger_s: float = 0.0) -> None:
        """Stop, and return when no connection is left. What runs has `deadline_s` seconds.

        A request may be on its way on a connection that was told that it may go on: such a connection is closed when it
        has been silent for `linger_s`, and until then is answered once more.
        """
        self.draining = True
        self.drain_began.set()
        self.linger_s = linger_s
        self.accepting.cancel()
        if not linger_s:
            self.close_idle()
        for connection in self.live:
            connection.wind_up()
        async with trio.open_nursery() as nursery:
            for endpoint in self.endpoints:
                nursery.start_soon(endpoint.drain, deadline_s)
            with trio.move_on_after(deadline_s):
                while self.live:
                    await self._changed.wait()
        if busy := sum(not one.idle for one in self.live):
            logger.warning(
                "The time to drain is over after %g s: what runs is cut off (connections: %d).", deadline_s, busy
            )
        for connection in self.live:
            connection.scope.cancel()
        while self.live:
            await self._changed.wait()
        self.drained.set()
