"""How often a node was told to stop: the first time it drains, the second time it cuts, the third time it ends."""

from __future__ import annotations

import signal
from math import inf
from typing import Final

# `timeout`, and a supervisor that signals a process and then its group, sends two within a millisecond and means one.
BURST_S: Final = 0.5


class Stops:
    """Signals to stop, counted. Several SIGTERMs within `BURST_S` are one; who presses Ctrl-C twice means twice."""

    __slots__ = ("_burst_ends", "count")

    def __init__(self) -> None:
        self.count = 0
        self._burst_ends = -inf

    def __repr__(self) -> str:
        return f"<Stops {self.count}>"

    def heard(self, number: int, now: float) -> bool:
        """Whether this signal is one more; `now` is monotonic, in seconds."""
        if number == signal.SIGTERM:
            if now < self._burst_ends:
                return False
            self._burst_ends = now + BURST_S
        self.count += 1
        return True


__all__ = ("BURST_S", "Stops")
