"""Answers of upstreams that two clients could read in two ways, as raw bytes; and the server that gives them."""

from __future__ import annotations

import http.client
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from hypothesis import strategies as st

from peers.tricks import CHUNKS, ODD_CHUNKS, ODD_CODINGS, ODD_LENGTHS

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_LENGTH: Final = b"Content-Length: 5\r\n"
FRAMINGS: Final = tuple(
    _OK + lines + b"\r\n" + body for lines, body in product((*ODD_CODINGS, *ODD_LENGTHS), (b"hello", CHUNKS, CHUNKS + b"more"))
)  # fmt: skip
CHUNKED: Final = tuple(
    _OK + b"Transfer-Encoding: chunked\r\n\r\n" + case.partition(b"\r\n\r\n")[2] for case in ODD_CHUNKS
)
STATUSES: Final = tuple(
    first + b"\r\n" + _LENGTH + b"\r\nhello"
    for first in (
        b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 \xe9", b"HTTP/1.1 299 Odd", b"HTTP/1.1 404 No", b"HTTP/1.1 599 x", b"HTTP/1.1 600 x", b"HTTP/1.1 999 x", b"HTTP/1.1 099 x",
        b"HTTP/1.1 2000 x", b"HTTP/1.1 20 x", b"HTTP/1.1 20x x", b"HTTP/1.1 -200 x", b"HTTP/1.1 +200 x", b"HTTP/1.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.2 200 OK", b"HTTP/2 200 OK", b"HTTP/2.0 200 OK", b"http/1.1 200 OK", b"ICY 200 OK",
        b"RTSP/1.0 200 OK", b"ICE/1.0 200 OK", b"HTTP/1.1\t200 OK", b" HTTP/1.1 200 OK", b"\r\nHTTP/1.1 200 OK", b"\nHTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r", b"HTTP/1.1 200 OK\nX: y", b"HTTP/1.1 200 OK\rX: y", b"HTTP/1.1 200 OK\r\n X: y", b"",
        b"HTTP/1.1 204 No", b"HTTP/1.1 205 Reset", b"HTTP/1.1 304 Same", b"HTTP/1.1 206 Part", b"HTTP/1.1 100 Go", b"HTTP/1.1 101 Switch", b"HTTP/1.1 103 Hint",
        b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 103 Hint\r\nLink: x\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 404 No", b"HTTP/1.1 103 Hint\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK",
        b"HTTP/1.1 199 x\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK",
    )
)  # fmt: skip
HEADERS: Final = tuple(
    _OK + lines + _LENGTH + b"\r\nhello"
    for lines in (
        b"A : b\r\n", b"A: b\r\n c\r\n", b"A\r\n", b": b\r\n", b"A b\r\n", b"A: \x00\r\n", b"A: \x0b\r\n", b"A: b\rc\r\n", b"A: b\n", b"A: \xff\r\n", b"A(: b\r\n", b" A: b\r\n", b"A:\r\n", b"A:b\r\n", b"A: b\r\r\n",
        b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n", b"Connection: content-length\r\n", b"Trailer: A\r\n", b"Keep-Alive: x\r\n", b"Content-Length : 3\r\n", b"Content-Length: 3\n", b"X: y\n\n",
    )
)  # fmt: skip
TABLE: Final = (*FRAMINGS, *CHUNKED, *STATUSES, *HEADERS)
_BITS: Final = (b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\xff", b":", b";", b",", b"0", b"5", b"a", b"1", b"-", _LENGTH, b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"HTTP/1.1 100 Go\r\n\r\n", _OK)  # fmt: skip


def _edited(base: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, gone, put in edits:
        at = place % (len(base) + 1)
        base = base[:at] + put + base[at + gone :]
    return base


MADE: Final = st.builds(
    _edited,
    st.sampled_from(
        (
            _OK + _LENGTH + b"A: b\r\n\r\nhello",
            _OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + CHUNKS,
            b"HTTP/1.1 103 Hint\r\nLink: x\r\n\r\n" + _OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nhello",
        )
    ),
    st.lists(st.tuples(st.integers(0, 150), st.sampled_from((0, 0, 1, 2, 4)), st.sampled_from(_BITS) | st.binary(max_size=2)), min_size=1, max_size=3),
)  # fmt: skip


class OddServer(socketserver.ThreadingTCPServer):
    """Answers `GET /n` with `cases[n]`, whatever that is, and the connection's end."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Odd)
        self.cases: list[bytes] = []


class _Odd(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        if not line:
            return
        assert isinstance(self.server, OddServer)
        try:
            self.wfile.write(self.server.cases[int(line.split(b" ")[1][1:])])
        except ConnectionError:
            pass  # Who has read enough may go.


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """A running one."""
    server = OddServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Got:
    """What came of an answer: None for all of it where the reader refused, or told that it was cut."""

    status: int | None = None
    body: bytes = b""


def ask(port: int, place: int, timeout_s: float = 10.0) -> Got:
    """What a reader makes of the odd server's answer number `place`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", f"/{place}")
        answer = connection.getresponse()
        body = answer.read()
    except (http.client.HTTPException, OSError, OverflowError):
        return Got()
    finally:
        connection.close()
    return Got() if answer.status < 200 or answer.status in (500, 502, 504) else Got(answer.status, body)


def difference(ours: Got, theirs: Got) -> bool:
    """Whether we passed on what the other reads in another way. A 205 has no content with us, whatever came with it."""
    if ours.status is None or theirs.status is None:
        return False
    return ours.status != theirs.status or (ours.status != 205 and ours.body != theirs.body)


def described(case: bytes, **got: Any) -> str:
    """For a failure."""
    return f"{case!r}\n" + "\n".join(f"  {name}: {one}" for name, one in got.items())
