"""The ledger on disk under real processes that are killed, and what is found out about them."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.plugins.sqlite.conftest import FakeClock, Place, eventually, row

from headgate.api import Account, Distrust, Money
from headgate_sqlite.positions import FOLDER, Positions, corpse_of
from headgate_sqlite.reading import booked

CENT = 10_000_000

# One worker under load, as `budget` puts it on the ledger. What the model bills is written to a file at once: the kernel
# keeps that when the process is killed.
LOAD = """
    import os, random
    from headgate.api import Bound, ClientFault, Money, Site, Usage
    from headgate_quota.accounts import STATE, Accounts
    from headgate_quota.budget import BudgetMeter, Line
    chance = random.Random(sys.argv[2])
    accounts = node.state[STATE] = Accounts(node)
    line = Line(Site("r", "budget", 0, "a.policy", 1), "total", None)
    bills = os.open(pathlib.Path(sys.argv[1]) / "bills", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Call:
        def __init__(self):
            self.node, self.log, self.whole = node, None, self

    async def calls():
        while True:
            call, bound = Call(), chance.randint(1, 40) * 1_000_000
            meter, asked = BudgetMeter(call, line, Money({limit}), None, None, None), Bound("m", None, Money(bound))
            try:
                hold = meter.reserve_now(asked) or await meter.reserve(asked)
            except ClientFault:
                await trio.sleep(0.01)
                continue
            cost = chance.randint(0, bound)
            for part in (1, 2, 3, 4):
                await trio.sleep(chance.uniform(0.0, 0.004))
                os.write(bills, b"%d\\n" % (cost * part // 4 - cost * (part - 1) // 4))
            hold.settle(Usage(cost=Money(cost)))
            stores.calls.add({{"at": time.time(), "id": "c", "worker": node.worker, "spent": call.log["spent"]}})

    async with trio.open_nursery() as nursery:
        accounts.nursery = nursery
        nursery.start_soon(accounts.tend)
        for _ in range(8):
            nursery.start_soon(calls)
        print("running", flush=True)
"""


def billed(data: Path) -> int:
    return sum(int(line) for line in (data / "bills").read_text().split())


def on_disk(data: Path) -> tuple[int, int, int, int]:
    """Limit, settled, leased and overrun of the one account, as a stranger reads them."""
    connection = sqlite3.connect(data / "state.db")
    limit, settled, overrun = connection.execute("SELECT amount, settled, overrun FROM accounts").fetchone()
    leased = connection.execute("SELECT coalesce(sum(leased), 0) FROM shares").fetchone()[0]
    connection.close()
    return limit, settled, leased, overrun


def load(program: Callable[..., subprocess.Popen[str]], data: Path, limit: int, workers: int) -> None:
    """So many processes under load, killed while they run."""
    running = [program(LOAD.format(limit=limit), f"w{number}") for number in range(workers)]
    try:
        for worker in running:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "running\n"
        for turn, worker in enumerate(running):
            time.sleep(0.15 + 0.05 * turn)
            limit, settled, leased, overrun = on_disk(data)
            assert settled + leased <= limit + overrun
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
    finally:
        for worker in running:
            worker.kill()
            worker.wait(10)
            worker.stdout.close()  # type: ignore[union-attr]


@pytest.mark.parametrize("limit", [2_000_000 * CENT, 150 * CENT])
async def test_after_a_kill_the_ledger_has_what_was_billed_and_at_most_the_slices_beside_it(
    program: Any, opened: Any, data: Path, limit: int
) -> None:
    data.mkdir()
    await trio.to_thread.run_sync(load, program, data, limit, 3)
    limit, settled, leased, overrun = on_disk(data)
    assert settled + leased <= limit + overrun
    assert leased > 0
    count = billed(data)
    async with opened() as stores:
        buried = await stores.ledger.bury()
        # Of a limit that is nearly used up a worker may have given all of its share back.
        assert len(buried) >= (3 if limit > 1000 * CENT else 1)
        [state] = await stores.ledger.statements()
        assert state.holds
        assert count <= state.settled + state.presumed <= count + leased
        assert state.leased == 0
        # What was open at the kill is all that nobody can know: 24 calls of 0.04 at most.
        assert state.presumed <= 24 * 4 * CENT
        assert await stores.ledger.bury() == []
    assert not [file for file in (data / FOLDER).iterdir() if not file.name.startswith(".")]


async def test_after_a_power_cut_the_call_log_says_what_was_spent_and_the_rest_stays_presumed(
    program: Any, opened: Any, data: Path
) -> None:
    data.mkdir()
    await trio.to_thread.run_sync(load, program, data, 2_000_000 * CENT, 2)
    for file in (data / FOLDER).iterdir():
        file.unlink()
    _, settled, leased, _ = on_disk(data)
    count = billed(data)
    async with opened() as stores:
        await stores.ledger.bury()
        [state] = await stores.ledger.statements()
        assert state.holds
        assert state.settled + state.presumed == settled + leased
        assert count <= state.settled + state.presumed <= count + leased
        assert settled < state.settled <= count, "the rows of the log are settled"


async def test_another_process_that_closes_its_connection_leaves_the_log_of_our_writes(opened: Any, data: Path) -> None:
    """Two lanes have `state.db` open: the second, by opening, may not drop the locks of the first."""
    async with opened() as stores:
        await stores.identity.create_key(team="a", name="first")
        look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM keys').fetchall(); c.close()"
        for _ in range(2):
            await trio.run_process([sys.executable, "-c", look, str(data / "state.db")])
            assert (data / "state.db-wal").exists(), "it is ours, and in use"
        slice = stores.ledger.slice(Account("a", 0, Money(100)), "w")
        await stores.ledger.draw(slice, 10, 10)
        assert on_disk(data) == (100, 0, 10, 0)


async def test_a_living_worker_is_not_buried_and_a_dead_one_once(opened: Any, data: Path) -> None:
    async with opened() as one, opened() as two:
        slice = one.ledger.slice(Account("a", 0, Money(1000)), "w0")
        await one.ledger.draw(slice, 500, 500)
        assert await two.ledger.bury() == []
        assert slice.reserve(200)
        state = (await two.ledger.statements())[0]
        assert (state.leased, state.presumed) == (500, 0)
        await one.ledger.close(slice)
        assert (await two.ledger.statements())[0].presumed == 200, "its call was not over"


def test_the_dead_are_known_by_their_lock_and_what_they_left_is_read_once(tmp_path: Path) -> None:
    positions = Positions(tmp_path, "w")
    cells, at, slot = positions.take()
    cells[at], cells[at + 1], cells[at + 2] = 7, 1, 5
    with corpse_of(tmp_path, positions.process) as corpse:
        assert corpse is None, "it lives"
    positions.close(settled=False)
    with corpse_of(tmp_path, positions.process) as corpse:
        assert corpse is not None
        assert corpse.standing(slot) == (7, 1, 5, 0)
        assert corpse.standing(-1) is None
        with corpse_of(tmp_path, positions.process) as other:
            assert other is None, "another process is at it"
    with corpse_of(tmp_path, positions.process) as corpse:
        assert corpse is not None
        assert corpse.standing(slot) is None, "it is buried"


def test_a_file_of_another_boot_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    positions = Positions(tmp_path, "w")
    _, _, slot = positions.take()
    positions.close(settled=False)
    monkeypatch.setattr("headgate_sqlite.positions.boot", lambda: 5)
    with corpse_of(tmp_path, positions.process) as corpse:
        assert corpse is not None
        assert corpse.standing(slot) is None


def test_slots_are_used_again_and_who_finds_none_has_cells_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_sqlite.positions.SLOTS", 2)
    positions = Positions(tmp_path, "w")
    cells, at, slot = positions.take()
    cells[at] = 9
    assert [positions.take()[2], positions.take()[2]] == [1, -1]
    positions.give_back(slot)
    cells, at, again = positions.take()
    assert (again, cells[at]) == (slot, 0)
    assert repr(positions).endswith("[2 slots]>")
    positions.close(settled=True)
    assert list((tmp_path / FOLDER).iterdir()) == []


async def test_a_model_is_kept_out_everywhere_within_a_second_and_after_a_restart(opened: Any) -> None:
    found = Distrust("openai/gpt", 5.0, "A", Money(1), Money(2))
    async with opened() as one, opened() as two:
        one.ledger.distrust(found)
        await eventually(lambda: two.ledger.distrusted("openai/gpt") == found)
    async with opened() as one, opened() as two:
        assert one.ledger.distrusted("openai/gpt") == found
        assert await two.ledger.trust("openai/gpt")
        await eventually(lambda: one.ledger.distrusted("openai/gpt") is None)


async def test_accounts_of_long_ago_are_removed(opened: Any) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        for start in (1, int(clock.at), 0):
            slice = stores.ledger.slice(Account("a", start, Money(100), "month"), "w")
            await stores.ledger.draw(slice, 10, 10)
            await stores.ledger.close(slice)
        await stores.ledger.bury()
        assert [one.account.start for one in await stores.ledger.statements()] == [0, int(clock.at)]


async def test_a_locked_file_gives_no_money(opened: Any, data: Path) -> None:
    async with opened(patience_s=0.2) as stores:
        slice = stores.ledger.slice(Account("a", 0, Money(100)), "w")
        other = sqlite3.connect(data / "state.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match=r"state.db is locked"):
            await stores.ledger.draw(slice, 10, 10)
        other.execute("COMMIT")
        other.close()
        assert slice.free == 0
        assert (await stores.ledger.draw(slice, 100, 100)).granted == 100, "nothing was given behind our back"


async def test_rows_of_other_slices_and_without_money_are_not_counted(opened: Any, data: Path) -> None:
    async with opened() as stores:
        ours = stores.ledger.slice(Account("a", 0, Money(1000)), "w").holder
        for spent in ([["a", 0, 30, ours], ["b", 0, 500, "x"]], [["a", 0, 4, ours]]):
            await stores.calls.add_durably(row(spent=spent, id=ours))
        await stores.calls.add_durably(row(note=ours))
    assert booked(data, 0.0, ours) == 34
    assert booked(data, 1e12, ours) == 0


def test_the_verb_lists_accounts_and_lets_a_person_trust_a_model(run: Any, data: Path) -> None:
    assert "No account was opened yet" in run("budgets", "list").stderr
    assert "No model is kept" in run("budgets", "models").stderr

    async def fill(node: Any) -> None:
        ledger = node.stores.ledger
        for account in (
            Account("r/budget/total|null", 0, Money(5 * CENT), "total", "r/budget"),
            Account("old", 86_400, Money(CENT), "day", "old"),
        ):
            slice = ledger.slice(account, node.worker)
            await ledger.draw(slice, 4 * CENT if not account.start else CENT, 0)
            slice.reserve(CENT)
            slice.settle(CENT, CENT)
            await ledger.close(slice)
        ledger.distrust(Distrust("openai/gpt", 1_767_225_600.0, "r/budget", Money(CENT), Money(2 * CENT)))
        await ledger.list_distrusted()

    Place(data).run(fill)
    listed = run("budgets", "list")
    assert listed.stdout.splitlines()[1].split() == ["r/budget", "total", "$0.05", "$0.01", "$0.00", "$0.00", "$0.00"]
    assert "old" not in listed.stdout
    assert "day of 1970-01-02" in run("budgets", "list", "--all").stdout
    [found] = [json.loads(line) for line in run("budgets", "list", "--json").stdout.splitlines()]
    assert (found["settled"], found["name"]) == (CENT, "r/budget/total|null")
    assert (
        "openai/gpt  2026-01-01 00:00:00 UTC  billed $0.02 where its bound was $0.01" in run("budgets", "models").stdout
    )
    assert json.loads(run("budgets", "models", "--json").stdout)["billed"] == 2 * CENT
    assert "let into budgets again" in run("budgets", "trust", "openai/gpt").stderr
    again = run("budgets", "trust", "openai/gpt")
    assert again.exit_code == 1
    assert "is not kept from budgets" in again.output
