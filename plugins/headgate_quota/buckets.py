"""One bucket as this worker sees it: what it holds of it, and when it was last refused. Pure.

1. A `Holding` is a lease and what is left of it. It is spent until its life is over, counted on the worker's monotonic
   clock from before it was asked for, and shortened by a hundredth: that is twenty times what a clock may drift.
2. There are at most two: the one that is being spent, and one fetched ahead. Spending is a subtraction.
3. How many units to ask for follows demand. It doubles when what was asked for was used up within its life, and falls to
   what was used when it was not. So a caller that comes now and then costs one unit and holds none, and a busy one asks
   the store once for many requests. What the store grants may be less, and one unit without a life is for the asker.
   A lease that is dead when it arrives (a slow store, a short period) makes it ask one by one for a while.
4. Once refused, the store is not asked again before it can have something, or for `PATIENCE_S`: a caller that hammers a
   spent limit costs the store nothing.
"""

from __future__ import annotations

import trio

from headgate.api import Lease, Limit

DRIFT = 0.99
# What another worker gives back can be had after this at the latest.
PATIENCE_S = 1.0
# How long a bucket stays unsliced after the store was slower than a slice lives.
ALONE_S = 1.0


class Holding:
    """What is left of a lease."""

    __slots__ = ("lease", "left", "until")

    def __init__(self, lease: Lease, until: float) -> None:
        self.lease = lease
        self.left = lease.granted
        self.until = until

    def __repr__(self) -> str:
        return f"<Holding {self.left} of {self.lease.granted} until {self.until:.3f}>"


class Bucket:
    """The state of one bucket on this worker."""

    __slots__ = (
        "alone_until", "asked_at", "asking", "current", "free", "free_at", "limit", "low", "name", "refused_until", "spare", "waiting",
        "want",
    )  # fmt: skip

    def __init__(self, name: str, limit: Limit) -> None:
        self.name = name
        self.limit = limit
        self.current: Holding | None = None
        self.spare: Holding | None = None
        self.asking: trio.Event | None = None
        self.waiting = 0
        self.want = 1
        self.low = -1
        self.alone_until = float("-inf")
        self.free = limit.ceiling
        self.asked_at = float("-inf")
        self.refused_until = float("-inf")
        self.free_at = 0.0

    def __repr__(self) -> str:
        return f"<Bucket {self.name} [{self.holding} held, wants {self.want}]>"

    @property
    def holding(self) -> int:
        """Units held, whether they are still good or not."""
        return sum(one.left for one in (self.current, self.spare) if one is not None)

    def spend(self, now: float) -> bool:
        """Take one of the units that are here."""
        current = self.current
        if current is not None and current.left and now < current.until:
            current.left -= 1
            return True
        spare = self.spare
        if spare is not None and spare.left and now < spare.until and (current is None or not current.left):
            self.current, self.spare = spare, None
            spare.left -= 1
            return True
        return False

    def expired(self, now: float) -> list[Holding]:
        """Take out what is no longer good, or used up; what is left of it is to be given back."""
        gone = [one for one in (self.current, self.spare) if one is not None and (now >= one.until or not one.left)]
        if gone:
            kept = [one for one in (self.current, self.spare) if one is not None and one not in gone]
            self.current, self.spare = (kept[0] if kept else None), None
        for one in gone:
            if one.left:
                self.want = max(1, one.lease.granted - one.left)
        return [one for one in gone if one.left]

    def demand(self, now: float) -> int:
        """How many units to ask for now."""
        if now - self.asked_at < self.limit.life_s:
            self.want = min(self.want * 2, self.limit.slice)
        elif self.current is None:
            self.want = max(1, self.want // 2)
        self.asked_at = now
        if now < self.alone_until:
            return 1
        return max(self.want, min(self.waiting, self.limit.slice))

    def granted(self, lease: Lease, before: float, after: float) -> Holding | None:
        """Put a lease in; None where it is one unit for the asker, or nothing. Both times are ours, around the request."""
        if not lease.granted:
            self._refused(lease, after)
        self.free = lease.free
        if not lease.life_s:
            return None
        holding = Holding(lease, before + lease.life_s * DRIFT)
        if after >= holding.until:
            self.alone_until = after + ALONE_S
        if self.current is None:
            self.current = holding
        else:
            self.spare = holding
        self.low = lease.granted // 4 or -1
        return holding

    def _refused(self, lease: Lease, after: float) -> None:
        """The store has nothing."""
        self.free_at = after + lease.wait_s
        self.refused_until = after + min(lease.wait_s, PATIENCE_S)
        self.want = 1
