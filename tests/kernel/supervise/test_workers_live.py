"""Workers of a live node: which there are, what becomes of one that dies or hangs, and what a node says of itself."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_crew import json_of, memory_kb, status, until, verb, workers
from live_node import LiveNode, environment, live_node

from headgate.cli.node import lines_of

POLICY = """policy 1

upstream echo {
    url = "echo:"
}

route open GET /open public {
    forward echo
}
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crew") / "policies"
    folder.mkdir()
    (folder / "some.policy").write_text(POLICY, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def node(policies: Path) -> Iterator[LiveNode]:
    port = free_port()
    env = {"HEADGATE_WORKER_STALL_S": "2", "HEADGATE_ADMIN_BIND": f"127.0.0.1:{port}"}
    with live_node(policies, policies.parent, "--workers", "3", env=env) as node:
        yield node
        assert node.process.poll() is None, f"the node died:\n{node.printed}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def probe(node: LiveNode, path: str) -> tuple[int, dict[str, object]]:
    code, body = get(f"http://{node.environ['HEADGATE_ADMIN_BIND']}{path}")
    return code, json.loads(body)


def test_every_worker_serves_and_one_leads(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    assert sum(worker["leads"] for worker in workers(node)) == 1
    assert len({worker["pid"] for worker in workers(node)}) == 3
    probes = f"http://{node.environ['HEADGATE_ADMIN_BIND']}"
    assert f"headgate serves 1 route with 3 workers on {node.url}, probes at {probes}\n" in node.printed
    before = status(node)["handled"]
    for _ in range(5):
        assert get(f"{node.url}/open")[0] == 200
    until(lambda: status(node)["handled"] == before + 5)


def test_connections_are_shared_out_over_the_workers(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    host, _, port = node.url.removeprefix("http://").rpartition(":")
    clients = [socket.create_connection((host, int(port))) for _ in range(60)]
    held = until(lambda: shared(node, 60))
    for client in clients:
        client.close()
    assert min(held) >= 10


def shared(node: LiveNode, count: int) -> list[int] | None:
    """How many connections each worker holds, once it is so many in all."""
    held = [worker["connections"] for worker in workers(node)]
    return held if sum(held) >= count else None


def test_a_worker_that_is_killed_is_replaced_within_a_second_and_another_leads(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    before = status(node)["restarts"]
    leader = next(worker for worker in workers(node) if worker["leads"])
    others = {worker["pid"] for worker in workers(node)} - {leader["pid"]}
    with_others = [idle_connection(node) for _ in range(6)]
    os.kill(leader["pid"], signal.SIGKILL)
    until(lambda: status(node)["restarts"] == before + 1)
    now = until(lambda: workers(node) if len(workers(node)) == 3 else None)
    assert others < {worker["pid"] for worker in now}
    assert [worker["pid"] in others for worker in now if worker["leads"]] == [True]
    died = node.wait_for(rf"worker {re.escape(leader['name'])} \(pid {leader['pid']}\) was killed by signal 9")
    took = node.wait_for(r"worker w\d\.\w+ \(pid \d+\) serves in its place, (\d+\.\d+) s later")
    assert died
    print(f"replaced in {took[1]} s")
    assert float(took[1]) < 1.0
    kept = [sock for sock in with_others if is_served(sock)]
    assert len(kept) >= 1, "only the connections of the one that died are lost"
    for sock in with_others:
        sock.close()


def idle_connection(node: LiveNode) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2])), timeout=10)
    assert is_served(sock)
    return sock


def is_served(sock: socket.socket) -> bool:
    try:
        sock.sendall(b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n")
        return sock.recv(65536).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_a_worker_can_be_asked_where_it_is_and_goes_on(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    asked = workers(node)[1]
    who = f"worker {asked['name']} (pid {asked['pid']}), where each of its threads is:"
    told = re.compile(
        rf"Z INFO {re.escape(who)}\n(Current t|T)hread 0x\w+ .*most recent call first.*\n.*epoll", re.DOTALL
    )
    for _ in range(2):
        before = len(node.printed)
        os.kill(asked["pid"], signal.SIGUSR1)
        until(lambda: told.search(node.printed, before))  # noqa: B023 - it is over within this turn
    assert asked["pid"] in {worker["pid"] for worker in workers(node)}


def test_a_node_that_is_asked_where_it_is_has_all_of_its_workers_say_so(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    before = len(node.printed)
    os.kill(node.process.pid, signal.SIGUSR1)
    for one in workers(node):
        said = f"worker {one['name']} (pid {one['pid']}), where each of its threads is:"
        until(lambda: said in node.printed[before:])  # noqa: B023 - it is over within this turn
    assert get(f"{node.url}/open")[0] == 200


def test_a_worker_that_does_not_answer_is_replaced(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    before = status(node)["restarts"]
    stopped = workers(node)[0]
    os.kill(stopped["pid"], signal.SIGSTOP)
    node.wait_for(rf"worker {re.escape(stopped['name'])} \(pid {stopped['pid']}\) has not answered for \d+ s")
    until(lambda: status(node)["restarts"] == before + 1)
    until(lambda: len(workers(node)) == 3)
    assert get(f"{node.url}/open")[0] == 200


def test_one_worker_that_is_told_to_end_finishes_and_is_replaced(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    told = workers(node)[0]
    os.kill(told["pid"], signal.SIGTERM)
    until(lambda: told["pid"] not in {worker["pid"] for worker in workers(node)} and len(workers(node)) == 3)
    line = node.wait_for(rf".*worker {told['name']} \(pid {told['pid']}\) ended with status 0.*")[0]
    assert "ERROR" not in line
    assert "INFO" in line


def test_the_status_is_shown_to_people_and_to_programs(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    found = json_of(verb(node, "status", "--json"))
    assert found["pid"] == node.process.pid
    assert found["state"] == "serving"
    probes = f"http://{node.environ['HEADGATE_ADMIN_BIND']}"
    assert (found["addresses"], found["probes"]) == ([node.url], [probes])
    assert {worker["state"] for worker in found["workers"]} == {"serving"}
    shown = verb(node, "status").stdout
    assert re.search(
        rf"node {node.process.pid} serving on {node.url}, probes at {probes}: up .*, generation 1, \d+ requests handled",
        shown,
    )
    assert shown.count(" serving ") == 4


def test_the_words_of_the_status_fit_their_numbers() -> None:
    said = {"pid": 7, "state": "serving", "addresses": ["http://a"], "uptime_s": 1, "generation": 1, "active": 1}
    one = {**said, "handled": 1, "connections": 1, "restarts": 1, "workers": []}
    assert next(lines_of(one)) == (
        "node 7 serving on http://a: up 1 s, generation 1, 1 request handled, 1 running, 1 connection, 1 worker replaced"
    )
    none = {**said, "handled": 0, "connections": 0, "restarts": 0, "workers": []}
    assert next(lines_of(none)).endswith("0 requests handled, 1 running, 0 connections, 0 workers replaced")


STARVED = """
import errno, os, sys
from headgate.cli import main
from headgate.supervise import crew

real, left = crew.fork, int(sys.argv.pop(1))

def fork(*given):
    global left
    left -= 1
    if left == 0:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return real(*given)

crew.fork = fork
main()
"""


@pytest.mark.parametrize("place", [1, 2])
def test_a_node_whose_first_workers_cannot_be_started_says_why_and_ends(
    policies: Path, tmp_path: Path, place: int
) -> None:
    command = ["serve", str(policies), "--bind", "127.0.0.1:0", "--workers", "3", "--data", str(tmp_path / "data")]
    started = [sys.executable, "-c", STARVED, str(place), *command]
    done = subprocess.run(started, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"error: worker {place} of 3 cannot be started: Resource temporarily unavailable\n" in done.stderr
    assert "or start fewer workers: --workers" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_node_runs_that_is_said(tmp_path: Path, node: LiveNode) -> None:
    other = LiveNode(node.process, node.log, tmp_path, environ=node.environ)
    done = verb(other, "status")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no node that can be asked runs on" in done.stderr


def test_the_socket_is_its_owners_alone_and_one_that_was_left_is_removed(
    node: LiveNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine,) = node.data.glob("control-*.sock")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    left = node.data / "control-left.sock"
    monkeypatch.chdir(node.data)  # an address holds 108 bytes
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(left.name)
    assert status(node)["ok"]
    assert not left.exists()


@pytest.mark.parametrize("said", [b"nonsense\n", b'{"ask":"dance"}\n', b"x" * 5000, b""])
def test_nonsense_on_the_socket_is_given_up(node: LiveNode, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (mine,) = node.data.glob("control-*.sock")
    monkeypatch.chdir(node.data)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(mine.name)
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        try:
            answer = sock.recv(1000)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or b"does not know how to dance" in answer
    assert status(node)["ok"]


def test_probes_are_answered_by_the_master(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    code, alive = probe(node, "/-/health")
    assert (code, alive["status"], alive["workers"]) == (200, "alive", 3)
    code, ready = probe(node, "/-/ready?x=1")
    assert (code, ready["status"], ready["generation"]) == (200, "ready", status(node)["generation"])
    assert ready["reload_refused"] is None
    assert probe(node, "/")[0] == 404


def test_probes_are_answered_while_every_worker_is_blocked(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    stopped = [worker["pid"] for worker in workers(node)]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert probe(node, "/-/health")[0] in (200, 503)
        assert time.monotonic() - began < 1
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    until(lambda: len(workers(node)) == 3 and probe(node, "/-/ready")[0] == 200)


def test_workers_share_most_of_their_memory(node: LiveNode) -> None:
    until(lambda: len(workers(node)) == 3)
    until(lambda: get(f"{node.url}/open")[0] == 200)
    master, *rest = [memory_kb(pid) for pid in (node.process.pid, *(worker["pid"] for worker in workers(node)))]
    print(f"master {master}, workers {rest} kB (resident, private)")
    assert all(private < 0.6 * resident for resident, private in rest)


def test_a_node_whose_master_is_killed_leaves_no_process_behind(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--workers", "2") as node:
        pids = [worker["pid"] for worker in until(lambda: workers(node) if len(workers(node)) == 2 else None)]
        node.process.kill()
        node.process.wait(10)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        assert "the master is gone" in node.printed


def test_one_process_may_do_it_all(policies: Path, tmp_path: Path) -> None:
    with live_node(
        policies, tmp_path, "--workers", "0", env={"HEADGATE_ADMIN_BIND": f"127.0.0.1:{free_port()}"}
    ) as node:
        assert "headgate serves 1 route on http://" in node.printed
        assert get(f"{node.url}/open")[0] == 200
        assert probe(node, "/-/ready")[0] == 200
        assert probe(node, "/-/health")[1]["status"] == "alive"
        assert verb(node, "status").returncode == 3
