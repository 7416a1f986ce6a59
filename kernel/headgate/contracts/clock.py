"""Time as a request sees it: wall time for people and stores, monotonic time for durations."""

from __future__ import annotations

from time import monotonic, time
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clocks. No methods of our own around them: a request asks ten times."""

    time = staticmethod(time)
    monotonic = staticmethod(monotonic)
