"""What serves at one moment: routes, programs and resources, never changed once it is made.

A reload makes a new one beside it and swaps one reference. Exchanges keep the Snapshot that they began with; the old
one closes what it owns when the last of them has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import CodeType, MappingProxyType
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from headgate.language.vocabulary import StepSpec
    from headgate.pipeline.table import RouteTable

Close = Callable[[], Awaitable[None]]


class Snapshot:
    """A generation of policies. `active` counts the exchanges that run on it; `steps` are those of its lines, by code."""

    def __init__(
        self,
        generation: int,
        table: RouteTable,
        close: Close,
        steps: Mapping[CodeType, StepSpec] = MappingProxyType({}),
    ) -> None:
        self.generation = generation
        self.table = table
        self.steps = steps
        self.active = 0
        self.retired = False
        self._close = close
        self._empty = trio.Event()

    def __repr__(self) -> str:
        state = "retired" if self.retired else "serving"
        return f"<Snapshot {self.generation} {state} [{len(self.table.entries)} routes, {self.active} active]>"

    def leave(self) -> None:
        """An exchange has ended."""
        self.active -= 1
        if self.retired and self.active == 0:
            self._empty.set()

    async def retire(self) -> None:
        """Serve nothing new; close what it owns when the last exchange has ended."""
        self.retired = True
        if self.active:
            await self._empty.wait()
        await self._close()
