"""How long to wait before a worker that died is replaced: not at all, unless they die one after the other."""

from __future__ import annotations

from collections import deque
from typing import Final

MANY: Final = 5
WITHIN_S: Final = 10.0
FIRST_S: Final = 1.0
MOST_S: Final = 30.0


class Deaths:
    """The deaths of late. From the fifth within ten seconds on the pause doubles, from one second up to thirty."""

    def __init__(self) -> None:
        self._at: deque[float] = deque()
        self.pause_s = 0.0

    def __repr__(self) -> str:
        return f"<Deaths {len(self._at)} of late, pause {self.pause_s:g} s>"

    def __len__(self) -> int:
        return len(self._at)

    def pause(self, now: float) -> float:
        """Another death: how many seconds to wait."""
        self._at.append(now)
        # While replacing waits, deaths are rarer without anything being better.
        while now - self._at[0] > WITHIN_S + MANY * self.pause_s:
            self._at.popleft()
        if len(self._at) < MANY:
            self.pause_s = 0.0
        else:
            self.pause_s = min(MOST_S, 2 * self.pause_s or FIRST_S)
        return self.pause_s
