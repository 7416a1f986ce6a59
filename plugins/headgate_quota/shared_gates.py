"""A gate before places that other processes of the node take too.

Who leaves hands the place to the first in line here, as long as nobody waits elsewhere. Otherwise it is given back, and the
first of each line tries to get it, some hundred times a second: so lines in different processes take turns by chance.
"""

from __future__ import annotations

from typing import Final

import trio

from headgate_quota.gates import Gate
from headgate_quota.places import Places

TRY_S: Final = 0.005


class SharedGate(Gate):
    """The gate of one bucket in one process."""

    __slots__ = ("_bucket", "_mine", "_most", "_places")

    def __init__(self, places: Places, bucket: int) -> None:
        super().__init__()
        self._places = places
        self._bucket = bucket
        self._most = 0
        self._mine: set[int] = set()

    def enter(self, places: int) -> bool:
        """As `Gate.enter`, over all processes."""
        self._most = places
        return not self.line and self._take()

    def leave(self) -> None:
        """As `Gate.leave`."""
        if self.line and not self._places.others_wait(self._bucket):
            self.line.popleft().set()
            return
        # The last one, so that those that a smaller limit would have are the first to be free.
        place = max(self._mine)
        self._mine.remove(place)
        self._places.give_back(self._bucket, place)
        self.active -= 1

    async def wait(self, patience_s: float) -> bool:
        """As `Gate.wait`."""
        if not self.line:
            self._places.say_waiting(self._bucket, True)
        called = trio.Event()
        self.line.append(called)
        try:
            with trio.move_on_after(patience_s):
                while not called.is_set() and not self._called_itself(called):
                    with trio.move_on_after(TRY_S):
                        await called.wait()
        except BaseException:
            if not self._out(called):
                self.leave()
            raise
        else:
            return called.is_set() or not self._out(called)
        finally:
            if not self.line:
                self._places.say_waiting(self._bucket, False)

    def _called_itself(self, called: trio.Event) -> bool:
        """Whether this one was the first in line and found a place."""
        if self.line[0] is not called or not self._take():
            return False
        self.line.popleft()
        called.set()
        return True

    def _take(self) -> bool:
        place = self._places.take(self._bucket, self._most, self._mine)
        if place is None:
            return False
        self._mine.add(place)
        self.active += 1
        return True
