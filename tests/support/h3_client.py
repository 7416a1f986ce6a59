"""A client of HTTP/3 on trio: aioquic's connection over a UDP socket."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamReset


class Broken(Exception):
    """The answer did not come to its end."""


class Answer:
    """One answer as it comes."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: deque[bytes] = deque()
        self.ended = False
        self.fault: str | None = None
        self.news = trio.lowlevel.ParkingLot()

    async def wait(self, found: Any) -> None:
        while not found():
            if self.fault is not None:
                raise Broken(self.fault)
            await self.news.park()


class Client:
    """One connection."""

    def __init__(self, sock: Any, quic: QuicConnection, address: tuple[str, int]) -> None:
        self._address = address
        self._socket = sock
        self.quic = quic
        self._h3 = H3Connection(quic)
        self.answers: dict[int, Answer] = {}
        self.shaken = trio.Event()
        self.over = False
        self._woken = trio.Event()

    async def begin(self, method: str, path: str, headers: Any = (), body: bytes | None = None) -> tuple[int, Answer]:
        """Send a request; its answer is to come."""
        if self.over:
            raise Broken("the connection has ended")
        id = self.quic.get_next_available_stream_id()
        self.answers[id] = Answer()
        authority = b"%b:%d" % (self._address[0].encode(), self._address[1])
        lines = [
            (b":method", method.encode()), (b":scheme", b"https"), (b":authority", authority), (b":path", path.encode()),
            *[(name.lower().encode(), value.encode()) for name, value in headers],
        ]  # fmt: skip
        if body is not None:
            lines.append((b"content-length", b"%d" % len(body)))
        self._h3.send_headers(id, lines, end_stream=not body)
        if body:
            self._h3.send_data(id, body, end_stream=True)
        self.transmit()
        return id, self.answers[id]

    async def send(self, method: str, path: str, headers: Any = (), body: bytes | None = None) -> Answer:
        """A request and its whole answer. Broken."""
        _, answer = await self.begin(method, path, headers, body)
        await answer.wait(lambda: answer.ended)
        return answer

    def give_up(self, id: int) -> None:
        """Want no more of an answer."""
        with suppress(Exception):
            self.quic.stop_stream(id, 0x10C)
            self.quic.reset_stream(id, 0x10C)
        self.transmit()

    def transmit(self) -> None:
        for data, _ in self.quic.datagrams_to_send(now=trio.current_time()):
            self._socket.sendto(data)
        self._woken.set()

    def pump(self) -> None:
        while (event := self.quic.next_event()) is not None:
            self._hear(event)
        self.transmit()

    def _hear(self, event: Any) -> None:
        if isinstance(event, HandshakeCompleted):
            self.shaken.set()
        elif isinstance(event, ConnectionTerminated):
            self.shaken.set()
            self.over = True
            for answer in self.answers.values():
                self._fail(answer, "the connection ended")
        elif isinstance(event, StreamReset) and event.stream_id in self.answers:
            self._fail(self.answers[event.stream_id], f"reset with {event.error_code:#x}")
        for one in self._h3.handle_event(event):
            answer = self.answers.get(getattr(one, "stream_id", -1))
            if answer is None:
                continue
            if isinstance(one, HeadersReceived):
                answer.headers += one.headers
            elif isinstance(one, DataReceived) and one.data:
                answer.pieces.append(one.data)
            answer.ended = answer.ended or one.stream_ended
            answer.news.unpark_all()

    def _fail(self, answer: Answer, why: str) -> None:
        if not answer.ended:
            answer.fault = why
            answer.news.unpark_all()

    async def read(self) -> None:
        while True:
            try:
                data = await self._socket.recv(65536)
            except OSError:
                continue
            self.quic.receive_datagram(data, self._address, now=trio.current_time())
            self.pump()

    async def keep_time(self) -> None:
        while True:
            timer = self.quic.get_timer()
            self._woken = trio.Event()
            with trio.CancelScope(deadline=math.inf if timer is None else timer):
                await self._woken.wait()
                continue
            self.quic.handle_timer(now=trio.current_time())
            self.pump()


@asynccontextmanager
async def h3_client(port: int, ca: str, alpn: Sequence[str] = H3_ALPN) -> AsyncIterator[Client]:
    """A connection whose handshake is done."""
    configuration = QuicConfiguration(is_client=True, alpn_protocols=[*alpn], server_name="127.0.0.1")
    configuration.load_verify_locations(ca)
    quic = QuicConnection(configuration=configuration)
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock:
        await sock.connect(("127.0.0.1", port))
        raw = sock._sock  # the non-blocking socket below: a datagram is sent or lost
        client = Client(_Both(sock, raw), quic, ("127.0.0.1", port))
        quic.connect(("127.0.0.1", port), now=trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.read)
            nursery.start_soon(client.keep_time)
            client.transmit()
            await client.shaken.wait()
            yield client
            quic.close()
            client.transmit()
            nursery.cancel_scope.cancel()


class _Both:
    def __init__(self, sock: Any, raw: Any) -> None:
        self.recv = sock.recv
        self._raw = raw

    def sendto(self, data: bytes) -> None:
        with suppress(OSError):
            self._raw.send(data)
