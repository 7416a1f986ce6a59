"""Databases that another process locks, and a disk that is full, under a real node."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fault_client import Got, answers, ask, row, rows, until_normal
from live_crew import verb
from live_node import LiveNode, live_node

POLICY = """policy 1
route open GET /open public {
    respond 200 text="open"
}
route durable GET /durable public {
    log.call durable=true
    respond 200 text="durable"
}
route keyed GET /keyed {
    auth.key as key
    respond 200 text=key.team
}
route limited GET /limited public {
    limit.rate 5/min by=client.ip
    respond 200 text="limited"
}
route lenient GET /lenient public {
    limit.rate 5/min by=client.ip fail=open
    respond 200 text="lenient"
}
"""
ENV = {"HEADGATE_SQLITE__PATIENCE_S": "0.5", "HEADGATE_SQLITE__STALE_S": "3"}


def policy_in(folder: Path) -> Path:
    file = folder / "stores.policy"
    file.write_text(POLICY, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    tmp = tmp_path_factory.mktemp("stores")
    with live_node(policy_in(tmp), tmp, "--workers", "2", env=ENV) as node:
        row(node, ask(node, "/open"))
        yield node
        assert node.process.poll() is None, node.printed


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process's long write."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        yield
        holding.execute("ROLLBACK")


def calls_file(node: LiveNode) -> Path:
    return max(node.data.glob("calls-*.db"))


def keyed(node: LiveNode, key: str | None = None) -> Got:
    return ask(node, "/keyed", headers={"authorization": f"Bearer {key or node.key}"})


def test_a_call_log_that_is_locked_for_seconds_delays_its_rows_and_nothing_else(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    with locked(calls_file(node)):
        got = [ask(node, "/open") for _ in range(20)]
        assert max(one.took_s for one in got) < 1
        time.sleep(1.0)
    measured(until_normal(lambda: {one.id for one in got} <= {found["id"] for found in rows(node)}))
    assert "rows lost" not in node.printed


def test_a_durable_answer_whose_row_cannot_be_written_is_an_error_and_is_never_whole(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    with locked(calls_file(node)):
        got = ask(node, "/durable")
        assert got.status in (500, 503), "an answer without its row"
        assert got.took_s < 3
    measured(until_normal(answers(node, "/durable")))
    assert row(node, got)["status"] == got.status


def test_a_state_that_is_locked_lets_keys_in_and_makes_no_new_ones(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    with locked(node.data / "state.db"):
        assert keyed(node).status == 200
        made = verb(node, "keys", "create", "--team", "late", "--name", "k")
        assert made.returncode == 1
        assert "is locked" in made.stderr
        assert "hg_" not in made.stdout, "a key that is not on the disk was printed"
    measured(until_normal(lambda: keyed(node).status == 200))
    assert verb(node, "keys", "create", "--team", "soon", "--name", "k").returncode == 0


def test_a_limit_that_cannot_be_counted_refuses_and_never_grants_more(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    assert ask(node, "/limited").status == 200
    with locked(node.data / "leases.db"):
        got = ask(node, "/limited")
        assert (got.status, got.whole) == (503, True)
        assert got.took_s < 2
        assert ask(node, "/lenient").status == 200, "its policy says fail=open"
        assert ask(node, "/open").status == 200
    measured(until_normal(answers(node, "/limited")))
    passed = 2 + sum(ask(node, "/limited").status == 200 for _ in range(8))
    assert passed <= 5


# --- the disk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of four megabytes."""
    folder = tmp_path / "data"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(
            "needs root and CAP_SYS_ADMIN to mount a tmpfs (a full disk without one: test_a_full_disk_stops_no_request_and_is_said)"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (65536, 4096, 512):
            try:
                while out.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return filler


def test_a_full_disk_stops_no_request_but_the_durable_and_is_over_when_there_is_room(
    small_disk: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    env = {**ENV, "HEADGATE_SQLITE__QUEUE_ROWS": "200"}
    with live_node(policy_in(tmp_path), tmp_path, "--workers", "1", env=env) as node:
        row(node, ask(node, "/durable"))
        filler = fill(small_disk)
        served, statuses = 0, set()
        while not (said := "the call log cannot be written" in node.printed) and served < 3000:
            assert ask(node, "/open").status == 200
            served += 1
        assert said, "rows were lost without a word, or the disk was not full"
        assert keyed(node).status == 200, "keys are in memory"
        for _ in range(4):
            statuses.add(ask(node, "/durable").status)
        assert statuses <= {500, 503}, "an answer without its row"
        made = verb(node, "keys", "create", "--team", "late", "--name", "k")
        assert made.returncode == 1
        assert "Traceback" not in made.stderr
        filler.unlink()
        took = until_normal(answers(node, "/durable"))
        lost = int(node.wait_for(r"the call log is written again; (\d+) rows were lost since the start")[1])
        measured(took)
        assert lost
        assert row(node, ask(node, "/open"))
        assert verb(node, "keys", "create", "--team", "late", "--name", "k").returncode == 0
        assert os.path.exists(small_disk / "state.db")


def test_a_node_that_ends_on_a_full_disk_starts_again_when_there_is_room(
    small_disk: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    policy = policy_in(tmp_path)
    with live_node(policy, tmp_path, "--workers", "1", env=ENV) as node:
        got = ask(node, "/durable")
        filler = fill(small_disk)
        for _ in range(50):
            ask(node, "/open")
        node.stop()
    filler.unlink()
    began = time.monotonic()
    with live_node(policy, tmp_path, "--workers", "1", env=ENV) as node:
        until_normal(answers(node, "/durable"))
        measured(time.monotonic() - began)
        assert row(node, got)["status"] == 200
