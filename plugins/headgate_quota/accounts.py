"""The accounts that this worker holds money of, and its talk with the ledger.

1. A call reserves from the worker's slice: two subtractions, no store. Where the slice has not enough, one call at a time
   asks the store for all that wait, and where that is too much, for itself.
2. Slices are fetched ahead: when a quarter of the last one is left, the next is drawn behind the calls' backs. What the
   worker asks for follows demand, what it gets is the ledger's to say (`contracts.books`): of a small budget just what
   the call needs.
3. Money that lies idle goes back: at once what is more than a slice after a call has cost less than its bound, all of it
   when an account was not used for `IDLE_S`, when its period is over, and when the node ends.
4. Asking is shielded: what the store gave is never lost with a client that went away.
5. An overrun is told at once, and the model that billed it gets no further call of a hard budget.
"""

from __future__ import annotations

import itertools
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from headgate.api import Account, Bound, Distrust, Draw, Ledger, Money, Node, PluginFault, Slice, StoreError, period

STATE: Final = "accounts"
IDLE_S: Final = 5.0
SWEEP_S: Final = 1.0
BURY_S: Final = 10.0
# Who was refused is refused again for so long without asking the store; others may have given something back then.
PATIENCE_S: Final = 1.0
# More than two slices' worth goes back at once: a hundredth of the limit is what all workers may have idle.
MOST: Final = 50

log = logging.getLogger("headgate.quota")

Key = tuple[str, object]


class Purse:
    """One account, in one period, on this worker. `until` is the end of the period on the wall clock."""

    __slots__ = (
        "ask", "asked_at", "asking", "callers", "closed", "left", "low", "most", "need", "needed", "refused", "refused_until", "slice", "until",
        "used", "used_at", "want",
    )  # fmt: skip

    def __init__(self, slice: Slice, until: float) -> None:
        self.slice = slice
        self.until = until
        self.most = slice.account.limit // MOST
        self.ask = trio.Event()
        self.asking = self.closed = False
        self.callers = self.need = self.needed = self.want = self.refused = 0
        self.left = int(slice.account.limit)
        self.low = -1
        self.asked_at = self.used_at = self.refused_until = float("-inf")
        self.used = Money(0)

    def __repr__(self) -> str:
        return f"<Purse {self.slice!r}>"

    @property
    def busy(self) -> bool:
        """Whether a call is open in it, or waits for money of it."""
        return self.slice.open > 0 or self.callers > 0

    def demand(self, now: float, need: int) -> int:
        """How much to ask for: twice as much as the last time where that is less than a second ago, or half."""
        busy = now - self.asked_at < SWEEP_S
        self.want = max(need, self.want * 2 if busy else self.want // 2)
        self.need, self.asked_at = need, now
        return self.want if not busy else max(self.want, 4 * need)

    def drawn(self, draw: Draw, now: float, need: int) -> Draw:
        """Note what the store said, and give it."""
        self.used, self.left = draw.used, draw.free
        self.low = (draw.granted - need) // 4 or -1
        if need and not draw.granted:
            self.refused, self.refused_until = need, now + PATIENCE_S
        return draw

    def refuses(self, now: float, need: int) -> bool:
        """Whether the store said a moment ago that there is not so much."""
        return now < self.refused_until and need >= self.refused


class Accounts:
    """What `budget` shares on a node. `nursery` is open as long as the node is."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.purses: OrderedDict[Key, Purse] = OrderedDict()
        self.nursery: trio.Nursery | None = None
        self._past: list[Purse] = []
        self._spends: dict[str, dict[tuple[str, int], int]] = {}
        self._woken = trio.Event()

    def __repr__(self) -> str:
        return f"<Accounts {len(self.purses)} held, {len(self._past)} of the past>"

    @property
    def ledger(self) -> Ledger:
        ledger = self.node.stores.ledger
        if ledger is None:
            raise PluginFault("no installed plugin keeps a ledger, which budgets need", plugin="quota")
        return ledger

    def purse(self, key: Key, name: str, label: str, per: str, limit: Money) -> Purse:
        """The account of this period, begun where it is new, with the limit that the policy says now."""
        now = self.node.clock.time()
        purse = self.purses.get(key)
        if purse is not None and now >= purse.until:
            self._past.append(self.purses.pop(key))
            purse = None
        if purse is None:
            start, until = period(per, now)
            account = Account(name, start, limit, per, label)
            purse = self.purses[key] = Purse(self.ledger.slice(account, self.node.worker), until)
            self._woken.set()
        elif purse.slice.account.limit != limit:
            held = purse.slice.account
            purse.slice.account = Account(held.name, held.start, limit, held.per, held.label)
            purse.most = limit // MOST
        self.touch(key, purse)
        return purse

    def touch(self, key: Key, purse: Purse) -> None:
        """It was used: it is the last to be given up."""
        purse.used_at = self.node.clock.monotonic()
        self.purses.move_to_end(key)

    async def reserve(self, purse: Purse, amount: int) -> bool:
        """Set money aside, drawing what is missing; False where the account has not enough. StoreError."""
        purse.callers += 1
        purse.needed += amount
        try:
            while not purse.slice.reserve(amount):
                if purse.asking:
                    await purse.ask.wait()
                elif not await self._missing(purse, amount - purse.slice.free):
                    return purse.slice.reserve(amount)
            return True
        finally:
            purse.callers -= 1
            purse.needed -= amount

    async def _missing(self, purse: Purse, need: int) -> bool:
        """Draw what a call needs, with those that wait; False where the account has not so much."""
        now = self.node.clock.monotonic()
        if purse.refuses(now, need):
            return False
        want, together = purse.demand(now, need), purse.needed - purse.slice.free
        if need < together <= purse.left and (await self._draw(purse, together, max(want, together))).granted:
            return True
        return (await self._draw(purse, need, want)).granted > 0

    async def _draw(self, purse: Purse, need: int, want: int) -> Draw:
        """Ask the store while nobody else asks for this account."""
        with _alone(purse):
            drawn = await self.ledger.draw(purse.slice, need, want)
        return purse.drawn(drawn, self.node.clock.monotonic(), need)

    # --- behind the calls' backs --------------------------------------------------------------------------------------

    def renew(self, purse: Purse) -> None:
        """Draw the next slice while the last quarter of this one is spent."""
        purse.low = -1
        self._behind(self._fetch, purse)

    def lighten(self, purse: Purse) -> None:
        """Give back what is more than a slice."""
        if not purse.asking:
            self._behind(self._tell, purse)

    def overrun(self, purse: Purse, bound: Bound, reserved: int, billed: int, *, known: bool, estimated: bool) -> None:
        """A call cost more than its bound. `known`: the bound was worked out, and not just assumed by the policy, and what it
        cost is the provider's word, and not `estimated`."""
        account = purse.slice.account
        log.warning(
            "%s %s %s where its bound was %s: booked in full on %s", bound.what,
            "may have cost" if estimated else "billed", Money(billed), Money(reserved), account.label,
        )  # fmt: skip
        if known:
            self.ledger.distrust(
                Distrust(bound.what, self.node.clock.time(), account.label, Money(reserved), Money(billed))
            )
        self._behind(self._tell, purse)

    def _behind(self, work: Callable[[Purse], Awaitable[None]], purse: Purse) -> None:
        if self.nursery is not None:
            self.nursery.start_soon(self._careful, work, purse)

    async def _careful(self, work: Callable[[Purse], Awaitable[None]], purse: Purse) -> None:
        """Off the hot path. A store that fails is met by the next call that needs it; what was not told is told later."""
        try:
            while purse.asking:
                await purse.ask.wait()
            await work(purse)
        except StoreError as error:
            log.warning("%s: %s", purse.slice.account.label, error)
        except Exception as error:
            log.error("%s: %s", purse.slice.account.label, error, exc_info=error)

    async def _fetch(self, purse: Purse) -> None:
        now = self.node.clock.monotonic()
        if not purse.closed:
            await self._draw(purse, purse.need, purse.demand(now, purse.need))

    async def _tell(self, purse: Purse) -> None:
        if not purse.closed:
            purse.slice.give_up(purse.slice.free - purse.most // 2)
            await self._draw(purse, 0, 0)

    async def tend(self) -> None:
        """Give back what lies idle, until cancelled; sleeps where nothing is held."""
        while True:
            while self.purses or self._past:
                await trio.sleep(SWEEP_S)
                await self._sweep(self.node.clock.monotonic() - IDLE_S)
            self._woken = trio.Event()
            await self._woken.wait()

    async def _sweep(self, edge: float) -> None:
        past, self._past = self._past, []
        idle: list[Purse] = []
        for key, purse in list(itertools.takewhile(lambda one: one[1].used_at <= edge, self.purses.items())):
            if not purse.busy:
                past.append(self.purses.pop(key))
            elif purse.slice.free and not purse.asking:
                purse.slice.give_up(purse.slice.free)
                idle.append(purse)
        for purse in idle:
            await self._careful(self._tell, purse)
        for purse in past:
            await self._careful(self._end, purse)

    async def _end(self, purse: Purse) -> None:
        """Give the slice up, once no call is open in it."""
        if purse.busy:
            self._past.append(purse)
        else:
            await self._close(purse)

    async def _close(self, purse: Purse) -> None:
        with _alone(purse):
            purse.closed = True
            await self.ledger.close(purse.slice)

    async def bury(self) -> None:
        """Look for workers that died, now and then, until cancelled. One worker of a node does it for all."""
        while True:
            try:
                for one in await self.ledger.bury() if self.node.leads else ():
                    log.warning(
                        "the worker of %s died: %s of what it held of %s was not spent, %s may have been",
                        one.holder, one.freed, one.account[0], one.presumed,
                    )  # fmt: skip
            except StoreError as error:
                log.warning("dead workers cannot be looked for: %s", error)
            await trio.sleep(BURY_S)

    async def close(self) -> None:
        """Give everything up; what a store does not take within two seconds is found by who looks for the dead."""
        with trio.move_on_after(2.0) as scope:
            scope.shield = True
            for purse in [*self.purses.values(), *self._past]:
                await self._careful(self._close, purse)

    # --- what in-file tests ask ---------------------------------------------------------------------------------------

    def note(self, name: str | None, by: object, account: Account, amount: int) -> None:
        """Remember what was spent; only tests ask."""
        for asked in {name, by if isinstance(by, str) else None} - {None}:
            spends = self._spends.setdefault(str(asked), {})
            spends[account.key] = spends.get(account.key, 0) + amount

    def spent(self, account: str) -> Money:
        """What was spent in the newest period of the budget with this `name`, or this value of `by`. LookupError."""
        spends = self._spends.get(account, {})
        newest = {name: max(start for other, start in spends if other == name) for name, _ in spends}
        amounts = {spends[key] for key in newest.items()}
        if len(amounts) > 1:
            raise LookupError(
                f"several budgets know `{account}`, and they differ: give them a `name=`, and ask for that"
            )
        return Money(amounts.pop() if amounts else 0)


@contextmanager
def _alone(purse: Purse) -> Iterator[None]:
    """Talk with the ledger about a slice while nobody else does, and not cancelled half-way."""
    purse.asking, purse.ask = True, trio.Event()
    try:
        with trio.CancelScope(shield=True):
            yield
    finally:
        purse.asking = False
        purse.ask.set()
