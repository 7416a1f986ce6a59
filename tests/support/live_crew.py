"""What tests of a node with several workers ask and wait for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

from live_node import LiveNode

from headgate.supervise.control import ask_all

T = TypeVar("T")


def until(found: Callable[[], T], timeout_s: float = 30.0) -> T:
    """What `found` gives, once that is true."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def status(node: LiveNode) -> dict[str, Any]:
    """What the node says of itself; where several run on its data folder, the one that was started."""
    return next(one for one in ask_all(node.data, "status") if one["pid"] == node.process.pid)


def workers(node: LiveNode) -> list[dict[str, Any]]:
    """Its workers that serve."""
    return [worker for worker in status(node)["workers"] if worker["state"] == "serving"]


def verb(node: LiveNode, *args: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """`headgate …` beside the node."""
    command = [sys.executable, "-m", "headgate", *args, "--data", str(node.data)]
    return subprocess.run(command, env=node.environ, capture_output=True, text=True, timeout=timeout_s)


def held_request(node: LiveNode) -> HTTPConnection:
    """A request to `/echo` that runs until its body is sent to its end."""
    connection = HTTPConnection(node.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/echo")
    connection.putheader("content-length", "2")
    connection.endheaders(b"a")
    return connection


def json_of(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def memory_kb(pid: int) -> tuple[int, int]:
    """Resident memory, and what of it is this process's alone."""
    found = dict(
        line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:] if ":" in line
    )
    numbers = {name: int(value.split()[0]) for name, value in found.items()}
    return numbers["Rss"], numbers["Private_Clean"] + numbers["Private_Dirty"]


def cpu_s(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
