"""A sliding window in slots: the arithmetic of `limit.rate`, for every store alike (SEMANTICS §5).

1. A unit that is granted now and may be spent until `now + life` counts in the slot of `now + life`: the latest moment at
   which it can pass. It counts from the moment it is granted.
2. A slot counts until it lies wholly outside the window of one period that ends now.
3. So in no window of one period do more than `limit.ceiling` units pass: take the unit of the window that was granted
   last; every other one of them could be spent after that grant less one period, so it was counted then.
4. A slice is a hundredth of the limit and lives a hundredth of the period; a limit too small for that is not sliced: each
   unit is asked for by itself and has no life beyond now.
"""

from __future__ import annotations

from headgate.contracts.stores import Lease, Limit

SLOTS = 60
SLICES = 100


class Window:
    """One bucket. `slots` maps slot numbers to granted units; a store may keep them anywhere."""

    __slots__ = ("limit", "slots")

    def __init__(self, limit: Limit, slots: dict[int, int] | None = None) -> None:
        self.limit = limit
        self.slots = slots if slots is not None else {}

    def __repr__(self) -> str:
        return f"<Window {self.limit.rate}+{self.limit.burst} [{sum(self.slots.values())} granted]>"

    @property
    def width_s(self) -> float:
        return self.limit.rate.period_s / SLOTS

    @property
    def slice(self) -> int:
        """How many units a lease may hold; 1 where the limit is too small to be sliced."""
        return max(1, self.limit.ceiling // SLICES)

    @property
    def life_s(self) -> float:
        """How long a slice may be held."""
        return self.limit.rate.period_s / SLICES if self.slice > 1 else 0.0

    def forget(self, now: float) -> None:
        """Drop slots that lie wholly outside the window."""
        edge = now - self.limit.rate.period_s
        for slot in [slot for slot in self.slots if (slot + 1) * self.width_s <= edge]:
            del self.slots[slot]

    def take(self, now: float, want: int) -> Lease:
        """Grant up to `want`, at most a slice where more than one is wanted. `now` is the store's clock."""
        self.forget(now)
        free = self.limit.ceiling - sum(self.slots.values())
        granted = max(0, min(want, free, self.slice))
        if granted == 0:
            return Lease(0, 0.0, self._wait(now))
        life = self.life_s if granted > 1 else 0.0
        slot = int((now + life) // self.width_s)
        self.slots[slot] = self.slots.get(slot, 0) + granted
        return Lease(granted, life, 0.0, slot)

    def give_back(self, lease: Lease, unspent: int) -> None:
        """Take units out of the count that were granted and not spent."""
        left = self.slots.get(lease.slot, 0) - min(unspent, lease.granted)
        if left > 0:
            self.slots[lease.slot] = left
        else:
            self.slots.pop(lease.slot, None)

    def _wait(self, now: float) -> float:
        """Seconds until a unit is free: when the oldest slot that counts is outside."""
        if not self.slots:
            return self.limit.rate.period_s
        return max(0.0, (min(self.slots) + 1) * self.width_s + self.limit.rate.period_s - now)
