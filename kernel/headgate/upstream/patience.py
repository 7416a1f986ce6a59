"""Coarse deadlines for the many calls that end in time: one task looks at all of them, several times a second.

A cancel scope with a deadline costs a call about a tenth of its time, and nearly every call ends long before. So a
call that has seconds is only written down here; one that is late has its connection closed under it, which wakes
whoever waits on it. Where nobody looks (`watching` is False), and for short bounds, calls take a scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from headgate.upstream.connection import Connection

TICK_S: Final = 0.1
# A bound is met at most one tick late; below this that would be more than one part in ten.
COARSE_S: Final = 1.0


class Patience:
    """The connections that a call waits on, each with the moment from which that is too long."""

    __slots__ = ("until", "watching")

    def __init__(self) -> None:
        self.until: dict[Connection, float] = {}
        self.watching = False

    def __repr__(self) -> str:
        return f"<Patience {'watching' if self.watching else 'not watching'} {len(self.until)} calls>"

    def suffices(self, bound_s: float | None, total_s: float | None) -> bool:
        """Whether both bounds can be kept here."""
        return self.watching and (bound_s is None or bound_s >= COARSE_S) and (total_s is None or total_s >= COARSE_S)

    async def run(self) -> None:
        """Look until cancelled."""
        self.watching = True
        try:
            while True:
                await trio.sleep(TICK_S)
                self.look(trio.current_time())
        finally:
            self.watching = False

    def look(self, now: float) -> None:
        """Close the connections of the calls that are late."""
        for connection in [late for late, until in self.until.items() if until <= now]:
            connection.expire()
