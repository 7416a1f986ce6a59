"""Very many connections at once, both ends in one loop: idle ones, streams of events, and long polls.

1. Every stream's upstream sends an event each `period_s`, with the time in it; the client takes the time that it took.
   A poll is answered after `period_s`, and its client asks again.
2. Ends are spread over `BUCKETS` of a period, so that not all speak at once.
3. A stream that ends by itself was cut: these never do.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final

BUCKETS: Final = 50
_AT_A_TIME: Final = 64
_EVENTS: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_TIME: Final = re.compile(rb"at (\d+\.\d+)")
_CONNECT_S: Final = 120.0


@dataclass(slots=True)
class Tally:
    """What the clients saw. `late_s` are the times of events from end to end, or of polls beyond their period."""

    answers: int = 0
    refused: int = 0
    cut: int = 0
    came: int = 0
    said: str = ""
    late_s: list[float] = field(default_factory=list, repr=False)


class Crowd:
    """An upstream, and clients of a node before it."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._epoll = select.epoll()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self._epoll.register(self._listener, select.EPOLLIN)
        self._upstreams: dict[int, socket.socket] = {}
        self._buckets: list[list[tuple[socket.socket, bool]]] = [[] for _ in range(BUCKETS)]
        self._at = 0
        self._due = time.monotonic()
        self._clients: dict[int, socket.socket] = {}
        self._request = b""
        self._polling = False
        self.tally = Tally()

    @property
    def port(self) -> int:
        """Where the upstream listens."""
        return int(self._listener.getsockname()[1])

    def __len__(self) -> int:
        return len(self._clients)

    def open(self, port: int, path: str, count: int, *, polling: bool = False) -> None:
        """So many clients ask for a path, and have an answer, or its beginning. TimeoutError."""
        self._polling = polling
        self._request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        wanted, until = self.tally.answers + count, time.monotonic() + _CONNECT_S
        left = count
        while (polling and left) or self.tally.answers < wanted - self.tally.refused:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.tally.answers} of {wanted} were answered: {self.tally}")
            waiting = len(self._clients) - self.tally.answers if not polling else 0
            for _ in range(min(left, max(0, _AT_A_TIME - waiting))):
                self._connect(port, left)
                left -= 1
            self.run(0.02)

    def _connect(self, port: int, number: int) -> None:
        # A loopback address has some 28,000 ports for clients; many addresses have enough for all.
        sock = socket.create_connection(
            ("127.0.0.1", port), timeout=30, source_address=(f"127.0.1.{number % 8 + 1}", 0)
        )
        sock.setblocking(False)
        self._clients[sock.fileno()] = sock
        self._epoll.register(sock, select.EPOLLIN)
        sock.send(self._request)

    def run(self, seconds: float) -> None:
        """Let all go on for so long."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            if now >= self._due:
                self._tick()
            for fd, _ in self._epoll.poll(max(0.0, min(until, self._due) - now)):
                if fd == self._listener.fileno():
                    self._accept()
                elif fd in self._upstreams:
                    self._asked(fd)
                else:
                    self._told(fd)

    def _tick(self) -> None:
        self._due += self._period_s / BUCKETS
        self._at = (self._at + 1) % BUCKETS
        said = b"data: at %.6f\n\n" % time.monotonic()
        event = b"%x\r\n%b\r\n" % (len(said), said)
        poll = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said)
        stay: list[tuple[socket.socket, bool]] = []
        for sock, streams in self._buckets[self._at]:
            try:
                sock.send(event if streams else poll)
            except OSError:
                continue
            if streams:
                stay.append((sock, streams))
        self._buckets[self._at] = stay

    def _accept(self) -> None:
        try:
            while True:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                self._upstreams[sock.fileno()] = sock
                self._epoll.register(sock, select.EPOLLIN)
        except BlockingIOError:
            pass

    def _asked(self, fd: int) -> None:
        sock = self._upstreams[fd]
        data = _receive(sock)
        if not data:
            self._drop(self._upstreams, fd)
            return
        streams = b"/events" in data.partition(b"\r\n")[0]
        if streams:
            sock.send(_EVENTS)
        self._buckets[(self._at - 1) % BUCKETS if not streams else fd % BUCKETS].append((sock, streams))

    def _told(self, fd: int) -> None:
        sock = self._clients[fd]
        data, tally, now = _receive(sock), self.tally, time.monotonic()
        if not data:
            self._drop(self._clients, fd)
            tally.cut += 1
            return
        answers = data.count(b"HTTP/1.1 200")
        tally.answers += answers
        refused = data.count(b"HTTP/1.1 ") - answers
        if refused:
            tally.refused += refused
            tally.said = tally.said or data.decode("latin-1")
            self._drop(self._clients, fd)
            return
        times = _TIME.findall(data)
        tally.came += len(times)
        tally.late_s += [now - float(one) for one in times]
        if self._polling and times:
            sock.send(self._request)

    def _drop(self, among: dict[int, socket.socket], fd: int) -> None:
        sock = among.pop(fd)
        self._epoll.unregister(sock)
        sock.close()

    def close(self) -> None:
        """Hang up, on both sides."""
        for sock in (*self._clients.values(), *self._upstreams.values(), self._listener):
            sock.close()
        self._epoll.close()


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except BlockingIOError:
        return b" "
    except OSError:
        return b""
