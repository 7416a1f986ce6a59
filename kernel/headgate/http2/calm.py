"""How much the other side of a connection may cost before it is told to be calm (CVE-2023-44487)."""

from __future__ import annotations

from typing import Final

import trio

# How much more may be borne than has ended well, and how much of that a second makes good.
_PATIENCE: Final = 200.0
_FORGIVEN: Final = 10.0


class Calm:
    """What is left of the patience with one connection. Each cost takes one, each good end gives one back, and so does
    time."""

    __slots__ = ("_at", "left")

    def __init__(self) -> None:
        self.left = _PATIENCE
        self._at = trio.current_time()

    def __repr__(self) -> str:
        return f"<Calm {self.left:.0f} left>"

    def charge(self) -> None:
        """Something was asked of us for nothing."""
        self.left -= 1

    def relieve(self) -> None:
        """Something has ended well."""
        self.left = min(self.left + 1, _PATIENCE)

    def lost(self) -> bool:
        """Whether it is used up, with what time has made good."""
        if self.left < _PATIENCE:
            now = trio.current_time()
            self.left = min(_PATIENCE, self.left + (now - self._at) * _FORGIVEN)
            self._at = now
        return self.left < 0
