"""SIGKILL at any moment, under load: of a worker, of the master, of all of a node at once.

`log.call durable=true` promises that every answer that a client received whole has its row. Clients ask as fast as they are
answered; the ids of what they received whole are compared with the rows. Rows that are not durable are on the disk half a
second later at most. What limits and budgets promise through a kill is
shown by test_quota_killed_nodes and test_exact_live.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fault_client import answers, connected, read, rows, until_normal
from live_crew import children, status, until, workers
from live_node import LiveNode, live_node

POLICY = """policy 1
upstream echo { url = "echo:" }
route said GET /said public {
    log.call durable=true
    respond 200 text="said"
}
route passed POST /passed public {
    log.call durable=true
    forward echo
}
route plain GET /plain public {
    respond 200 text="plain"
}
"""
ASKS = {
    "/said": b"GET /said HTTP/1.1\r\nhost: a\r\n\r\n",
    "/passed": b"POST /passed HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000,
    "/plain": b"GET /plain HTTP/1.1\r\nhost: a\r\n\r\n",
}
CLIENTS = 8


class Load:
    """Clients on connections that are kept; `whole` are the ids of all answers that they received whole, by path, and when."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.whole: dict[str, dict[str, float]] = {path: {} for path in paths}
        self.cut = 0
        self._before = 0
        self._stop = threading.Event()

    @contextmanager
    def on(self, node: LiveNode) -> Iterator[Load]:
        self._stop.clear()
        threads = [threading.Thread(target=self._run, args=(node, number)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(20)

    def _run(self, node: LiveNode, number: int) -> None:
        while not self._stop.is_set():
            try:
                with connected(node, 5.0) as sock:
                    while not self._stop.is_set():
                        for path in self.paths:
                            self._ask(sock, path)
            except OSError:
                self.cut += 1
                time.sleep(0.01)

    def _ask(self, sock: object, path: str) -> None:
        sock.sendall(ASKS[path])  # type: ignore[attr-defined]
        data = b""
        while not (got := read(data)).whole:
            piece = sock.recv(65536)  # type: ignore[attr-defined]
            if not piece:
                raise ConnectionResetError
            data += piece
        assert got.status == 200, got
        self.whole[path][got.id] = time.monotonic()

    @property
    def many(self) -> int:
        return self._before + sum(map(len, self.whole.values()))

    def forget(self) -> None:
        """Their rows were found; what comes is of another kill."""
        self._before = self.many
        self.whole = {path: {} for path in self.paths}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "kill.policy"
    file.write_text(POLICY, encoding="utf-8")
    return file


def logged(node: LiveNode) -> set[str]:
    return {row["id"] for row in rows(node)}


def missing(node: LiveNode, load: Load, killed_at: float) -> set[str]:
    """Whose row is missing: of the durable, of all; of the others, of those that were answered half a second before."""
    wanted = {
        one for path, some in load.whole.items() for one, at in some.items() if path != "/plain" or at < killed_at - 0.5
    }
    return wanted - logged(node)


def all_of(node: LiveNode) -> list[int]:
    """The master, its workers and its builder."""
    return [node.process.pid, *children(node.process.pid)]


def kill_all(node: LiveNode) -> None:
    pids = all_of(node)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    node.process.wait(10)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def sound(node: LiveNode) -> bool:
    """Whether SQLite finds its files whole."""
    found = []
    for file in node.data.glob("*.db"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as reading:
            found.append(reading.execute("PRAGMA integrity_check").fetchone()[0])
    return set(found) == {"ok"}


def rounds(policy: Path, tmp: Path, *, kills: int, seed: int) -> tuple[Load, float]:
    """So many times: start, load, kill. Each start looks at what the kill before it has left. Gives the slowest start."""
    chance, load, killed_at, slowest = random.Random(seed), Load(*ASKS), 0.0, 0.0
    for kill in range(kills + 1):
        with live_node(policy, tmp, "--workers", "2", "--no-access-log") as node:
            if kill:
                until_normal(answers(node, "/said"))
                slowest = max(slowest, time.monotonic() - killed_at)
                assert missing(node, load, killed_at) == set()
                assert sound(node)
                load.forget()
            if kill < kills:
                with load.on(node):
                    enough = load.many + 50
                    until(lambda enough=enough: load.many > enough)
                    time.sleep(chance.uniform(0.4, 0.8))
                    killed_at = time.monotonic()
                    kill_all(node)
    assert load.cut, "no kill met a call"
    return load, slowest


def test_a_whole_answer_has_its_durable_row_whenever_the_node_is_killed(
    policy: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    load, slowest = rounds(policy, tmp_path, kills=3, seed=1)
    print(f"{load.many} whole answers over 3 kills, every one with its row")
    measured(slowest)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_a_whole_answer_has_its_durable_row_over_many_kills(policy: Path, tmp_path: Path, seed: int) -> None:
    load, _ = rounds(policy, tmp_path, kills=25, seed=seed)
    print(f"{load.many} whole answers over 25 kills, every one with its row")


def test_killed_workers_lose_their_connections_and_no_durable_row(
    policy: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    load, chance = Load("/said", "/passed"), random.Random(1)
    with live_node(policy, tmp_path, "--workers", "2", "--no-access-log") as node:
        until(lambda: len(workers(node)) == 2)
        with load.on(node):
            slowest = 0.0
            for kill in range(1, 4):
                time.sleep(chance.uniform(0.1, 0.3))
                os.kill(workers(node)[0]["pid"], signal.SIGKILL)
                began = time.monotonic()
                until(lambda kill=kill: status(node)["restarts"] == kill and len(workers(node)) == 2)
                slowest = max(slowest, time.monotonic() - began)
        assert load.cut, "no kill met a call"
        assert missing(node, load, time.monotonic()) == set()
        measured(slowest)


def test_a_killed_master_s_workers_finish_what_runs_and_log_it(policy: Path, tmp_path: Path) -> None:
    load = Load("/said", "/plain")
    with live_node(policy, tmp_path, "--workers", "2", "--no-access-log") as node, load.on(node):
        until(lambda: load.many > 50)
        pids = children(node.process.pid)
        node.process.kill()
        node.process.wait(10)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        assert missing(node, load, time.monotonic() + 1) == set(), (
            "workers that end by themselves write what is queued, durable or not"
        )
