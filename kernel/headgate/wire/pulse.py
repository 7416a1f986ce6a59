"""Coarse time, shared by every connection of a listener: read often, written once a tick."""

from __future__ import annotations

import time
from email.utils import formatdate


class Pulse:
    """`now` is trio's clock as of the last tick; `date` is the Date line of that second (RFC 9110 §6.6.1)."""

    __slots__ = ("_second", "_slack", "date", "now")

    def __init__(self, now: float, tick_s: float) -> None:
        self._slack = tick_s
        self._second = 0
        self.date = b""
        self.beat(now)

    def __repr__(self) -> str:
        return f"<Pulse {self.now:.1f}>"

    def beat(self, now: float) -> None:
        self.now = now
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.date = b"date: " + formatdate(second, usegmt=True).encode("ascii") + b"\r\n"

    def after(self, seconds: float) -> float:
        """The deadline that is `seconds` away, never early although `now` may be one tick old."""
        return self.now + seconds + self._slack
