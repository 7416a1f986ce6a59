"""What every ledger does, the one in memory and the one on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.api import Account, Distrust, Ledger, Money, Node, Slice, Statement, Stores, SystemClock, period
from headgate.testing import MemoryLedger
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.stores import open_stores

BOTH = pytest.mark.parametrize("kind", ["memory", "sqlite"])


@asynccontextmanager
async def opened(kind: str, data: Path) -> AsyncIterator[Ledger]:
    if kind == "memory":
        yield MemoryLedger()
        return
    node = Node(SystemClock(), None, None, Stores(), data=data)  # type: ignore[arg-type]
    async with open_stores(SqliteSettings(), node.stores, node):
        assert node.stores.ledger is not None
        yield node.stores.ledger


def account(limit: int, name: str = "a", start: int = 0) -> Account:
    return Account(name, start, Money(limit), "total" if not start else "month", name.upper())


async def state(ledger: Ledger) -> tuple[int, int, int, int]:
    [one] = await ledger.statements()
    assert one.holds
    return (one.settled, one.leased, one.presumed, one.overrun)


@BOTH
async def test_a_worker_gets_what_it_needs_and_a_hundredth_at_most_beside_it(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        one, two = (ledger.slice(account(10_000), worker) for worker in ("w", "v"))
        assert (await ledger.draw(one, 20, 1_000)).granted == 20 + 50
        assert (await ledger.draw(two, 20, 1_000)).granted == 20 + 25
        assert (await ledger.draw(one, 5_000, 5_000)).granted == 5_000
        assert (await ledger.draw(two, 5_000, 5_000)).granted == 0, "there is not so much"
        drawn = await ledger.draw(two, 4_000, 4_000)
        assert (drawn.granted, drawn.used, drawn.free) == (4_000, 9_115, 885)


@BOTH
async def test_a_budget_whose_calls_are_large_beside_it_is_not_sliced(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        slice = ledger.slice(account(100), "w")
        assert [(await ledger.draw(slice, 30, 1_000)).granted for _ in range(4)] == [30, 30, 30, 0]


@BOTH
async def test_what_was_settled_stays_and_the_rest_goes_back(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        slice = ledger.slice(account(1_000), "w")
        await ledger.draw(slice, 400, 400)
        assert slice.reserve(300)
        assert slice.settle(300, 120) == 0
        assert await state(ledger) == (0, 400, 0, 0), "nobody was told yet"
        await ledger.draw(slice, 0, 0)
        assert await state(ledger) == (120, 280, 0, 0)
        assert slice.give_up(1_000) == 280
        await ledger.close(slice)
        assert await state(ledger) == (120, 0, 0, 0)


@BOTH
async def test_an_overrun_is_booked_in_full_and_leaves_less_for_the_others(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        slice = ledger.slice(account(1_000), "w")
        await ledger.draw(slice, 100, 100)
        assert slice.reserve(100)
        assert slice.settle(100, 900) == 800
        await ledger.draw(slice, 0, 0)
        assert await state(ledger) == (900, 0, 0, 800)
        assert (await ledger.draw(slice, 101, 101)).granted == 0
        assert (await ledger.draw(slice, 100, 100)).granted == 100


@BOTH
async def test_an_answer_that_was_lost_costs_nothing(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        slice = ledger.slice(account(1_000), "w")
        await ledger.draw(slice, 600, 600)
        slice.free = 0  # as if the answer had never come
        assert (await ledger.draw(slice, 1_000, 1_000)).granted == 1_000


@BOTH
async def test_a_limit_that_is_lowered_grants_nothing_more(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        slice = ledger.slice(account(1_000), "w")
        await ledger.draw(slice, 600, 600)
        slice.account = account(500)
        assert (await ledger.draw(slice, 1, 1)).granted == 0
        slice.account = account(700)
        assert (await ledger.draw(slice, 100, 100)).granted == 100


@BOTH
async def test_accounts_are_apart_by_name_and_by_period(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        for name, start in [("a", 100), ("a", 200), ("b", 100)]:
            assert (await ledger.draw(ledger.slice(account(10, name, start), "w"), 10, 10)).granted == 10
        assert len(await ledger.statements()) == 3
        assert [one.account.start for one in await ledger.statements(150.0)] == [200]


@BOTH
async def test_a_model_is_kept_out_until_it_is_trusted_again(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as ledger:
        found = Distrust("openai/gpt", 7.0, "A", Money(1), Money(2))
        assert ledger.distrusted("openai/gpt") is None
        ledger.distrust(found)
        assert ledger.distrusted("openai/gpt") == found
        assert await ledger.trust("openai/gpt")
        assert not await ledger.trust("openai/gpt")
        assert ledger.distrusted("openai/gpt") is None
        assert await ledger.list_distrusted() == []


Step = st.tuples(
    st.sampled_from(["draw", "reserve", "settle", "give", "close", "lose"]),
    st.integers(0, 2), st.integers(0, 400), st.integers(0, 500),
)  # fmt: skip


class Hand:
    """One worker's slice, and the bounds of the calls that are open in it."""

    def __init__(self, ledger: Ledger, of: Account, worker: str) -> None:
        self.ledger, self.of, self.worker = ledger, of, worker
        self.begin()

    def begin(self) -> None:
        self.slice: Slice = self.ledger.slice(self.of, self.worker)
        self.open: list[int] = []

    async def do(self, what: str, amount: int, other: int) -> Any:
        if what == "draw":
            return (await self.ledger.draw(self.slice, amount, amount + other)).granted
        if what == "lose":
            kept = self.slice.free
            await self.ledger.draw(self.slice, amount, amount + other)
            self.slice.free = kept
        elif what == "reserve" and self.slice.reserve(amount):
            self.open.append(amount)
        elif what == "settle" and self.open:
            return self.slice.settle(self.open.pop(), other)
        elif what == "give":
            return self.slice.give_up(amount)
        elif what == "close" and not self.open:
            await self.ledger.close(self.slice)
            self.begin()
        return None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(Step, max_size=30), limit=st.sampled_from([0, 300, 2_000, 100_000]))
async def test_the_ledger_on_disk_does_what_the_reference_does_and_the_invariant_holds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], limit: int
) -> None:
    async with opened("sqlite", tmp_path_factory.mktemp("d")) as disk, opened("memory", Path()) as memory:
        hands = [[Hand(ledger, account(limit), f"w{n}") for n in range(3)] for ledger in (disk, memory)]
        for what, who, amount, other in steps:
            ours, theirs = [await side[who].do(what, amount, other) for side in hands]
            assert ours == theirs
            found: list[list[Statement]] = [await ledger.statements() for ledger in (disk, memory)]
            assert found[0] == found[1]
            for one in found[0]:
                assert one.holds
                told = [hand.slice.standing for hand in hands[0]]
                assert one.settled + one.leased >= sum(now.settled - now.overrun + now.open + now.free for now in told)


def test_periods_begin_and_end_at_midnight_utc() -> None:
    now = 1_798_000_000.0  # 2026-12-23
    for per, length in [("day", 86_400), ("week", 7 * 86_400)]:
        start, end = period(per, now)
        assert (start % 86_400, end - start) == (0, length)
        assert start <= now < end
    december, january = period("month", now)
    assert (december, january) == (1_796_083_200, 1_798_761_600.0)
    assert period("month", january)[0] == january
    assert period("week", 1_767_225_600.0)[0] == 1_766_966_400, "2026 begins on a Thursday, its week on Monday"
    assert period("total", now) == (0, float("inf"))


def test_a_slice_reserves_nothing_below_nothing() -> None:
    part = Slice(account(100), "w")
    part.put(10)
    with pytest.raises(ValueError, match="cannot reserve -5"):
        part.reserve(-5)
    assert part.standing == (0, 0, 0, 10)
