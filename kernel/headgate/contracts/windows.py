"""A sliding window in slots: the arithmetic of `limit.rate`, for every store alike (SEMANTICS §5).

Never above the limit:

1. A unit that is granted now and may be spent until `now + life` counts in the slot of `now + life`: the latest moment at
   which it can pass. It counts from the moment it is granted.
2. A slot counts until it lies wholly outside the window of one period that ends now.
3. So in no window of one period do more than `limit.ceiling` units pass: take the unit of the window that was granted
   last; every other one of them could be spent after that grant less one period, so it was counted then.
4. A unit without a life passes when the store grants it: the request that it is for stands waiting. So do all units of a
   reservation, which are granted together or not at all; those that it did not need are given back.

And not much below it:

5. All workers together hold at most a hundredth of the limit unspent. `held` says how much that can be, by worker; who
   asks gets half of what is left of that hundredth, or one unit, without a life, where that is less than two. So when the
   limit is reached, at most a hundredth of it lies unspent, and a limit below 300 is not sliced at all.
6. A slice lives a hundredth of the period. What is unspent then is given back and taken out of the count. Until one more
   life has passed it is held against the worker, for what it gives back may be on its way; then the worker is dead, and
   its units have passed for all we know.

`now` is the store's clock: one for all workers of a bucket, and one that does not jump.
"""

from __future__ import annotations

import msgspec

from headgate.contracts.stores import Lease, Limit

SLOTS = 60


class Window:
    """One bucket. `slots` maps slot numbers to granted units, `held` workers to their unspent units and until when."""

    __slots__ = ("held", "limit", "slots")

    def __init__(
        self, limit: Limit, slots: dict[int, int] | None = None, held: dict[str, tuple[int, float]] | None = None
    ) -> None:
        self.limit = limit
        self.slots = slots if slots is not None else {}
        self.held = held if held is not None else {}

    def __repr__(self) -> str:
        return f"<Window {self.limit.rate}+{self.limit.burst} [{sum(self.slots.values())} granted]>"

    @classmethod
    def load(cls, limit: Limit, data: bytes | None) -> Window:
        """From what `dump` gave, for stores that keep a bucket as one value; None is a bucket that is new."""
        return cls(limit, *(msgspec.json.decode(data, type=_Dumped) if data else ()))

    def dump(self) -> bytes:
        """All that has to be kept, as JSON."""
        return msgspec.json.encode((self.slots, self.held))

    @property
    def width_s(self) -> float:
        return self.limit.rate.period_s / SLOTS

    @property
    def ends_at(self) -> float:
        """When the last unit leaves the window, on the store's clock: the bucket may be forgotten then."""
        return (max(self.slots, default=0) + 1) * self.width_s + self.limit.rate.period_s

    def forget(self, now: float) -> None:
        """Drop slots that lie wholly outside the window, and workers that can hold nothing any more."""
        edge = now - self.limit.rate.period_s
        for slot in [slot for slot in self.slots if (slot + 1) * self.width_s <= edge]:
            del self.slots[slot]
        for worker in [worker for worker, (_, until) in self.held.items() if until <= now]:
            del self.held[worker]

    def take(self, now: float, want: int, worker: str = "", holding: int = 0) -> Lease:
        """Grant up to `want`, at most a slice where more than one is wanted. `now` is the store's clock."""
        self.forget(now)
        free = self.limit.ceiling - sum(self.slots.values())
        granted = max(0, min(want, free, self._share(worker, holding)))
        if granted == 0:
            return Lease(0, 0.0, self._wait(now))
        life = self.limit.life_s if granted > 1 else 0.0
        slot = int((now + life) // self.width_s)
        self.slots[slot] = self.slots.get(slot, 0) + granted
        self._hold(worker, holding + (granted if life else 0), now + 2 * self.limit.life_s)
        return Lease(granted, life, 0.0, slot, free - granted)

    def reserve(self, now: float, units: int, *, used: bool = False) -> Lease:
        """Count all of `units` as passing now, or none of them; with `used` also where they do not fit."""
        self.forget(now)
        free = self.limit.ceiling - sum(self.slots.values())
        if units > free and not used:
            return Lease(0, 0.0, self._wait(now, units), free=max(0, free))
        slot = int(now // self.width_s)
        self.slots[slot] = self.slots.get(slot, 0) + units
        return Lease(units, 0.0, 0.0, slot, max(0, free - units))

    def give_back(self, lease: Lease, unspent: int, worker: str = "") -> None:
        """Take units out of the count that were granted and not spent."""
        unspent = max(0, min(unspent, lease.granted))
        left = self.slots.get(lease.slot, 0) - unspent
        if left > 0:
            self.slots[lease.slot] = left
        else:
            self.slots.pop(lease.slot, None)
        units, until = self.held.get(worker, (0, 0.0))
        self._hold(worker, units - unspent, until)

    def _share(self, worker: str, holding: int) -> int:
        """What this worker may have at once: half of what may still be out, or one."""
        out = holding + sum(units for other, (units, _) in self.held.items() if other != worker)
        return max(1, (self.limit.slice - out + 1) // 2)

    def _hold(self, worker: str, units: int, until: float) -> None:
        if units > 0:
            self.held[worker] = (units, until)
        else:
            self.held.pop(worker, None)

    def _wait(self, now: float, units: int = 1) -> float:
        """Seconds until so many units are free: when enough of the oldest slots are outside."""
        over = sum(self.slots.values()) + units - self.limit.ceiling
        for slot in sorted(self.slots):
            over -= self.slots[slot]
            if over <= 0:
                return max(0.0, (slot + 1) * self.width_s + self.limit.rate.period_s - now)
        return self.limit.rate.period_s


_Dumped = tuple[dict[int, int], dict[str, tuple[int, float]]]
