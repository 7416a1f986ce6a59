"""New connections go to the worker that has fewest, although whoever is awake accepts first.

All workers accept from one socket, and one that is awake takes a whole burst before the next has opened its eyes: of 32
connections at once, 31. So each tells the others, in memory that they share, how many connections it holds; who is ahead
lets the others go first for as long as it takes to wake up. One that hangs, or has no time, costs the others that wait for
each turn of accepting, and nobody a connection.
"""

from __future__ import annotations

import mmap
from typing import Final

import trio

# Who does not accept, or no longer.
_NOBODY: Final = 0xFFFFFFFF
# A process that sleeps is awake within a tenth of that, a turn of a busy loop takes two or three times as long.
_BLINK_S: Final = 0.0005
_BLINKS: Final = 4
# So many more than the fewest are no reason to wait: one, or an eighth.
_SLACK: Final = 8


def shared_counts(places: int) -> memoryview:
    """A number for each worker, in memory that processes go on sharing when they are forked."""
    counts = memoryview(mmap.mmap(-1, 4 * places)).cast("I")
    for place in range(places):
        counts[place] = _NOBODY
    return counts


class Balance:
    """The view that one worker has of all. Alone, it is never ahead."""

    __slots__ = ("_accepts", "_counts", "_place", "most")

    def __init__(self, counts: memoryview | None = None, place: int = 0) -> None:
        self._counts = shared_counts(1) if counts is None else counts
        self._place = place
        self._accepts = True
        self.most = _NOBODY  # as many as it may hold

    def __repr__(self) -> str:
        known = ["-" if count == _NOBODY else str(count) for count in self._counts]
        return f"<Balance {', '.join(known)}, here {known[self._place]}>"

    def tell(self, connections: int) -> None:
        """This worker holds so many; of interest as long as it accepts."""
        if self._accepts:
            self._counts[self._place] = connections

    def leave(self) -> None:
        """It accepts no more."""
        self._accepts = False
        self._counts[self._place] = _NOBODY

    @property
    def ahead(self) -> bool:
        """Whether another that accepts has clearly fewer; where this one is full, fewer at all."""
        own, fewest = self._counts[self._place], min(self._counts)
        return own > fewest + (0 if own >= self.most else max(1, fewest // _SLACK))

    async def after_you(self) -> bool:
        """Let those go first who have fewer, until they have not for two milliseconds. True when nobody came, so that all
        that is at the door may be taken. A checkpoint only where it waits."""
        blinks, fewest = 0, min(self._counts)
        while self.ahead and blinks < _BLINKS:
            await trio.sleep(_BLINK_S)
            before, fewest = fewest, min(self._counts)
            blinks = 0 if fewest > before else blinks + 1
        return self.ahead
