"""Reloads over several workers of a live node: everywhere or nowhere."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from live_crew import status, until, verb, workers
from live_node import LiveNode, live_node


def says(word: str) -> dict[str, str]:
    """A set of two files: a fragment in one sets one header, a line in the other sets the other."""
    shared = f'policy 1\n\nfragment mark() {{\n    set response.header["x-second"] = "{word}"\n}}\n'
    route = (
        'policy 1\n\nimport "shared.policy" as shared\n\nupstream echo {\n    url = "echo:"\n}\n\nroute r GET / public {\n'
        f'    forward echo\n    set response.header["x-first"] = "{word}"\n    use shared.mark()\n}}\n'
    )
    return {"shared.policy": shared, "r.policy": route}


def write(policies: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        fresh = policies / f".{name}"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(policies / name)


def connect(node: LiveNode) -> HTTPConnection:
    return HTTPConnection(node.url.removeprefix("http://"), timeout=20)


def ask(connection: HTTPConnection) -> tuple[str | None, str | None]:
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    return answer.getheader("x-first"), answer.getheader("x-second")


def seen_by_all(node: LiveNode, word: str) -> bool:
    """Whether so many new connections that every worker has had one all get this set."""
    for _ in range(12):
        connection = connect(node)
        if ask(connection) != (word, word):
            return False
        connection.close()
    return True


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reload") / "policies"
    folder.mkdir()
    write(folder, says("one"))
    return folder


@pytest.fixture(scope="module")
def shared(policies: Path) -> Iterator[LiveNode]:
    with live_node(policies, policies.parent, "--workers", "3", "--no-reload", "--no-access-log") as node:
        yield node
        assert node.process.poll() is None, f"the node died:\n{node.printed}"


@pytest.fixture
def node(shared: LiveNode, policies: Path) -> LiveNode:
    """The node, with the first set again in all its workers."""
    before = status(shared)["generation"]
    write(policies, says("one"))
    shared.process.send_signal(signal.SIGHUP)
    until(lambda: status(shared)["generation"] > before and len(workers(shared)) == 3)
    return shared


def test_who_asks_for_a_reload_is_told_what_came_of_it(node: LiveNode, policies: Path) -> None:
    fresh = status(node)["generation"] + 1
    write(policies, says("two"))
    done = verb(node, "reload")
    assert (done.returncode, done.stdout) == (0, f"reloaded: generation {fresh}, 3 workers\n"), done.stderr
    assert seen_by_all(node, "two")
    assert {worker["generation"] for worker in status(node)["workers"]} == {fresh}
    write(policies, {"r.policy": "policy 1\n\nroute r GET / public {\n    respond 200 txt=1\n}\n"})
    done = verb(node, "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"r\.policy:4", done.stderr)
    assert node.printed.count("r.policy:4") == 1, "a finding is printed once, not by each worker"
    assert seen_by_all(node, "two")
    assert status(node)["generation"] == fresh


def test_the_status_says_that_the_last_reload_was_refused(node: LiveNode, policies: Path) -> None:
    assert status(node)["reload_refused"] is None
    write(policies, {"r.policy": "policy 1\n\nroute r GET / public {\n    respond 200 txt=1\n}\n"})
    assert verb(node, "reload").returncode == 1
    refused = status(node)["reload_refused"]
    assert refused["since_s"] < 60
    assert refused["said"].startswith("error")
    shown = verb(node, "status").stdout
    assert re.search(rf"\n  reload refused, for \d+ s now: {re.escape(refused['said'])}\n", shown)
    write(policies, says("one"))
    assert verb(node, "reload").returncode == 0
    assert status(node)["reload_refused"] is None
    assert "refused" not in verb(node, "status").stdout


def test_a_worker_that_starts_after_a_reload_serves_what_was_decided(node: LiveNode, policies: Path) -> None:
    write(policies, says("two"))
    assert verb(node, "reload").returncode == 0
    restarts = status(node)["restarts"]
    for worker in workers(node):
        os.kill(worker["pid"], signal.SIGKILL)
    until(lambda: len(workers(node)) == 3 and status(node)["restarts"] == restarts + 3)
    assert seen_by_all(node, "two")
    assert {worker["generation"] for worker in workers(node)} == {status(node)["generation"]}


def test_a_worker_that_dies_while_a_set_is_prepared_keeps_nobody_from_it(node: LiveNode, policies: Path) -> None:
    held = workers(node)[0]["pid"]
    os.kill(held, signal.SIGSTOP)  # it will never say that it has prepared
    write(policies, says("two"))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(verb, node, "reload")
        until(lambda: status(node)["state"] == "serving" and node.process.poll() is None)
        assert not asked.done()
        os.kill(held, signal.SIGKILL)
        assert asked.result(30).stdout.startswith("reloaded: generation")
    until(lambda: len(workers(node)) == 3)
    assert seen_by_all(node, "two")


def test_a_worker_that_starts_while_a_set_is_changed_serves_what_was_decided(node: LiveNode, policies: Path) -> None:
    for turn in range(3):
        write(policies, says(f"word {turn}"))
        os.kill(until(lambda: workers(node))[0]["pid"], signal.SIGKILL)
        node.process.send_signal(signal.SIGHUP)
    done = verb(node, "reload")
    assert done.returncode == 0
    until(lambda: len(workers(node)) == 3)
    until(lambda: {worker["generation"] for worker in status(node)["workers"]} == {status(node)["generation"]})
    assert seen_by_all(node, "word 2")


def test_what_cannot_be_provisioned_in_a_worker_serves_nowhere(node: LiveNode, policies: Path) -> None:
    """The builder finds nothing wrong with it; a worker does."""
    write(
        policies,
        {"r.policy": 'policy 1\n\nupstream u {\n    url = "ftp://a"\n}\n\nroute r GET / public {\n    forward u\n}\n'},
    )
    done = verb(node, "reload")
    assert done.returncode == 1
    assert "r.policy:3" in done.stderr
    assert seen_by_all(node, "one")


def test_no_request_fails_or_meets_a_mixed_set_while_the_set_changes_under_load(node: LiveNode, policies: Path) -> None:
    stop = threading.Event()
    seen: set[str | None] = set()
    counts = [0] * 16

    def client(number: int) -> None:
        connection = connect(node)
        while not stop.is_set():
            first, second = ask(connection)
            assert first == second, "a mixed set"
            seen.add(first)
            counts[number] += 1
            if counts[number] % 50 == 0:
                connection.close()
        connection.close()

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(client, number) for number in range(16)]
        try:
            for turn in range(8):
                write(policies, says(f"turn {turn}"))
                node.process.send_signal(signal.SIGHUP)
                until(lambda turn=turn: f"turn {turn}" in seen or any(one.done() for one in clients))
        finally:
            stop.set()
        for one in clients:
            one.result()
    assert len(seen) >= 8
    assert sum(counts) > 500
    print(f"{sum(counts)} requests over {len(seen)} sets")


def test_the_old_set_closes_in_every_worker_when_its_last_exchange_ends(node: LiveNode, policies: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        held.settimeout(20)
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        route = f'upstream u {{\n    url = "{url}"\n}}\n\nroute r GET / public {{\n    forward u\n}}\n'
        write(policies, {"r.policy": f"policy 1\n\n{route}"})
        assert verb(node, "reload").returncode == 0
        clients = [connect(node) for _ in range(6)]
        for client in clients:
            client.request("GET", "/")
        upstreams = [held.accept()[0] for _ in clients]
        write(policies, says("two"))
        assert verb(node, "reload").returncode == 0
        until(lambda: status(node)["active"] == 6)
        assert seen_by_all(node, "two")
        assert sum(worker["sets"] for worker in status(node)["workers"]) > 3
        for upstream in upstreams:
            upstream.recv(1000)
            upstream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        assert [client.getresponse().read() for client in clients] == [b"ok"] * 6
        until(lambda: [worker["sets"] for worker in status(node)["workers"]] == [1, 1, 1])
        assert status(node)["active"] == 0
        for one in (*clients, *upstreams):
            one.close()
