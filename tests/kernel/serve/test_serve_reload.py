"""Reloads of a live node: the whole set or nothing, and nobody who is being served notices."""

from __future__ import annotations

import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from live_node import LiveNode, live_node


def says(text: str, *, path: str = "/") -> str:
    return f'policy 1\n\nroute r{path.strip("/")} GET {path} public {{\n    respond 200 text="{text}"\n}}\n'


def get(node: LiveNode, path: str = "/") -> str:
    with urllib.request.urlopen(node.url + path, timeout=10) as answer:
        return answer.read().decode()


def status(node: LiveNode, path: str) -> int:
    try:
        get(node, path)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def count(node: LiveNode, what: str) -> int:
    return node.printed.count(what)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.policy").write_text(says("one"), encoding="utf-8")
    return folder


@pytest.fixture
def node(policies: Path, tmp_path: Path) -> Iterator[LiveNode]:
    with live_node(policies, tmp_path) as node:
        yield node
        assert node.process.poll() is None, f"the node died:\n{node.printed}"


def test_files_that_change_come_and_go_are_served_as_they_are(node: LiveNode, policies: Path) -> None:
    assert get(node) == "one"
    (policies / "a.policy").write_text(says("two"), encoding="utf-8")
    until(lambda: get(node) == "two")
    (policies / "deep").mkdir()
    (policies / "deep" / "b.policy").write_text(says("three", path="/b"), encoding="utf-8")
    until(lambda: status(node, "/b") == 200)
    (policies / "deep" / "b.policy").unlink()
    until(lambda: status(node, "/b") == 404)
    assert get(node) == "two"


def test_sighup_reloads_where_nobody_watches(policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--no-reload") as node:
        (policies / "a.policy").write_text(says("two"), encoding="utf-8")
        time.sleep(0.3)
        assert get(node) == "one"
        node.process.send_signal(signal.SIGHUP)
        until(lambda: get(node) == "two")
        node.wait_for("reloaded")
        assert count(node, "reloaded") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('policy 1\n\nroute r GET / public {\n    respond 200 txt="x"\n}\n', "a.policy:4"),
        (says("two") + '\ntest "wrong" {\n    send GET /\n    expect status == 201\n}\n', "a.policy:9"),
        (
            'policy 1\n\nupstream u {\n    url = "ftp://a"\n}\n\nroute r GET / public {\n    forward u\n}\n',
            "a.policy:3",
        ),
        (None, "holds no .policy file"),
    ],
)
def test_a_set_that_cannot_serve_changes_nothing(node: LiveNode, policies: Path, text: str | None, said: str) -> None:
    if text is None:
        (policies / "a.policy").unlink()
    else:
        (policies / "a.policy").write_text(text, encoding="utf-8")
    node.wait_for("what was serving goes on serving")
    assert said in node.printed
    assert "Traceback" not in node.printed
    assert get(node) == "one"
    (policies / "a.policy").write_text(says("mended"), encoding="utf-8")
    until(lambda: get(node) == "mended")


def test_a_folder_that_goes_away_stops_neither_serving_nor_reloading(node: LiveNode, policies: Path) -> None:
    away = policies.with_name("away")
    policies.rename(away)
    time.sleep(0.3)
    node.process.send_signal(signal.SIGHUP)
    node.wait_for("there is no file or folder")
    assert get(node) == "one"
    away.rename(policies)
    (policies / "a.policy").write_text(says("back"), encoding="utf-8")
    until(lambda: get(node) == "back")


def test_one_file_is_watched_however_it_is_replaced(policies: Path, tmp_path: Path) -> None:
    with live_node(policies / "a.policy", tmp_path) as node:
        for word in ("two", "three"):
            fresh = policies / "fresh"
            fresh.write_text(says(word), encoding="utf-8")
            fresh.rename(policies / "a.policy")
            until(lambda word=word: get(node) == word)


class Held(BaseHTTPRequestHandler):
    """An upstream that answers when it is let."""

    arrived = threading.Event()
    go = threading.Event()

    def do_GET(self) -> None:
        self.arrived.set()
        self.go.wait(10)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"held")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def held() -> Iterator[str]:
    Held.arrived, Held.go = threading.Event(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Held)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Held.go.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_in_flight_ends_on_the_policies_it_began_with(node: LiveNode, policies: Path, held: str) -> None:
    line = '    set response.header["x-set"] = "old"\n'
    text = f'policy 1\n\nupstream u {{\n    url = "{held}"\n}}\n\nroute r GET / public {{\n    forward u\n{line}}}\n'
    (policies / "a.policy").write_text(text, encoding="utf-8")
    node.wait_for("reloaded")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(urllib.request.urlopen, node.url + "/", timeout=10)
        assert Held.arrived.wait(5)
        (policies / "a.policy").write_text(says("new"), encoding="utf-8")
        until(lambda: count(node, "reloaded") == 2)
        assert get(node) == "new"
        Held.go.set()
        with waiting.result() as answer:
            assert (answer.read(), answer.headers["x-set"]) == (b"held", "old")


def test_no_request_fails_while_the_set_is_changed_ten_times(node: LiveNode, policies: Path) -> None:
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def client() -> None:
        connection = HTTPConnection(node.url.removeprefix("http://"), timeout=10)
        while not stop.is_set():
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            seen[answer.read().decode()] += 1
        connection.close()

    with ThreadPoolExecutor(32) as pool:
        clients = [pool.submit(client) for _ in range(32)]
        for turn in range(10):
            (policies / "a.policy").write_text(says(f"turn {turn}"), encoding="utf-8")
            node.process.send_signal(signal.SIGHUP)
            until(lambda turn=turn: seen[f"turn {turn}"] > 0 or any(one.done() for one in clients))
        stop.set()
        for one in clients:
            one.result()
    assert sum(seen.values()) > 300
    assert len(seen) == 11
