from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugins.sqlite.conftest import FakeClock

from headgate.api import Limit, Rate, StoreError
from headgate.contracts.memory import MemoryLeases

HAMMER = """
    granted = 0
    limit = Limit(Rate(400, 3600.0))
    async def hammer():
        global granted
        for _ in range(60):
            lease = await stores.leases.take("one", limit, {want}, sys.argv[2])
            granted += lease.granted
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(hammer)
    print(granted, flush=True)
"""


@pytest.mark.parametrize("want", [1, 7])
def test_processes_that_hammer_one_bucket_get_the_limit_and_never_more(program, want: int) -> None:
    body = HAMMER.replace("global granted", "nonlocal granted").format(want=want)
    workers = [program(body, f"w{number}") for number in range(3)]
    granted = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    assert sum(granted) == 400


async def test_a_unit_comes_back_when_it_has_left_the_window(opened) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        limit = Limit(Rate(2, 60.0))
        assert [(await stores.leases.take("b", limit, 1, "w")).granted for _ in range(3)] == [1, 1, 0]
        lease = await stores.leases.take("b", limit, 1, "w")
        clock.at += lease.wait_s
        assert (await stores.leases.take("b", limit, 1, "w")).granted == 1


async def test_what_is_given_back_can_be_had_again(opened) -> None:
    async with opened(FakeClock()) as stores:
        limit = Limit(Rate(1, 60.0))
        lease = await stores.leases.take("b", limit, 1, "w")
        await stores.leases.give_back("b", lease, 1, "w")
        assert (await stores.leases.take("b", limit, 1, "v")).granted == 1
        await stores.leases.give_back("nobody", lease, 1, "w")


async def test_a_bucket_survives_a_restart(opened) -> None:
    clock = FakeClock()
    for expected in (1, 1, 0):
        async with opened(clock) as stores:
            assert (await stores.leases.take("b", Limit(Rate(2, 60.0)), 1, "w")).granted == expected


async def test_old_buckets_are_removed(opened, data: Path) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        for number in range(5):
            await stores.leases.take(f"b{number}", Limit(Rate(2, 1.0)), 1, "w")
        clock.at += 100
        await stores.leases.take("new", Limit(Rate(2, 1.0)), 1, "w")
    reading = sqlite3.connect(data / "leases.db")
    assert reading.execute("SELECT bucket FROM buckets").fetchall() == [("new",)]
    reading.close()


async def test_a_locked_file_grants_nothing(opened, data: Path) -> None:
    async with opened(patience_s=0.2) as stores:
        other = sqlite3.connect(data / "leases.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"leases.db is locked"):
            await stores.leases.take("b", Limit(Rate(2, 60.0)), 1, "w")
        await stores.identity.create_key(team="search", name="other files go on meanwhile")
        other.execute("COMMIT")
        other.close()
        assert (await stores.leases.take("b", Limit(Rate(2, 60.0)), 1, "w")).free == 1


NUMBERS = itertools.count()
Asked = st.lists(st.tuples(st.sampled_from(["u", "v"]), st.integers(1, 9), st.floats(0, 40)), max_size=25)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=Asked, count=st.sampled_from([3, 50, 1000]))
async def test_it_grants_what_the_reference_grants(opened, asked: list[tuple[str, int, float]], count: int) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        reference = MemoryLeases(clock)
        # One store serves all examples, and an `id` comes back.
        bucket, limit = f"b{next(NUMBERS)}", Limit(Rate(count, 60.0))
        for worker, want, pause in asked:
            ours = await stores.leases.take(bucket, limit, want, worker)
            theirs = await reference.take(bucket, limit, want, worker)
            assert (ours.granted, ours.life_s, ours.free) == (theirs.granted, theirs.life_s, theirs.free)
            ours, theirs = [
                await leases.reserve(bucket, limit, want * 3, used=want == 9) for leases in (stores.leases, reference)
            ]
            assert (ours.granted, ours.wait_s, ours.free) == (theirs.granted, theirs.wait_s, theirs.free)
            clock.at += pause


async def test_buckets_of_the_past_go_faster_than_new_ones_can_come(opened, data: Path, monkeypatch) -> None:
    monkeypatch.setattr("headgate_sqlite.leases.CLEAN_ROWS", 10)
    clock, limit = FakeClock(), Limit(Rate(2, 1.0))
    async with opened(clock) as stores:
        for number in range(100):
            await stores.leases.take(f"old {number}", limit, 1, "w")
        clock.at += 60.0
        for _ in range(12):
            await stores.leases.take("new", limit, 1, "w")
    with sqlite3.connect(data / "leases.db") as kept:
        assert kept.execute("SELECT bucket FROM buckets").fetchall() == [("new",)]
    kept.close()
