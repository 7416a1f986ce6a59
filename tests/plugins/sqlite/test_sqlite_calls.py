from __future__ import annotations

import logging
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from tests.plugins.sqlite.conftest import FakeClock, eventually, row

from headgate.api import StoreError
from headgate_sqlite.reading import Filter, Tail, last_calls

DAY = 86_400.0


def kept(data: Path, **equal: str) -> list[dict[str, object]]:
    return last_calls(data, Filter(equal=equal), 1_000_000)


async def test_a_row_is_on_disk_within_100_ms(opened, data: Path) -> None:
    async with opened(FakeClock()) as stores:
        began = time.monotonic()
        stores.calls.add(row(id="quick"))
        await eventually(lambda: len(kept(data)) == 1)
        assert time.monotonic() - began < 0.1


async def test_a_row_comes_back_as_it_was_added(opened, data: Path) -> None:
    added = row(
        team="search", model="gpt-4.1", input_tokens=10, output_tokens=2, cost=1_250_000, estimated=True,
        attempts=[("openai", "429", 0.2), ("azure", "ok", 0.4)], note={"depth": [1, 2]}, caller=None,
    )  # fmt: skip
    async with opened(FakeClock()) as stores:
        stores.calls.add(added)
    (found,) = kept(data)
    assert found == {
        **{name: value for name, value in added.items() if value is not None},
        "attempts": [["openai", "429", 0.2], ["azure", "ok", 0.4]],
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"path": "/\udce9"}, {"bytes_in": 2**80}, {"model": ["a", "b"]}, {"note": object()}, {"note": {1: b"x"}},
        {"at": "yesterday"}, {"at": None}, {"duration_s": float("nan")}, {"note": 2**80},
    ],
)  # fmt: skip
async def test_one_odd_value_costs_neither_the_row_nor_its_neighbours(
    opened, data: Path, odd: dict[str, object]
) -> None:
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="before"))
        stores.calls.add(row(id="odd", **odd))
        stores.calls.add(row(id="after"))
    connection = sqlite3.connect(next(data.glob("calls-*.db")))
    found = connection.execute("SELECT id FROM calls WHERE more IS NULL OR json_valid(more) ORDER BY rowid").fetchall()
    assert found == [("before",), ("odd",), ("after",)]
    connection.close()
    assert stores.calls.lost == 0


async def test_rows_of_many_shapes_are_all_there_and_in_order(opened, data: Path) -> None:
    """Some with fields of their own, some with hardly any; in runs of one shape, and mixed."""
    shapes: list[dict[str, object]] = [
        {},
        {"model": "m", "cost": 3},
        {"note": [1]},
        {"model": "m", "note": {"a": None}},
    ]
    added = [row(id=f"r{at}", **shapes[at % 4 if at > 150 else 0]) for at in range(300)]
    async with opened(FakeClock()) as stores:
        for one in added:
            stores.calls.add(one)
    assert kept(data) == [{name: value for name, value in one.items() if value is not None} for one in added]


async def test_a_durable_row_is_committed_when_it_returns(opened, data: Path) -> None:
    async with opened(FakeClock()) as stores:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(stores.calls.add_durably, row(id=f"r{number}"))
        assert len(kept(data)) == 50


async def test_each_day_has_its_file_and_old_ones_are_dropped(opened, data: Path) -> None:
    clock = FakeClock()
    async with opened(clock, keep_days=2) as stores:
        for number in range(5):
            stores.calls.add(row(id=f"d{number}", at=clock.at))
            await eventually(lambda: not stores.calls._lane.queue and not stores.calls._lane._batch)
            clock.at += DAY
        names = sorted(file.name for file in data.glob("calls-*.db"))
        assert names == ["calls-2026-01-03.db", "calls-2026-01-04.db", "calls-2026-01-05.db"]
    assert [found["id"] for found in kept(data)] == ["d2", "d3", "d4"]


async def test_a_call_that_began_before_midnight_is_in_that_days_file(opened, data: Path) -> None:
    midnight = 1_767_225_600.0 + DAY
    async with opened(FakeClock(midnight + 1)) as stores:
        stores.calls.add(row(id="late", at=midnight - 0.001))
        stores.calls.add(row(id="new", at=midnight))
    assert (data / "calls-2026-01-01.db").exists()
    assert [found["id"] for found in last_calls(data, Filter(since=midnight), 10)] == ["new"]


async def test_a_file_that_stays_locked_gathers_no_durable_rows(opened, data: Path) -> None:
    async with opened(FakeClock(), queue_rows=100, patience_s=0.02) as stores:
        other = sqlite3.connect(next(data.glob("calls-*.db")), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            with pytest.raises(StoreError, match="locked"):
                await stores.calls.add_durably(row(id=f"durable {number}"))
            stores.calls.add(row(id=f"plain {number}"))
        lane = stores.calls._lane
        await eventually(lambda: not lane.queue)
        assert {one["id"] for one in lane._batch} == {f"plain {number}" for number in range(5)}
        other.execute("COMMIT")
        other.close()
    assert {found["id"] for found in kept(data)} == {f"plain {number}" for number in range(5)}


async def test_a_row_that_nests_too_deeply_keeps_no_other_from_the_disk(opened, data: Path) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="deep", note=nested))
        stores.calls.add(row(id="plain"))
    assert {found["id"] for found in kept(data)} == {"deep", "plain"}
    while nested:
        nested = nested[0]  # type: ignore[assignment]


async def test_while_the_file_is_locked_rows_wait_and_what_is_too_many_is_counted(
    opened, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(FakeClock(), queue_rows=100, patience_s=0.1) as stores:
        other = sqlite3.connect(next(data.glob("calls-*.db")), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        stores.calls.add(row(id="first"))
        await eventually(lambda: not stores.calls._lane.queue)
        for number in range(129):
            stores.calls.add(row(id=f"r{number}"))
        assert stores.calls.lost == 30
        with pytest.raises(StoreError, match="locked"):
            await stores.calls.add_durably(row(id="durable"))
        await eventually(lambda: "30 rows lost" in caplog.text)
        other.execute("COMMIT")
        other.close()
        await eventually(lambda: "is written again; 30 rows were lost" in caplog.text)
        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    ids = {found["id"] for found in kept(data)}
    assert ids == {"first", *(f"r{number}" for number in range(99))}


@contextmanager
def full_disk(bytes_left: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_loses_rows_aloud_and_never_a_request(
    opened, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(FakeClock(), queue_rows=50, patience_s=0.1) as stores:
        await stores.calls.add_durably(row(id="before"))
        with full_disk(200_000):
            for _ in range(100):
                stores.calls.add(row(id="more", note="x" * 20_000))
            with pytest.raises(StoreError):
                await stores.calls.add_durably(row(id="waiting"))
            for _ in range(200):
                stores.calls.add(row(id="during", note="x" * 20_000))
            assert stores.calls.lost >= 100
            await eventually(lambda: "rows lost" in caplog.text)
        await stores.calls.add_durably(row(id="after"))
    found = [found["id"] for found in kept(data)]
    assert found[0] == "before"
    assert "after" in found


def test_after_a_kill_the_file_is_whole_and_every_durable_row_is_there(program, data: Path) -> None:
    worker = program("""
        async def load(number):
            count = 0
            while True:
                count += 1
                row = {"at": time.time(), "id": f"{number}-{count}", "note": "x" * 200}
                for _ in range(20):
                    stores.calls.add({"at": time.time(), "id": "plain"})
                await stores.calls.add_durably(row)
                print(row["id"], flush=True)
        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(load, number)
    """)
    promised = [worker.stdout.readline().strip() for _ in range(100)]
    worker.send_signal(signal.SIGKILL)
    promised += [line.strip() for line in worker.stdout if line.endswith("\n")]
    worker.wait(10)
    worker.stdout.close()
    connection = sqlite3.connect(next(data.glob("calls-*.db")))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = {found for (found,) in connection.execute("SELECT id FROM calls WHERE id != 'plain'")}
    connection.close()
    assert set(promised) <= found


def test_two_processes_write_one_log_and_lose_nothing(program, data: Path) -> None:
    body = """
        for number in range(3000):
            stores.calls.add({"at": time.time(), "id": f"{sys.argv[2]}-{number}"})
            if number % 50 == 0:
                await trio.sleep(0.001)
    """
    workers = [program(body, name) for name in ("a", "b")]
    assert [worker.wait(30) for worker in workers] == [0, 0]
    for worker in workers:
        worker.stdout.close()
    assert len(kept(data)) == 6000


async def test_a_tail_gives_each_row_once_and_goes_on_into_the_next_day(opened, data: Path) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        await stores.calls.add_durably(row(id="old"))
        tail = Tail(data, Filter(equal={"route": "orders"}))
        assert tail.next() == []
        await stores.calls.add_durably(row(id="one"))
        await stores.calls.add_durably(row(id="elsewhere", route="chat"))
        assert [found["id"] for found in tail.next()] == ["one"]
        clock.at += DAY
        await stores.calls.add_durably(row(id="two", at=clock.at))
        assert [found["id"] for found in tail.next()] == ["two"]
        assert tail.next() == []


async def test_adding_costs_one_wake_up_a_batch(opened) -> None:
    async with opened(FakeClock()) as stores:
        lane, wakes = stores.calls._lane, []
        real, lane._wake = lane._wake, lambda: (wakes.append(1), real())
        for _ in range(500):
            stores.calls.add(row())
        assert len(wakes) <= 2
        assert repr(stores.calls).endswith("waiting, 0 lost]>")
