"""Places that processes share: never more than there are, free when their holder dies, and a line before them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from headgate.api import StoreError
from headgate_quota.places import Places, bucket_of, shared_places
from headgate_quota.shared_gates import SharedGate

HOLD = """
import pathlib, sys
from headgate_quota.places import Places, bucket_of
places, mine = Places(pathlib.Path(sys.argv[1])), set()
for _ in range(int(sys.argv[2])):
    mine.add(places.take(bucket_of("a"), 100, mine))
print(sorted(mine), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = shared_places(tmp_path)
    if found is None:
        pytest.skip("this system has no OFD locks: workers count for themselves here, as the plugin's page says")
    return found


def holder(tmp_path: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "places"), str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert len(eval(process.stdout.readline())) == count  # noqa: S307 - a list of ours
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_what_another_process_holds_is_not_given_and_is_free_when_it_is_killed(places: Places, tmp_path: Path) -> None:
    other = holder(tmp_path, 3)
    mine: set[int] = set()
    bucket = bucket_of("a")
    for _ in range(2):
        place = places.take(bucket, 5, mine)
        assert place is not None
        mine.add(place)
    assert mine == {3, 4}
    assert places.take(bucket, 5, mine) is None
    assert places.take(bucket_of("b"), 5, set()) == 0, "another bucket has places of its own"
    end(other)
    assert places.take(bucket, 5, mine) == 0
    places.close()


def test_many_processes_never_hold_more_than_there_are(places: Places, tmp_path: Path) -> None:
    others = [holder(tmp_path, 30) for _ in range(3)]
    mine: set[int] = set()
    while (place := places.take(bucket_of("a"), 100, mine)) is not None:
        mine.add(place)
    assert len(mine) == 10
    for other in others:
        end(other)
    places.close()


def test_places_that_others_hold_in_any_order_are_passed_by(places: Places, tmp_path: Path) -> None:
    """The system names not the first lock in the way, but one of the process that it thinks of first."""
    bucket, others = bucket_of("a"), [Places(tmp_path / "places") for _ in range(4)]
    mine: list[set[int]] = [set() for _ in others]
    for place in (5, 0, 3, 1, 4, 2):
        who = place % 4
        got = others[who].take(bucket, place + 1, {*range(place), *mine[who]})
        assert got == place
        mine[who].add(place)
    assert places.take(bucket, 6, set()) is None
    assert places.take(bucket, 7, set()) == 6
    others[1].give_back(bucket, 5)
    assert places.take(bucket, 7, {6}) == 5
    for one in (places, *others):
        one.close()


async def test_who_waits_gets_the_place_that_another_process_leaves(places: Places, tmp_path: Path) -> None:
    other = holder(tmp_path, 1)
    gate = SharedGate(places, bucket_of("a"))
    assert not gate.enter(1)
    entered: list[bool] = []

    async def wait() -> None:
        entered.append(await gate.wait(20.0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not entered
        await trio.to_thread.run_sync(end, other)
    assert entered == [True]
    assert gate.active == 1
    gate.leave()
    assert gate.active == 0
    places.close()


async def test_a_place_is_handed_on_here_unless_somebody_waits_elsewhere(tmp_path: Path, places: Places) -> None:
    elsewhere = Places(
        tmp_path / "places"
    )  # a lock belongs to an opening of the file, so this is another process to it
    here, there = SharedGate(places, bucket_of("a")), SharedGate(elsewhere, bucket_of("a"))
    assert here.enter(1)
    assert not there.enter(1)
    done: list[str] = []

    async def wait(gate: SharedGate, name: str) -> None:
        if await gate.wait(20.0):
            done.append(name)
            await trio.sleep(0.01)
            gate.leave()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, here, "here")
        await trio.testing.wait_all_tasks_blocked()
        assert not places.others_wait(bucket_of("a"))
        assert elsewhere.others_wait(bucket_of("a"))
        nursery.start_soon(wait, there, "there")
        await trio.testing.wait_all_tasks_blocked()
        assert places.others_wait(bucket_of("a"))
        here.leave()
    assert sorted(done) == ["here", "there"]
    assert (here.active, there.active, len(here.line), len(there.line)) == (0, 0, 0, 0)
    assert not places.others_wait(bucket_of("a"))
    for one in (places, elsewhere):
        one.close()


async def test_whoever_is_cancelled_in_line_leaves_no_trace(places: Places) -> None:
    gate = SharedGate(places, bucket_of("a"))
    assert gate.enter(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.wait, 60.0)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        gate.leave()
    assert (gate.active, len(gate.line)) == (0, 0)
    assert gate.enter(1)
    assert not await gate.wait(0.02)
    gate.leave()
    places.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made or opened"):
        Places(tmp_path / "file" / "places")
