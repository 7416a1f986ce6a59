"""What the table keeps of every connection, whatever is spoken on it."""

from __future__ import annotations

from typing import Protocol

import trio


class Live(Protocol):
    """A connection that is open."""

    scope: trio.CancelScope

    @property
    def idle(self) -> bool:
        """Whether it could close now without anybody losing an answer."""
        ...

    @property
    def idle_until(self) -> float:
        """When it closes if nothing comes."""
        ...

    def sweep(self, now: float) -> None:
        """Interrupt the waits that have lasted too long."""
        ...

    def wind_up(self) -> None:
        """Take on nothing new; what runs may end."""
        ...

    def cut(self) -> None:
        """End what runs on it, and then it: its clients are told where that is possible."""
        ...

    def let_go(self) -> None:
        """Close it, as it is idle."""
        ...

    async def run(self) -> Live | None:
        """Serve until either side closes, or until another has to go on with the same bytes."""
        ...
