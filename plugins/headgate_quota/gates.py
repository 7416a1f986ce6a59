"""Places that are taken and given back, with a line before them."""

from __future__ import annotations

from collections import deque

import trio


class Gate:
    """Places for one bucket, and the line before it. Pure but for the events that wake who stands in it."""

    __slots__ = ("active", "line")

    def __init__(self) -> None:
        self.active = 0
        self.line: deque[trio.Event] = deque()

    def __repr__(self) -> str:
        return f"<Gate {self.active} active, {len(self.line)} waiting>"

    def enter(self, places: int) -> bool:
        """Take a place if there is one and nobody stands before us."""
        if self.active < places and not self.line:
            self.active += 1
            return True
        return False

    def leave(self) -> None:
        """Give a place to the first in line, or free."""
        if self.line:
            self.line.popleft().set()
        else:
            self.active -= 1

    async def wait(self, patience_s: float) -> bool:
        """Stand in line; False where that took too long. Whoever is cancelled here gives its place up."""
        called = trio.Event()
        self.line.append(called)
        try:
            with trio.move_on_after(patience_s):
                await called.wait()
        except BaseException:
            if not self._out(called):
                self.leave()
            raise
        return called.is_set() or not self._out(called)

    def _out(self, called: trio.Event) -> bool:
        """Step out of the line; False where the place was given already."""
        if called.is_set():
            return False
        self.line.remove(called)
        return True
