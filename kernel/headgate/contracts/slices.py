"""What one worker holds of one account: the half of the ledger that every call goes through.

1. `free` may be reserved, `open` is reserved by calls that run. `settled` is all that calls were booked with since the
   slice began, `overrun` what of that was beyond their bounds.
2. `settled`, `overrun` and `open` lie in cells that outlive the worker. The order of writing is such that whoever reads
   them after a death counts at least what was spent, and at most one bound more: a reservation is open before its first
   byte goes out, and is settled before it is no longer open.
3. What the worker holds is never more than what the store believes it to hold: money is put in when the store has said
   so, and what goes back leaves the slice before the store is told.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import TYPE_CHECKING, Final, NamedTuple

from headgate.contracts.values import Money

if TYPE_CHECKING:
    from headgate.contracts.ledger import Account

CELLS: Final = 3
SETTLED, OVERRUN, OPEN = range(CELLS)


class Standing(NamedTuple):
    """How a slice stands: all that it was ever settled with, what of that were overruns, and what it holds now."""

    settled: int = 0
    overrun: int = 0
    open: int = 0
    free: int = 0


class Slice:
    """Some money of one account, in the hands of one worker. `holder` is the slice's own name, never used again."""

    __slots__ = ("_at", "_cells", "account", "free", "holder")

    def __init__(self, account: Account, holder: str, cells: MutableSequence[int] | None = None, at: int = 0) -> None:
        self.account = account
        self.holder = holder
        self.free = 0
        self._cells = [0] * CELLS if cells is None else cells
        self._at = at

    def __repr__(self) -> str:
        return f"<Slice {self.account.name} [{Money(self.free)} free, {Money(self.open)} open]>"

    @property
    def open(self) -> int:
        return self._cells[self._at + OPEN]

    @property
    def standing(self) -> Standing:
        cells, at = self._cells, self._at
        return Standing(cells[at + SETTLED], cells[at + OVERRUN], cells[at + OPEN], self.free)

    def put(self, amount: int) -> None:
        """The store gave so much."""
        self.free += amount

    def reserve(self, amount: int) -> bool:
        """Set so much aside for a call; False where there is not so much. ValueError for less than nothing: that would
        make money."""
        if amount < 0:
            raise ValueError(f"a call cannot reserve {amount}")
        if amount > self.free:
            return False
        self.free -= amount
        self._cells[self._at + OPEN] += amount
        return True

    def settle(self, bound: int, amount: int) -> int:
        """A call that had reserved `bound` has cost `amount`. Gives what of that is an overrun."""
        cells, at = self._cells, self._at
        beyond = amount - bound
        cells[at] += amount
        if beyond > 0:
            cells[at + OVERRUN] += beyond
            cells[at + OPEN] -= bound
            return beyond
        cells[at + OPEN] -= bound
        self.free -= beyond
        return 0

    def release(self, bound: int) -> None:
        """A call that had reserved `bound` has cost nothing."""
        self._cells[self._at + OPEN] -= bound
        self.free += bound

    def give_up(self, amount: int) -> int:
        """Take out what is to go back, `amount` at most; the next draw tells the store."""
        amount = max(0, min(amount, self.free))
        self.free -= amount
        return amount
