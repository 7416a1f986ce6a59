"""Both ends of a gateway in one loop: the upstream that streams, and the clients that read.

1. An upstream sends a delta of a stream only when its client has read the one before. So every event is a segment of its
   own, and is read, handled and sent by itself, as tokens are that a model makes one by one. That many streams run at a
   time keeps the gateway busy.
2. What is counted is deltas that clients have read. The bytes of a stream are checked: so many deltas, and its end.
3. `epoll` and bare sockets, since the load must be cheaper than what it loads.
"""

from __future__ import annotations

import itertools
import re
import select
import socket
import time
from dataclasses import dataclass, field

from tests.bench.cpu import cpu_s
from tests.bench.stream_bodies import MARK, Script, request, script

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
WARM_S = 0.5
LAST = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SLOT = re.compile(rb"slot <(\d+)>")


@dataclass(slots=True)
class Slot:
    """One client's connection: its streams run one after the other."""

    sock: socket.socket
    request: bytes
    upstream: socket.socket | None = None
    script: Script | None = None
    began: float = 0.0
    deltas: int = 0
    sent: int = 0


@dataclass(slots=True)
class Result:
    """Deltas a second of the clock and a second of the gateway's processor, each stream's seconds to its first, and how
    many streams came to their end, those of the warm-up counted too."""

    rate: float
    cpu_rate: float
    first_s: list[float] = field(default_factory=list)
    finished: int = 0


class Load:
    """The two ends. `upstream` listens as long as this lives; a run has clients of its own."""

    def __init__(self, upstream_port: int, *, length: int) -> None:
        self.length = length
        self._epoll = select.epoll()
        self._listener = socket.create_server(("127.0.0.1", upstream_port), backlog=1024)
        self._epoll.register(self._listener, select.EPOLLIN)
        self._upstreams: dict[int, socket.socket] = {}
        self._came: dict[int, bytes] = {}
        self._slots: dict[int, Slot] = {}
        self._numbers = itertools.count()
        self._by_number: dict[int, Slot] = {}
        self._counted = 0
        self._finished = 0
        self._first: list[float] = []
        self._rest_s = 0.0

    def run(
        self, port: int, path: str, key: str, pid: int, *, streams: int, seconds: float, rest_s: float = 0.0
    ) -> Result:
        """Load a gateway for so many seconds, with so many streams at a time; one begins `rest_s` behind the last."""
        self._rest_s, self._finished = rest_s, 0
        self._open(port, path, key, streams)
        try:
            self._go(WARM_S)
            self._counted, used = 0, cpu_s(pid)
            self._first.clear()
            took = self._go(seconds)
            used = cpu_s(pid) - used
        finally:
            self._close()
        return Result(self._counted / took, self._counted / used, list(self._first), self._finished)

    # --- clients -------------------------------------------------------------------------------------------------------

    def _open(self, port: int, path: str, key: str, streams: int) -> None:
        for number in itertools.islice(self._numbers, streams):
            sock = _quick(socket.create_connection(("127.0.0.1", port)))
            slot = Slot(sock, request(path, number, key))
            self._slots[sock.fileno()] = slot
            self._by_number[number] = slot
            self._epoll.register(sock, select.EPOLLIN)
            self._ask(slot)

    def _close(self) -> None:
        for slot in self._slots.values():
            self._epoll.unregister(slot.sock)
            slot.sock.close()
        self._slots.clear()
        self._by_number.clear()

    def _go(self, seconds: float) -> float:
        begin = time.perf_counter()
        until = begin + seconds
        while (now := time.perf_counter()) < until:
            for number, _ in self._epoll.poll(0.1):
                slot = self._slots.get(number)
                if slot is not None:
                    self._read(slot)
                elif number == self._listener.fileno():
                    self._accept()
                else:
                    self._asked(self._upstreams[number])
        return now - begin

    def _ask(self, slot: Slot) -> None:
        slot.deltas = slot.sent = 0
        slot.began = time.perf_counter()
        slot.sock.send(slot.request)

    def _read(self, slot: Slot) -> None:
        data = slot.sock.recv(65536)
        if not data:
            raise AssertionError(f"the gateway hung up: {slot}")
        came = data.count(MARK)
        if came:
            if not slot.deltas:
                self._first.append(time.perf_counter() - slot.began)
            slot.deltas += came
            self._counted += came
            self._more(slot)
        elif slot.deltas and data.endswith(LAST):
            assert slot.deltas == self.length, f"{slot.deltas} of {self.length} deltas came"
            self._finished += 1
            time.sleep(self._rest_s)
            self._ask(slot)
        elif not slot.deltas:
            assert data.startswith(b"HTTP/1.1 200"), data

    def _more(self, slot: Slot) -> None:
        """The next delta, once the last one has come; behind the last the end."""
        assert slot.upstream is not None
        assert slot.script is not None
        if slot.sent < self.length and slot.deltas == slot.sent:
            slot.sent += 1
            slot.upstream.send(slot.script.delta)
        elif slot.deltas == self.length:
            slot.upstream.send(b"".join(slot.script.closing) + LAST)

    # --- the upstream --------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        sock = _quick(self._listener.accept()[0])
        self._upstreams[sock.fileno()] = sock
        self._came[sock.fileno()] = b""
        self._epoll.register(sock, select.EPOLLIN)

    def _asked(self, sock: socket.socket) -> None:
        number = sock.fileno()
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self._epoll.unregister(sock)
            del self._upstreams[number], self._came[number]
            sock.close()
            return
        self._came[number] += data
        head, ended, body = self._came[number].partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not ended or length is None or len(body) < int(length[1]):
            return
        self._came[number] = b""
        place = _SLOT.search(body)
        assert place is not None, body
        slot = self._by_number.get(int(place[1]))
        if slot is not None:  # else its client has gone, with the run before
            self._begin(slot, sock, head, body)

    def _begin(self, slot: Slot, sock: socket.socket, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        slot.upstream, slot.script = sock, script(path, counts=b"include_usage" in body)
        slot.sent = 1
        sock.send(HEAD + b"".join(slot.script.opening) + slot.script.delta)


def _quick(sock: socket.socket) -> socket.socket:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
