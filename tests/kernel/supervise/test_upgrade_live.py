"""A node that is replaced by a new one on the same sockets, while it is used."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from live_crew import until, verb
from live_node import LiveNode, live_node

from headgate.supervise.control import ask_all

POLICY = 'policy 1\n\nroute r GET / public {\n    respond 200 text="hello"\n}\n'


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
