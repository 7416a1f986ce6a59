"""One account as a store keeps it: the arithmetic of money, for every store alike (SEMANTICS §6).

The invariant: settled + leased ≤ limit + recorded overruns, after every step, whoever dies.

1. Nothing is granted but what is free: limit − settled − leased. An overrun is settled in full, so it leaves less for
   the others; what goes beyond the limit then is what the providers billed beyond their bounds.
2. A worker says how its slice stands, not what changed: totals since the slice began, and what it holds. So an answer
   that was lost costs nothing: the worker does not hold what it was given, says so the next time, and it is free again.
3. A worker holds at least what it needs. Beyond that, all of them together hold a hundredth of the limit unreserved, at
   most about: who asks gets half of what is left of that. So a budget whose calls are large beside it is not sliced.
4. A dead worker's slice stays leased, and is called presumed: it may have been spent. How the slice stood at the death
   says what was settled and what was open; the open part stays presumed, for nobody knows what those calls cost, and the
   rest is free. Where nobody knows how it stood, what the call log knows is settled and the whole rest stays presumed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from headgate.contracts.ledger import Account, Draw, Statement
from headgate.contracts.slices import Standing
from headgate.contracts.values import Money

# What lies unreserved at all workers together.
PARTS: Final = 100


class Share(msgspec.Struct):
    """What an account knows of a slice: how it stood when it was last told, with what was put in since."""

    settled: int = 0
    overrun: int = 0
    leased: int = 0
    free: int = 0
    presumed: bool = False


class Book(msgspec.Struct):
    """One account in one period."""

    limit: int
    settled: int = 0
    overrun: int = 0
    shares: dict[str, Share] = {}

    @property
    def leased(self) -> int:
        """What workers hold, the dead ones included."""
        return sum(share.leased for share in self.shares.values())

    @property
    def presumed(self) -> int:
        return sum(share.leased for share in self.shares.values() if share.presumed)

    @property
    def free(self) -> int:
        """What may be granted; less than nothing after overruns, or where the limit was lowered."""
        return self.limit - self.settled - self.leased

    def draw(self, holder: str, standing: Standing, need: int, want: int) -> Draw:
        """The worker tells how it stands, and gets what it needs and a share of what it wants, or nothing."""
        share = self._told(holder, standing)
        granted = need + self._extra(need, want) if 0 < need <= self.free else 0
        share.leased += granted
        share.free += max(0, granted - need)
        if not share.leased and not standing.settled:
            del self.shares[holder]
        return Draw(Money(granted), Money(self.settled + self.leased), Money(max(0, self.free)))

    def close(self, holder: str, standing: Standing) -> None:
        """The worker tells for the last time. What is still open stays presumed: its call is not over."""
        self._told(holder, standing)
        self._part(holder, standing.open)

    def bury(self, holder: str, standing: Standing | None, logged: int = 0) -> tuple[int, int]:
        """The worker is dead. `standing` is how its slice stood, None where nobody knows; then the call log knows
        `logged` to be spent. Gives what was freed, and what stays presumed."""
        share = self.shares[holder]
        if standing is not None:
            standing = _whole(standing, share)
            held = share.leased - (standing.settled - share.settled) + (standing.overrun - share.overrun)
            self._told(holder, standing)
            self._part(holder, standing.open)
            return max(0, held - standing.open), standing.open
        spent = max(0, logged - share.settled)
        left = max(0, share.leased - spent)
        self.settled += spent
        self.overrun += max(0, spent - share.leased)
        share.settled += spent
        self._part(holder, left)
        return 0, left

    def statement(self, account: Account) -> Statement:
        presumed = self.presumed
        return Statement(
            account, Money(self.settled), Money(self.leased - presumed), Money(presumed), Money(self.overrun)
        )

    def _told(self, holder: str, standing: Standing) -> Share:
        share = self.shares.get(holder)
        if share is None:
            share = self.shares[holder] = Share()
        self.settled += standing.settled - share.settled
        self.overrun += standing.overrun - share.overrun
        share.settled, share.overrun, share.presumed = standing.settled, standing.overrun, False
        share.leased, share.free = standing.open + standing.free, standing.free
        return share

    def _part(self, holder: str, left: int) -> None:
        """The worker is gone; so much of what it held is not known to be unspent."""
        share = self.shares[holder]
        share.leased, share.free, share.presumed = left, 0, True
        if not left:
            del self.shares[holder]

    def _extra(self, need: int, want: int) -> int:
        """What a holder gets beyond its need: half of what may still lie unreserved; nothing, if no second call fits."""
        idle = sum(share.free for share in self.shares.values() if not share.presumed)
        extra = min(want - need, self.free - need, (self.limit // PARTS - idle + 1) // 2)
        return extra if extra >= need else 0


def _whole(standing: Standing, share: Share) -> Standing:
    """The standing of a worker that died while it settled: what it spent beyond all that it held was an overrun."""
    beyond = standing.settled - share.settled + standing.open - share.leased
    return standing._replace(overrun=max(standing.overrun, share.overrun + beyond))


def period(per: str, now: float) -> tuple[int, float]:
    """When the period that a moment is in began and ends, UTC. A week begins on Monday; `total` never ends."""
    if per == "total":
        return 0, float("inf")
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "month":
        begin = day.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    elif per == "week":
        begin = day - timedelta(days=day.weekday())
        end = begin + timedelta(days=7)
    else:
        begin, end = day, day + timedelta(days=1)
    return int(begin.timestamp()), end.timestamp()
