"""Bodies of any size through a node: an upstream that sends zeros or swallows, and clients of three kinds that do the other.

The upstream keeps nothing: `GET /N` is answered with N bytes, and what comes with a POST is counted and thrown away.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import h2.config
import h2.connection
import h2.events
import h2.settings

DOORS: Final = ("HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2")
_PIECE: Final = bytes(1 << 18)
_WINDOW: Final = 1 << 24
TIMEOUT_S: Final = 60.0


class Sock(Protocol):
    """A socket, with TLS or without."""

    def sendall(self, data: bytes) -> None: ...
    def recv_into(self, buffer: bytearray) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def close(self) -> None: ...


@contextmanager
def upstream() -> Iterator[int]:
    """Listens until the end of the block; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_guarded, args=(_serve, sock), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _guarded(serve: Callable[[socket.socket], None], sock: socket.socket) -> None:
    with sock:
        try:
            serve(sock)
        except OSError:
            pass


def _serve(sock: socket.socket) -> None:
    buffer = bytearray(1 << 18)
    while (came := _head(sock)) is not None:
        head, rest = came
        if head.startswith(b"GET"):
            size = int(head.split(b" ")[1].rpartition(b"/")[2])
            sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            send_zeros(sock, size)
            continue
        found = re.search(rb"(?i)content-length: *(\d+)", head)
        counted = _swallow(sock, int(found[1]) - len(rest), buffer) + len(rest) if found else _unchunk(sock, rest)
        told = b"%d" % counted
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))


def _head(sock: Sock) -> tuple[bytes, bytes] | None:
    """A head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _unchunk(sock: socket.socket, data: bytes) -> int:
    """Swallow a chunked body; how long it was."""
    with sock.makefile("rb", buffering=1 << 20) as file:
        ahead, counted = bytearray(data), 0

        def line() -> bytes:
            while b"\n" not in ahead:
                ahead.extend(file.readline())
            found, _, rest = ahead.partition(b"\n")
            ahead[:] = rest
            return bytes(found)

        while size := int(line(), 16):
            counted += size
            here = min(len(ahead), size + 2)
            del ahead[:here]
            file.read(size + 2 - here)
        line()
        return counted


def _swallow(sock: Sock, size: int, buffer: bytearray) -> int:
    left = size
    while left > 0:
        got = sock.recv_into(buffer)
        if not got:
            raise EOFError(f"{left} bytes are missing")
        left -= got
    return size - left


def send_zeros(sock: Sock, size: int) -> None:
    """So many."""
    while size > 0:
        piece = _PIECE if size >= len(_PIECE) else bytes(size)
        sock.sendall(piece)
        size -= len(piece)


def connect(port: int, door: str) -> Sock:
    """A client's connection."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    if door == "HTTP/1.1":
        return sock
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2" if door == "HTTP/2" else "http/1.1"])
    return context.wrap_socket(sock, server_hostname="localhost")


def download(port: int, door: str, size: int) -> int:
    """GET so many bytes and throw them away; how many came."""
    sock = connect(port, door)
    try:
        if door == "HTTP/2":
            return _Two(sock).download(size)
        sock.sendall(b"GET /%d HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % size)
        head, rest = _head(sock) or (b"", b"")
        assert head.startswith(b"HTTP/1.1 200"), head
        return len(rest) + _swallow(sock, size - len(rest), bytearray(1 << 18))
    finally:
        sock.close()


def upload(port: int, door: str, size: int) -> int:
    """POST so many bytes; how many the upstream says that it got."""
    sock = connect(port, door)
    try:
        if door == "HTTP/2":
            return _Two(sock).upload(size)
        sock.sendall(b"POST /up HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % size)
        send_zeros(sock, size)
        head, rest = _head(sock) or (b"", b"")
        assert head.startswith(b"HTTP/1.1 200"), head
        while more := sock.recv(100):
            rest += more
        return int(rest)
    finally:
        sock.close()


class _Two:
    """One stream of HTTP/2."""

    def __init__(self, sock: Sock) -> None:
        self._sock = sock
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.local_settings = h2.settings.Settings(
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
            }
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)
        self._data = b""
        self._got = 0
        self._ended = False
        self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._sock.sendall(data)

    def _hear(self) -> None:
        came = self._sock.recv(1 << 18)
        if not came:
            raise EOFError("the connection was closed")
        for event in self._h2.receive_data(came):
            if isinstance(event, h2.events.DataReceived):
                self._got += len(event.data)
                self._data = event.data[-100:]
                self._h2.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, h2.events.StreamEnded):
                self._ended = True
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise EOFError(repr(event))  # noqa: TRY004 - no argument, but what came
        self._flush()

    def _ask(self, method: str, path: str, *, end: bool, length: int = 0) -> None:
        lines = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        self._h2.send_headers(1, [*lines, ("content-length", str(length))] if length else lines, end_stream=end)
        self._flush()

    def download(self, size: int) -> int:
        self._ask("GET", f"/{size}", end=True)
        while not self._ended:
            self._hear()
        return self._got

    def upload(self, size: int) -> int:
        self._ask("POST", "/up", end=False, length=size)
        while size:
            room = min(self._h2.local_flow_control_window(1), self._h2.max_outbound_frame_size, size)
            if room <= 0:
                self._hear()
                continue
            size -= room
            self._h2.send_data(1, _PIECE[:room], end_stream=not size)
            self._flush()
        while not self._ended:
            self._hear()
        return int(self._data)
