"""Which connection a request gets. Pure: plans out, events in; whoever performs a plan reports back.

1. `assign` gives a plan: reuse an idle connection, dial a new one, or wait for either. A plan to reuse or to dial
   holds a slot, and every slot is given back by `release` or `discard`, once.
2. The connection used last is reused first: the others grow old together and expire, so a pool shrinks to its need.
3. Who waits is served in order. What is given back goes to the first in line and not through the idle list.
4. A connection that was idle too long is never reused: servers close theirs at some time, and a request that meets
   that moment fails without anyone's fault.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import trio


class Poolable(Protocol):
    """What a pool needs of a connection: the moment since which it is idle, on the pool's clock."""

    idle_since: float


C = TypeVar("C", bound=Poolable)


@dataclass(slots=True)
class Reuse(Generic[C]):
    """Use this connection. It may have died unnoticed: look first, and if so `assign_instead`."""

    connection: C


class Dial:
    """Open a connection; there is room for one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Dial()"


DIAL = Dial()


class Wait(Generic[C]):
    """Stand in line until a plan is granted."""

    __slots__ = ("plan", "served")

    def __init__(self) -> None:
        self.plan: Reuse[C] | Dial | None = None
        self.served = trio.Event()

    def __repr__(self) -> str:
        return f"<Wait [{'in line' if self.plan is None else self.plan}]>"

    async def granted(self) -> Reuse[C] | Dial:
        """The plan, when the line has come to it. Whoever is cancelled here must `leave`."""
        while self.plan is None:
            await self.served.wait()
        return self.plan

    def serve(self, plan: Reuse[C] | Dial) -> None:
        self.plan = plan
        self.served.set()


class Pool(Generic[C]):
    """The connections to one target. `idle_s` bounds how long one may lie idle and still be used."""

    __slots__ = ("_idle", "_line", "active", "closed", "idle_s", "max_connections", "name")

    def __init__(self, name: str, *, max_connections: int, idle_s: float) -> None:
        self.name = name
        self.max_connections = max_connections
        self.idle_s = idle_s
        self.active = 0
        self.closed = False
        self._idle: deque[C] = deque()
        self._line: deque[Wait[C]] = deque()

    def __repr__(self) -> str:
        counts = f"{self.active} active, {len(self._idle)} idle, {len(self._line)} waiting"
        return f"<Pool {self.name} [{counts}{', closed' if self.closed else ''}]>"

    @property
    def empty(self) -> bool:
        """Whether nothing would be lost with this pool."""
        return not (self.active or self._idle or self._line)

    def assign(self, now: float) -> Reuse[C] | Dial | Wait[C]:
        """The plan for one request."""
        if self._idle and now - self._idle[-1].idle_since < self.idle_s:
            self.active += 1
            return Reuse(self._idle.pop())
        if self.active < self.max_connections:
            self.active += 1
            return DIAL
        ticket: Wait[C] = Wait()
        self._line.append(ticket)
        return ticket

    def assign_idle(self, now: float) -> C | None:
        """A connection that is there, with a slot; None where one would have to be opened or waited for."""
        if self._idle and now - self._idle[-1].idle_since < self.idle_s:
            self.active += 1
            return self._idle.pop()
        return None

    def assign_instead(self, now: float) -> Reuse[C] | Dial:
        """The plan for a slot that is held already, its connection having turned out dead."""
        if self._idle and now - self._idle[-1].idle_since < self.idle_s:
            return Reuse(self._idle.pop())
        return DIAL

    def leave(self, ticket: Wait[C], now: float) -> C | None:
        """Give up waiting. A connection that cannot be kept is given back, to be closed."""
        if ticket.plan is None:
            self._line.remove(ticket)
        elif isinstance(ticket.plan, Reuse):
            return self.release(ticket.plan.connection, now)
        else:
            self.discard()
        return None

    def release(self, connection: C, now: float) -> C | None:
        """Take a healthy connection back. Given back again if it cannot be kept: close it."""
        if self.closed:
            self.discard()
            return connection
        if self._line:
            self._line.popleft().serve(Reuse(connection))
            return None
        self.active -= 1
        connection.idle_since = now
        self._idle.append(connection)
        return None

    def discard(self) -> None:
        """A connection that was assigned is gone, or was never made."""
        if self._line:
            self._line.popleft().serve(DIAL)
        else:
            self.active -= 1

    def expired(self, now: float) -> list[C]:
        """Take out what has been idle too long, the oldest first, to be closed."""
        found: list[C] = []
        while self._idle and now - self._idle[0].idle_since >= self.idle_s:
            found.append(self._idle.popleft())
        return found

    def close(self) -> list[C]:
        """Keep nothing from now on. What was idle is taken out, to be closed; requests are still served."""
        self.closed = True
        idle = list(self._idle)
        self._idle.clear()
        return idle
