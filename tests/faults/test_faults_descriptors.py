"""File descriptors run out in a worker: no more connections in, none to upstreams, no file that is not open yet."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from fault_client import answers, ask, connected, read, row, until_normal
from fault_stage import Stage
from live_crew import until, workers
from live_node import LiveNode, live_node

POLICY = """policy 1
upstream up {{ url = "{url}" }}
route open GET /open public {{
    respond 200 text="open"
}}
route up GET /up public {{
    forward up timeout=2s
}}
"""
OPEN = b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n"
UP = b"GET /up HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.fixture(scope="module")
def node(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    tmp = tmp_path_factory.mktemp("descriptors")
    file = tmp / "descriptors.policy"
    file.write_text(POLICY.format(url=stage.url("up")), encoding="utf-8")
    with live_node(file, tmp, "--workers", "1") as node:
        row(node, ask(node, "/open"))
        yield node
        assert node.process.poll() is None, node.printed


def opened(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@contextmanager
def few(node: LiveNode, more: int) -> Iterator[int]:
    """The one worker may open no more than so many files."""
    (pid,) = [worker["pid"] for worker in until(lambda: workers(node))]
    _, hard = before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # Three are always open, so that with three there is never a free one, whatever is closed meanwhile.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened(pid) + more if more else 3, hard))
    try:
        yield pid
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def talk(sock: socket.socket, asked: bytes = OPEN) -> int:
    """The status of one call on a connection that stays; 0 where it ends."""
    data = b""
    try:
        sock.sendall(asked)
        while not (got := read(data)).whole:
            piece = sock.recv(65536)
            if not piece:
                return 0
            data += piece
    except OSError:
        return 0
    return got.status


def test_connections_that_live_are_served_and_others_wait_when_descriptors_are_out(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    with ExitStack() as stack:
        with few(node, 5) as pid:
            busy = [stack.enter_context(connected(node)) for _ in range(5)]
            assert [talk(sock) for sock in busy] == [200] * 5
            waiting = [stack.enter_context(connected(node)) for _ in range(5)]
            node.wait_for(r"Cannot accept: \[Errno 24\] Too many open files. Trying again in")
            # Those who wait are let in one by one: an idle connection makes room for each.
            began = time.monotonic()
            for sock in waiting:
                assert talk(sock) == 200
            assert time.monotonic() - began < 5
        measured(until_normal(answers(node, "/open")))
        assert [worker["pid"] for worker in workers(node)] == [pid], "the worker lives"


def test_a_call_to_an_upstream_that_finds_no_descriptor_is_502_and_only_that(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    with connected(node) as sock:
        assert talk(sock) == 200
        with few(node, 0):
            assert talk(sock, UP) == 502
            assert talk(sock) == 200, "the connection goes on"
        measured(until_normal(lambda: talk(sock, UP) == 200))
