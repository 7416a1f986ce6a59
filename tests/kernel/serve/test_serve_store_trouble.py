"""A node whose databases are in trouble: requests go on, what is lost is counted and said, and keys stay right."""

from __future__ import annotations

import resource
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from live_node import LiveNode, live_node

POLICY = """policy 1

route open GET /open public {
    respond 200 text="ok"
}

route mine GET /mine {
    auth.key as key
    limit.rate 100000/min by=key.id
    respond 200 text=key.team
}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "some.policy"
    file.write_text(POLICY, encoding="utf-8")
    return file


def get(node: LiveNode, path: str) -> str:
    asked = urllib.request.Request(node.url + path, headers={"authorization": f"Bearer {node.key}"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return answer.read().decode()


def calls_file(node: LiveNode) -> Path:
    (found,) = node.data.glob("calls-*.db")
    return found


def rows(node: LiveNode) -> int:
    with closing(sqlite3.connect(f"file:{calls_file(node)}?mode=ro", uri=True)) as reading:
        return reading.execute("SELECT count(*) FROM calls").fetchone()[0]


def until_rows(node: LiveNode, many: int) -> None:
    deadline = time.monotonic() + 5
    while rows(node) < many:
        assert time.monotonic() < deadline, f"{rows(node)} rows of {many}"
        time.sleep(0.02)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process's long write, as a migration or a careless shell would hold it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        yield
        holding.execute("ROLLBACK")


def test_a_locked_call_log_keeps_nobody_waiting_and_loses_nothing_that_fits(policy: Path, tmp_path: Path) -> None:
    with live_node(policy, tmp_path) as node:
        get(node, "/open")
        until_rows(node, 1)
        with locked(calls_file(node)):
            began = time.monotonic()
            for _ in range(50):
                assert get(node, "/mine") == "demo"
            assert time.monotonic() - began < 2
        until_rows(node, 51)
        assert "lost" not in node.printed


def test_what_does_not_fit_is_counted_and_said_and_so_is_the_end_of_it(policy: Path, tmp_path: Path) -> None:
    with live_node(policy, tmp_path, "--workers", "1", env={"HEADGATE_SQLITE__QUEUE_ROWS": "10"}) as node:
        get(node, "/open")
        until_rows(node, 1)
        with locked(calls_file(node)):
            for _ in range(40):
                assert get(node, "/open") == "ok"
            said = node.wait_for(r"ERROR .*the call log cannot be written: (\d+) rows lost since the start \(.*\)")
        ended = node.wait_for(r"WARNING .*the call log is written again; (\d+) rows were lost since the start")
        lost = int(ended[1])
        assert 1 <= int(said[1]) <= lost
        assert lost == 30
        get(node, "/open")
        until_rows(node, 1 + 40 - lost + 1)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_stops_no_request_and_is_said(policy: Path, tmp_path: Path) -> None:
    with live_node(
        policy, tmp_path, "--workers", "0", "--no-access-log", env={"HEADGATE_SQLITE__QUEUE_ROWS": "100"}
    ) as node:
        get(node, "/mine")
        until_rows(node, 1)
        _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (2048, hard))  # less than a page
        for _ in range(300):
            assert get(node, "/open") == "ok"
        node.wait_for(r"ERROR .*the call log cannot be written: \d+ rows lost since the start")
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        ended = node.wait_for(r"WARNING .*the call log is written again; (\d+) rows were lost since the start")
        until_rows(node, 301 - int(ended[1]))


def test_a_locked_state_keeps_keys_valid_and_limits_counting(policy: Path, tmp_path: Path) -> None:
    with live_node(policy, tmp_path) as node:
        assert get(node, "/mine") == "demo"
        with locked(node.data / "state.db"):
            began = time.monotonic()
            assert get(node, "/open") == "ok"
            assert get(node, "/mine") == "demo"
            assert time.monotonic() - began < 1
        assert get(node, "/mine") == "demo"
