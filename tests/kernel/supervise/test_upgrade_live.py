"""A node that is replaced by a new one on the same sockets, while it is used."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from live_crew import held_request, status, until, verb
from live_node import LiveNode, live_node

from headgate.supervise import upgrade
from headgate.supervise.control import ask_all
from headgate.supervise.loop import Loop
from headgate.supervise.upgrade import Upgrade

POLICY = """policy 1

upstream echo {
    url = "echo:"
}

route r GET / public {
    respond 200 text="hello"
}

route e POST /echo public {
    forward echo
}
"""


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    file = tmp_path / "a.policy"
    file.write_text(POLICY, encoding="utf-8")
    return file


class Clients:
    """So many clients that ask without a pause, over connections that they keep."""

    def __init__(self, node: LiveNode, count: int) -> None:
        self.stop = threading.Event()
        self.pool = ThreadPoolExecutor(count)
        self.counts = [0] * count
        self._address = node.url.removeprefix("http://")
        self._running = [self.pool.submit(self._ask, number) for number in range(count)]

    def _ask(self, number: int) -> None:
        connection = HTTPConnection(self._address, timeout=20)
        while not self.stop.is_set():
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"hello")
            self.counts[number] += 1
        connection.close()

    def end(self) -> int:
        """How many requests there were. Raises what went wrong with any of them."""
        self.stop.set()
        for one in self._running:
            one.result(30)
        self.pool.shutdown()
        return sum(self.counts)


def test_no_request_fails_while_a_new_node_takes_over(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--workers", "2", "--no-access-log") as node:
        clients = Clients(node, 12)
        done = verb(node, "upgrade")
        assert done.returncode == 0, done.stderr
        successor = int(done.stdout.split()[-1])
        try:
            assert node.process.wait(30) == 0
            (now,) = until(lambda: [one for one in ask_all(node.data, "status") if one["pid"] == successor])
            until(lambda: sum(clients.counts) > 500)
            assert clients.end() > 500
            assert (now["state"], now["addresses"]) == ("serving", [node.url])
            assert "the new node serves" in node.printed
            assert "Traceback" not in node.printed
        finally:
            clients.stop.set()
            os.kill(successor, signal.SIGTERM)
            until(lambda: not ask_all(node.data, "status"))
        assert not list(node.data.glob("control-*"))


def test_a_new_node_that_cannot_serve_leaves_the_old_one(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--workers", "1", "--no-reload") as node:
        policies.write_text("policy 1\n\nroute r GET / public {\n}\n", encoding="utf-8")
        done = verb(node, "upgrade")
        assert done.returncode == 1
        assert "the new node did not start" in done.stderr
        assert "a.policy:3" in node.printed
        assert "this one goes on serving" in node.printed
        connection = HTTPConnection(node.url.removeprefix("http://"), timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        connection.close()
        policies.write_text(POLICY, encoding="utf-8")
        node.process.send_signal(signal.SIGUSR2)
        assert node.process.wait(30) == 0, "an upgrade that failed is none that is under way"
        (now,) = until(lambda: ask_all(node.data, "status"))
        os.kill(now["pid"], signal.SIGTERM)
        until(lambda: not ask_all(node.data, "status"))


def probe(port: int, path: str) -> tuple[int, dict[str, object]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Prober:
    """Asks both probes without a pause, and keeps every answer that is not well."""

    def __init__(self, port: int) -> None:
        self.stop = threading.Event()
        self.bad: list[tuple[int, dict[str, object]]] = []
        self.count = 0
        self._port = port
        self._pool = ThreadPoolExecutor(1)
        self._running = self._pool.submit(self._ask)

    def _ask(self) -> None:
        while not self.stop.is_set():
            for path in ("/-/health", "/-/ready"):
                found = probe(self._port, path)
                self.count += 1
                if found[0] != 200:
                    self.bad.append(found)

    def end(self) -> list[tuple[int, dict[str, object]]]:
        self.stop.set()
        self._running.result(30)
        self._pool.shutdown()
        return self.bad


@contextmanager
def several_nodes(policies: Path, folder: Path, *args: str, **more: Any) -> Iterator[LiveNode]:
    """A node, and at the end none of those that have followed it."""
    with live_node(policies, folder, *args, **more) as node:
        try:
            yield node
        finally:
            for one in ask_all(node.data, "status"):
                os.kill(one["pid"], signal.SIGTERM)
            until(lambda: not ask_all(node.data, "status"))


def test_probes_are_well_all_through_an_upgrade_and_a_node_that_drains_still_answers_them(
    policies: Path, tmp_path: Path
) -> None:
    port = free_port()
    with several_nodes(policies, tmp_path, "--workers", "2", env={"HEADGATE_ADMIN_BIND": f"127.0.0.1:{port}"}) as node:
        held = held_request(node)
        until(lambda: status(node)["active"] == 1)
        prober = Prober(port)
        done = verb(node, "upgrade")
        assert done.returncode == 0, done.stderr
        successor = int(done.stdout.split()[-1])
        so_far = prober.count
        until(lambda: prober.count > so_far + 50)
        assert node.process.poll() is None, "the old one drains meanwhile"
        assert prober.end() == []
        held.send(b"b")
        assert held.getresponse().status == 200
        held.close()
        assert node.process.wait(30) == 0

        held = held_request(node)
        until(lambda: [one for one in ask_all(node.data, "status") if one["active"] == 1])
        os.kill(successor, signal.SIGTERM)
        until(lambda: probe(port, "/-/ready")[1]["state"] == "draining")
        assert probe(port, "/-/ready")[0] == 503
        assert probe(port, "/-/health")[0] == 200
        held.send(b"b")
        assert held.getresponse().status == 200
        held.close()
        until(lambda: not ask_all(node.data, "status"))


@pytest.mark.parametrize("again", [False, True])
def test_a_node_that_was_taken_over_and_is_told_to_stop_finishes_what_runs_and_cuts_it_when_told_again(
    policies: Path, tmp_path: Path, again: bool
) -> None:
    with several_nodes(policies, tmp_path, "--workers", "1") as node:
        held = held_request(node)
        until(lambda: status(node)["active"] == 1)
        assert verb(node, "upgrade").returncode == 0
        node.process.send_signal(signal.SIGTERM)
        until(lambda: node.printed.count("draining: 1 exchange running") == 2)
        if again:
            node.process.send_signal(signal.SIGINT)
            assert held.getresponse().status == 503
        else:
            held.send(b"b")
            assert held.getresponse().status == 200
        held.close()
        assert node.process.wait(15) == int(again)


def test_a_node_that_is_told_to_stop_takes_the_one_that_would_follow_with_it(policies: Path, tmp_path: Path) -> None:
    with several_nodes(policies, tmp_path, "--workers", "1") as node:
        asked = ThreadPoolExecutor(1).submit(verb, node, "upgrade")
        node.wait_for("starting the program anew")
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(30) == 0
        done = asked.result(30)
        assert (done.returncode, done.stderr) == (1, "the node was told to stop, and the new one with it\n")
        told = node.wait_for(r"the new node \(pid (\d+)\) is told to stop as well")
        until(lambda: not alive(int(told[1])))
        until(lambda: not ask_all(node.data, "status"))


def alive(pid: int) -> bool:
    """Whether it runs; one that nobody waits for any more does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_new_node_that_never_serves_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upgrade, "START_S", 0.05)
    loop, over = Loop(), []

    def ended(pid: int | None) -> None:
        over.append(pid)
        loop.stop()

    try:
        under_way = Upgrade(loop, ["sleep", "100"], {}, ended)
        loop.run()
        assert under_way.process.wait(10) == -signal.SIGTERM
    finally:
        loop.close()
    assert over == [None]
    assert "does not serve after 0.05 s, and is ended" in caplog.text
