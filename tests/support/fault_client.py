"""What tests of faults ask a live node, and where they look afterwards: the answer as its bytes tell it, the row of the call
log, and how long it takes until all is normal."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from live_node import LiveNode


@dataclass(frozen=True, slots=True)
class Got:
    """What a client got. `status` is 0 where nothing came; `whole` is False where the answer was visibly cut."""

    status: int
    head: str
    body: bytes
    whole: bool
    took_s: float

    def header(self, name: str) -> str | None:
        found = re.search(rf"(?im)^{re.escape(name)}: *(.*?)\r?$", self.head)
        return found[1] if found else None

    @property
    def id(self) -> str:
        """The id of the request, as the row and the problem document have it."""
        return self.header("x-request-id") or ""

    def json(self) -> Any:
        return json.loads(self.body)


def connected(node: LiveNode, timeout_s: float = 15.0) -> socket.socket:
    """A connection to the node."""
    return socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2])), timeout=timeout_s)


def ask(
    node: LiveNode, path: str, method: str = "GET", *, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Got:
    """One request on a connection of its own, and what came of it. OSError where the node takes no connection."""
    began = time.monotonic()
    lines = {"host": "a", "connection": "close", "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    data, reset = b"", False
    with connected(node) as sock:
        try:
            sock.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        except (BrokenPipeError, ConnectionResetError):
            reset = True
        try:
            while piece := sock.recv(65536):
                data += piece
        except ConnectionResetError:
            reset = True
    return read(data, reset=reset, took_s=time.monotonic() - began)


def read(data: bytes, *, reset: bool = False, took_s: float = 0.0) -> Got:
    """The answer in these bytes, which end where the connection did."""
    if b"\r\n\r\n" not in data:
        return Got(0, data.decode("latin-1"), b"", False, took_s)
    head_bytes, _, body = data.partition(b"\r\n\r\n")
    head = head_bytes.decode("latin-1")
    length = re.search(r"(?im)^content-length: *(\d+)", head)
    if "transfer-encoding: chunked" in head.lower():
        body, whole = unchunked(body)
    else:
        whole = len(body) == int(length[1]) if length else not reset
    return Got(int(head.split(" ", 2)[1]), head, body, whole, took_s)


def unchunked(data: bytes) -> tuple[bytes, bool]:
    """A chunked body, as far as it goes, and whether its end is there."""
    body = b""
    while b"\r\n" in data:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if size == 0:
            return body, data.endswith(b"\r\n")
        body, data = body + data[:size], data[size + 2 :]
    return body, False


def rows(node: LiveNode, where: str = "1 = 1", *bound: object) -> list[dict[str, Any]]:
    """Rows of the call log, all its days together."""
    found: list[dict[str, Any]] = []
    for file in sorted(node.data.glob("calls-*.db")):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as reading:
            reading.row_factory = sqlite3.Row
            if not reading.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
                continue  # it is being made
            found += [dict(row) for row in reading.execute(f"SELECT * FROM calls WHERE {where}", bound)]  # noqa: S608
    return found


def row(node: LiveNode, got: Got, timeout_s: float = 10.0) -> dict[str, Any]:
    """The one row of this answer, when it is there."""
    found: list[dict[str, Any]] = []
    until_normal(lambda: bool(found.extend(rows(node, "id = ?", got.id)) or found), timeout_s)
    (one,) = found
    return one


def until_normal(normal: Callable[[], bool], timeout_s: float = 20.0) -> float:
    """How many seconds it took until that was so, from now."""
    began = time.monotonic()
    while True:
        try:
            if normal():
                return time.monotonic() - began
        except OSError:
            pass  # the node takes no connection: not normal yet
        assert time.monotonic() - began < timeout_s, f"not normal after {timeout_s:g} s"
        time.sleep(0.01)


def answers(node: LiveNode, path: str, status: int = 200, **more: Any) -> Callable[[], bool]:
    """Whether a call is answered whole, with that status."""

    def normal() -> bool:
        got = ask(node, path, **more)
        return got.status == status and got.whole

    return normal
