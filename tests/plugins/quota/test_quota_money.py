"""Whole workers over one ledger, with clocks that drift, and deaths at any point: inside a reservation, inside a call,
inside a settlement, on either side of the store's commit.

The simulator counts for itself what the models have billed. The invariant is looked at after every step of the ledger;
when the dead are buried and the living have ended, the ledger holds at least that count, and at most what the dead held
at their death beyond it. What a call bills beyond its bound counts from its settlement on: before, nobody can know it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from headgate.api import Account, Bound, ClientFault, Draw, Money, Node, Site, Slice, Stores, Usage
from headgate.testing import MemoryLedger
from headgate_quota.accounts import STATE, Accounts
from headgate_quota.budget import BudgetMeter, Line

MIDNIGHT = 1_767_225_600.0
CENT = 10_000_000


class Killed(BaseException):
    """The process is gone."""


class WorkerClock:
    """Clocks that start anywhere and run a little fast or slow."""

    def __init__(self, rate: float, skew_s: float) -> None:
        self.rate, self.skew_s = rate, skew_s

    def time(self) -> float:
        return MIDNIGHT - 5.0 + self.skew_s + trio.current_time() * self.rate

    def monotonic(self) -> float:
        return 1e5 + trio.current_time() * self.rate


class Cells(list[int]):
    """Memory that outlives its worker, and that a dead worker writes no more."""

    def __init__(self, worker: Worker) -> None:
        super().__init__([0, 0, 0])
        self.worker = worker

    def __setitem__(self, place: Any, value: Any) -> None:
        self.worker.alive("write")
        super().__setitem__(place, value)


class Far(MemoryLedger):
    """The ledger behind a way that takes its time. It looks at the invariant whenever something has changed."""

    def __init__(self, delay_s: float) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.workers: dict[str, Worker] = {}
        self.checks = 0

    def slice(self, account: Account, worker: str) -> Slice:
        made = super().slice(account, worker)
        made._cells = Cells(self.workers[worker])
        return made

    async def draw(self, slice: Slice, need: int, want: int) -> Draw:
        worker = self.workers[slice.holder.partition(".")[0]]
        standing = slice.standing
        await trio.sleep(self.delay_s)
        worker.alive("before the commit")
        drawn = self.book(slice.account).draw(slice.holder, standing, need, want)
        self.check()
        worker.alive("after the commit")
        await trio.sleep(self.delay_s)
        worker.alive("after the commit")
        slice.put(drawn.granted)
        return drawn

    async def close(self, slice: Slice) -> None:
        worker = self.workers[slice.holder.partition(".")[0]]
        await trio.sleep(self.delay_s)
        worker.alive("before the commit")
        await super().close(slice)
        self.check()

    def check(self) -> None:
        self.checks += 1
        for account, book in self._books.values():
            assert book.settled + book.leased <= account.limit + book.overrun, book
            assert all(share.leased >= 0 for share in book.shares.values()), book


class Worker:
    """One worker, and where it is to die: at the n-th of such moments."""

    def __init__(self, world: World, number: int, dies: tuple[str, int] | None) -> None:
        self.world = world
        self.name = f"w{number}"
        self.dies = dies
        self.dead = False
        self.seen: Counter[str] = Counter()
        self.scope = trio.CancelScope()
        chance = world.chance
        clock = WorkerClock(chance.uniform(0.9992, 1.0008), chance.uniform(-2.0, 2.0))
        stores = Stores(ledger=world.ledger)
        self.node = Node(clock, None, None, stores, worker=self.name)  # type: ignore[arg-type]
        self.accounts = self.node.state[STATE] = Accounts(self.node)
        world.ledger.workers[self.name] = self

    def alive(self, moment: str) -> None:
        """A moment at which it can die."""
        self.seen[moment] += 1
        if not self.dead and self.dies == (moment, self.seen[moment]):
            self.die()
        if self.dead:
            raise Killed

    def die(self) -> None:
        self.dead = True
        self.world.died(self.name)
        self.scope.cancel()

    async def run(self, calls: int) -> None:
        """So many calls over some seconds; then it ends in order, unless it is dead."""
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    self.accounts.nursery = nursery
                    nursery.start_soon(self.accounts.tend)
                    async with trio.open_nursery() as running:
                        for _ in range(calls):
                            await trio.sleep(self.world.chance.expovariate(calls / 8.0))
                            running.start_soon(self.call)
                    self.accounts.nursery = None
                    nursery.cancel_scope.cancel()
                await self.accounts.close()
        except* Killed:
            pass

    async def call(self) -> None:
        """One attempt: it bills while it runs, as a model does, and at its end perhaps more than its bound."""
        chance, world = self.world.chance, self.world
        bound = chance.randint(1, 40) * CENT // 10
        exchange: Any = _Exchange(self.node)
        meter = BudgetMeter(exchange, world.line, Money(world.limit), "team", None, None)
        try:
            asked = Bound("model", None, Money(bound))
            hold = meter.reserve_now(asked) or await meter.reserve(asked)
        except ClientFault as refused:
            world.refused += refused.kind == "budget.exhausted"
            return
        if chance.random() < 0.05:
            hold.release()
            return
        key = hold.purse.slice.account.key  # type: ignore[attr-defined]
        cost, billed = chance.randint(0, bound), 0
        for part in range(1, 5):
            await trio.sleep(chance.uniform(0.0, 0.3))
            self.alive("relay")
            piece = cost * part // 4 - billed
            billed += piece
            world.billed[key] += piece
        beyond = bound - cost + chance.randint(1, bound) if chance.random() < world.greed else 0
        world.settling[key] += beyond
        hold.settle(Usage(cost=Money(cost + beyond)))
        world.settling[key] -= beyond
        world.billed[key] += beyond
        world.ledger._distrusted.clear()  # a person says so at once: here the money is looked at


class _Exchange:
    """All of an exchange that a budget needs."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.log: dict[str, Any] | None = None
        self.whole = self


class World:
    """Workers over one ledger."""

    def __init__(self, seed: int, limit: int, delay_s: float, greed: float) -> None:
        self.chance = random.Random(seed)
        self.limit = limit
        self.greed = greed
        self.ledger = Far(delay_s)
        self.line = Line(Site("r", "budget", 0, "a.policy", 1), "day", None)
        self.billed: Counter[tuple[str, int]] = Counter()
        self.leased: Counter[tuple[str, int]] = Counter()
        self.settling: Counter[tuple[str, int]] = Counter()
        self.refused = 0

    def died(self, worker: str) -> None:
        """Remember what it held."""
        self.ledger.dead.add(worker)
        for key, (_, book) in self.ledger._books.items():
            for holder, share in book.shares.items():
                if holder.startswith(f"{worker}."):
                    self.leased[key] += share.leased

    async def run(self, deaths: list[tuple[str, int] | None], calls: int) -> None:
        async with trio.open_nursery() as nursery:
            for number, dies in enumerate(deaths):
                nursery.start_soon(Worker(self, number, dies).run, calls)
        before = {key: book.settled + book.leased for key, (_, book) in self.ledger._books.items()}
        await self.ledger.bury()
        self.ledger.check()
        for key, (_, book) in self.ledger._books.items():
            found = book.settled + book.leased
            # What a call that died inside its settlement billed beyond its bound may be known by then, or not.
            assert self.billed[key] <= found <= self.billed[key] + self.settling[key] + self.leased[key]
            assert found <= before[key] + book.overrun, "a burial costs nobody anything"
            assert book.leased == book.presumed, "the living have given everything back"
            if not self.leased[key]:
                assert (book.settled, book.leased) == (self.billed[key], 0), "nobody died: it is exact"


def run(main: Callable[[], Any]) -> None:
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def deaths_of(chance: random.Random) -> list[tuple[str, int] | None]:
    """Four workers, of which some die at some point of one kind."""
    moments = [("write", 120), ("relay", 200), ("before the commit", 12), ("after the commit", 12)]
    found: list[tuple[str, int] | None] = []
    for _ in range(4):
        moment, most = chance.choice(moments)
        found.append((moment, chance.randint(1, most)) if chance.random() < 0.6 else None)
    return found


@pytest.mark.parametrize("seed", range(32))
def test_the_invariant_holds_and_the_ledger_counts_what_was_billed_whoever_dies(seed: int) -> None:
    chance = random.Random(seed)
    limit = chance.choice([30, 100, 2_000, 500_000]) * CENT
    world = World(seed, limit, chance.choice([0.0, 0.001, 0.05]), chance.choice([0.0, 0.1]))

    async def main() -> None:
        await world.run(deaths_of(chance), 40)
        assert world.ledger.checks > 10

    run(main)


def test_the_simulation_has_deaths_at_every_kind_of_moment_and_money_that_runs_out() -> None:
    moments: Counter[str] = Counter()
    refused = 0
    for seed in range(24):
        chance = random.Random(seed)
        world = World(seed, chance.choice([30, 100]) * CENT, 0.001, 0.1)
        deaths = deaths_of(chance)

        async def main(world: World = world, deaths: Any = deaths) -> None:
            await world.run(deaths, 40)

        run(main)
        moments.update(worker.dies[0] for worker in world.ledger.workers.values() if worker.dead and worker.dies)
        refused += world.refused
    assert set(moments) == {"write", "relay", "before the commit", "after the commit"}
    assert min(moments.values()) >= 3
    assert refused > 100


def test_a_busy_account_asks_the_ledger_once_for_many() -> None:
    world = World(1, 1_000_000 * CENT, 0.001, 0.0)

    async def main() -> None:
        await world.run([None], 2500)
        assert world.refused == 0
        assert world.ledger.checks < 100

    run(main)


def test_a_budget_is_used_up_to_a_few_bounds_before_it_refuses() -> None:
    world = World(2, 500 * CENT, 0.001, 0.0)

    async def main() -> None:
        await world.run([None] * 4, 700)
        for (_, start), spent in world.billed.items():
            assert spent >= world.limit * 0.9, start

    run(main)


async def crowd(world: World, callers: int, bound: int) -> int:
    """So many calls at the same moment; how many may go on."""
    worker = Worker(world, 0, None)
    accounts, let = worker.accounts, 0
    purse = accounts.purse(("a", None), "a", "a", "total", Money(world.limit))

    async def reserve() -> None:
        nonlocal let
        got = await accounts.reserve(purse, bound)
        let += got

    async with trio.open_nursery() as nursery:
        for _ in range(callers):
            nursery.start_soon(reserve)
    assert purse.needed == purse.callers == 0
    return let


def test_a_crowd_asks_the_ledger_together() -> None:
    world = World(3, 1_000 * CENT, 0.001, 0.0)

    async def main() -> None:
        assert await crowd(world, 500, CENT) == 500
        assert world.ledger.checks <= 3

    run(main)


def test_of_a_crowd_as_many_go_on_as_there_is_money_for() -> None:
    world = World(4, 100 * CENT, 0.001, 0.0)

    async def main() -> None:
        assert await crowd(world, 500, 3 * CENT) == 33

    run(main)
