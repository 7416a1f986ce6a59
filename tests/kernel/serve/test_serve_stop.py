"""How a live node ends: what runs may finish, within bounds."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_crew import until, workers
from live_node import LiveNode, live_node

from headgate.host.stops import BURST_S


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """An upstream that the test itself plays."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


@pytest.fixture
def policies(tmp_path: Path, silent: socket.socket) -> Path:
    file = tmp_path / "some.policy"
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    file.write_text(f'policy 1\n\nupstream u {{\n    url = "{url}"\n}}\n\nroute r GET / public {{\n    forward u\n}}\n')
    return file


def ask(node: LiveNode) -> socket.socket:
    client = socket.create_connection(address(node), timeout=10)
    client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    return client


def address(node: LiveNode) -> tuple[str, int]:
    return "127.0.0.1", int(node.url.rpartition(":")[2])


def refused(node: LiveNode) -> bool:
    try:
        socket.create_connection(address(node), timeout=1).close()
    except OSError:
        return True
    return False


def drain(node: LiveNode) -> None:
    node.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 15
    while not refused(node):
        assert time.monotonic() < deadline, "it goes on accepting"


def tell_again(node: LiveNode, number: signal.Signals) -> None:
    """Once more, when a SIGTERM is no longer of the same burst as the one that was heard before."""
    heard = time.monotonic()
    if number == signal.SIGTERM:
        until(lambda: time.monotonic() > heard + BURST_S)
    node.process.send_signal(number)


@contextmanager
def running_call(
    policies: Path, folder: Path, silent: socket.socket
) -> Iterator[tuple[LiveNode, socket.socket, socket.socket]]:
    """A node that drains for a moment only, with a call that its upstream has taken: node, client, upstream."""
    with live_node(policies, folder, env={"HEADGATE_DRAIN_S": "0.3"}) as node:
        client = ask(node)
        upstream, _ = silent.accept()
        upstream.recv(1000)
        with client, upstream:
            yield node, client, upstream


def outcomes(node: LiveNode) -> list[tuple[str, int]]:
    (log,) = node.data.glob("calls-*.db")
    return sqlite3.connect(f"file:{log}?mode=ro", uri=True).execute("SELECT outcome, status FROM calls").fetchall()


def test_what_runs_is_finished_and_nothing_new_is_taken(policies: Path, tmp_path: Path, silent: socket.socket) -> None:
    with live_node(policies, tmp_path) as node:
        idle = socket.create_connection(address(node), timeout=10)
        client = ask(node)
        upstream, _ = silent.accept()
        upstream.recv(1000)
        drain(node)
        assert idle.recv(10) == b""
        assert node.process.poll() is None
        upstream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        answer = b"".join(iter(lambda: client.recv(1000), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer
        assert answer.endswith(b"\r\n\r\nok")
        for one in (idle, client, upstream):
            one.close()
        assert node.process.wait(5) == 0
        assert outcomes(node) == [("ok", 200)]


@pytest.mark.parametrize("count", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts_what_runs_which_is_told_and_has_its_row(
    policies: Path, tmp_path: Path, silent: socket.socket, number: signal.Signals, count: str
) -> None:
    with live_node(policies, tmp_path, "--workers", count) as node:
        waiting = ask(node)
        upstream, _ = silent.accept()
        begun = ask(node)
        second, _ = silent.accept()
        for one in (upstream, second):
            one.recv(1000)
        second.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
        drain(node)
        tell_again(node, number)
        assert node.process.wait(15) == 1, "half of `drain_s`"
        assert "Traceback" not in node.printed
        answers = [b"".join(iter(lambda one=one: one.recv(1000), b"")) for one in (waiting, begun)]
        assert sorted(answer[:12] for answer in answers) == [b"HTTP/1.1 200", b"HTTP/1.1 503"]
        assert sorted(outcomes(node)) == [("cut", 200), ("failed", 503)]
        for one in (waiting, begun, upstream, second):
            one.close()


def test_sigterms_in_a_burst_are_one(policies: Path, tmp_path: Path, silent: socket.socket) -> None:
    with live_node(policies, tmp_path, "--workers", "2") as node:
        client = ask(node)
        upstream, _ = silent.accept()
        upstream.recv(1000)
        for _ in range(20):
            node.process.send_signal(signal.SIGTERM)
        until(lambda: refused(node))
        upstream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        assert b"".join(iter(lambda: client.recv(1000), b"")).endswith(b"\r\n\r\nok")
        assert node.process.wait(15) == 0
        assert outcomes(node) == [("ok", 200)]
        for one in (client, upstream):
            one.close()


def told_twice_while_its_worker_hangs(node: LiveNode) -> int:
    """Stop the node's one worker in its tracks, tell the node to drain and to cut; the worker's pid."""
    (hung,) = [worker["pid"] for worker in workers(node)]
    os.kill(hung, signal.SIGSTOP)
    for number, said in ((signal.SIGTERM, "draining: "), (signal.SIGINT, "told to stop once more")):
        node.process.send_signal(number)
        node.wait_for(said)
    return int(hung)


def test_a_third_signal_waits_for_no_worker(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--workers", "1") as node:
        hung = told_twice_while_its_worker_hangs(node)
        node.process.send_signal(signal.SIGINT)
        assert node.process.wait(15) == 1
        assert not re.search("INFO stopped", node.printed), "it has waited for the worker, until that was killed"
        assert not Path(f"/proc/{hung}").exists()


def test_a_worker_that_cannot_cut_what_runs_is_killed(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--workers", "1") as node:
        hung = told_twice_while_its_worker_hangs(node)
        node.wait_for("INFO stopped")
        assert node.process.wait(15) == 1
        assert not Path(f"/proc/{hung}").exists()


def test_what_does_not_end_by_itself_is_cut_at_the_deadline(
    policies: Path, tmp_path: Path, silent: socket.socket
) -> None:
    with running_call(policies, tmp_path, silent) as (node, client, upstream):
        cut = threading.Thread(target=lambda: upstream.recv(1000))
        cut.start()
        began = time.monotonic()
        assert node.stop() == 0
        assert 0.2 < time.monotonic() - began < 10, "`drain_s` is 0.3, and without it 30"
        cut.join(5)
        assert not cut.is_alive(), "the upstream was left waiting"
        answer = b"".join(iter(lambda: client.recv(1000), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in answer
        assert outcomes(node) == [("failed", 503)]
        assert "what runs is cut off (connections: 1)" in node.printed


def test_an_answer_that_has_begun_is_cut_at_the_deadline_and_its_row_says_so(
    policies: Path, tmp_path: Path, silent: socket.socket
) -> None:
    with running_call(policies, tmp_path, silent) as (node, client, upstream):
        upstream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert node.stop() == 0
        assert b"HTTP" not in b"".join(iter(lambda: client.recv(1000), b""))
        assert outcomes(node) == [("cut", 200)]


def test_a_node_that_nobody_uses_ends_at_once(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path) as node:
        began = time.monotonic()
        assert node.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 10, "a third of `drain_s`"
