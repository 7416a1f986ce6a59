"""Money as a store keeps it: accounts, and what workers hold of them (SEMANTICS §6).

A worker never asks the store for a call. It draws a slice of an account, reserves from that (`contracts.slices`), and
tells the store with its next draw what became of it. The arithmetic of every store is in `contracts.books`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from headgate.contracts.values import Money

if TYPE_CHECKING:
    from headgate.contracts.slices import Slice


@dataclass(frozen=True, slots=True)
class Account:
    """So much money for one period. `name` is its identity for good, `label` is for people.

    `start` is when the period began, seconds since 1970, 0 for one without an end. The limit may change with the policy;
    the money that is held and spent stays.
    """

    name: str
    start: int
    limit: Money
    per: str = "total"
    label: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return (self.name, self.start)


@dataclass(frozen=True, slots=True)
class Draw:
    """What a store gave, and how the account stands behind that: `used` is settled and held by anybody, `free` is not."""

    granted: Money
    used: Money
    free: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """One account, for people. `leased` is what living workers hold, `presumed` what dead ones may have spent."""

    account: Account
    settled: Money
    leased: Money
    presumed: Money
    overrun: Money

    @property
    def holds(self) -> bool:
        """The invariant, as long as the limit was not lowered."""
        return self.settled + self.leased + self.presumed <= self.account.limit + self.overrun


@dataclass(frozen=True, slots=True)
class Distrust:
    """A model that billed more than its bound: `what` it is, when, in which account, and both amounts."""

    what: str
    at: float
    account: str
    bound: Money
    billed: Money


@dataclass(frozen=True, slots=True)
class Burial:
    """What was found out about a dead worker's slice: `freed` was not spent, `presumed` may have been."""

    holder: str
    account: tuple[str, int]
    freed: Money
    presumed: Money


class Ledger(Protocol):
    """The accounts, over all workers and nodes. What it returned from is on the disk. StoreError where it cannot be."""

    def slice(self, account: Account, worker: str) -> Slice:
        """A slice with nothing in it, kept so that others learn how it stood if this worker dies. Waits for nothing."""
        ...

    async def draw(self, slice: Slice, need: int, want: int) -> Draw:
        """Tell how the slice stands, and put money into it: at least `need` and about `want`, or nothing.

        One at a time for each slice. After a StoreError nothing was put in, and the account believes the slice to hold
        as much as it does, or more. Cancelled, it is not known: shield it.
        """
        ...

    async def close(self, slice: Slice) -> None:
        """Tell how the slice stands for the last time: what is free in it goes back, nothing may be open."""
        ...

    async def bury(self) -> list[Burial]:
        """Look for workers that died, and find out what became of their slices."""
        ...

    async def statements(self, since: float = 0.0) -> list[Statement]:
        """Every account whose period began at `since` or later, or has no end."""
        ...

    def distrusted(self, what: str) -> Distrust | None:
        """Why no hard budget takes this model, if so. From memory, at most a second stale."""
        ...

    def distrust(self, found: Distrust) -> None:
        """Keep a model from hard budgets: here at once, everywhere within a second. Waits for nothing."""
        ...

    async def trust(self, what: str) -> bool:
        """A person says that the model may be used again. False where nothing was held against it."""
        ...

    async def list_distrusted(self) -> list[Distrust]: ...
