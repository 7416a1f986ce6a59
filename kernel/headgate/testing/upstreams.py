"""Upstreams that do what a test tells them, over real sockets: answer, hang, lie, break, trickle.

    upstream = await ScriptedUpstream(reply(200, b"hello")).start(nursery)
    response = await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts())

A script is an async function that plays one connection. Scripts are taken in order, one for each connection; the last
one serves every connection after it. What came in is in `upstream.received`, what was opened in `upstream.opened`.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

from headgate.contracts.transport import Target
from headgate.message.headers import Headers, Line


@dataclass(frozen=True, slots=True)
class Received:
    """A request as an upstream read it: its body is unframed, `raw_head` is as it came."""

    method: str
    path: str
    headers: Headers
    body: bytes
    raw_head: bytes


class Wire:
    """One connection, seen from the upstream's side."""

    def __init__(self, upstream: ScriptedUpstream, stream: trio.abc.Stream, sock: trio.socket.SocketType) -> None:
        self._upstream = upstream
        self._stream = stream
        self._socket = sock
        self._buffer = b""

    async def request(self) -> Received | None:
        """Read one whole request, and note it; None where the connection ended instead."""
        head = await self.head()
        if head is None:
            return None
        method, path, headers = parse_head(head)
        if b"chunked" in headers.all(b"transfer-encoding"):
            body = await self._chunks()
        else:
            body = await self._exactly(int(headers.get(b"content-length") or b"0"))
        received = Received(method, path, headers, body, head)
        self._upstream.received.append(received)
        return received

    async def head(self) -> bytes | None:
        """Read a request's head and nothing behind it; None where the connection ended instead."""
        return await self._until(b"\r\n\r\n")

    async def receive(self) -> bytes:
        """What comes next, as it comes; b"" at the end, and where the other side broke the connection."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        try:
            return bytes(await self._stream.receive_some(65536))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    async def gone(self) -> None:
        """Wait until the other side goes. What comes until then is kept for the next read; can be cancelled."""
        try:
            while data := await self._stream.receive_some(65536):
                self._buffer += data
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def send(self, data: bytes) -> None:
        """Send bytes as they are. Fine if nobody is there any more."""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def trickle(self, data: bytes, *, pause_s: float = 0.0) -> None:
        """Send byte by byte."""
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await trio.sleep(pause_s)

    async def reset(self) -> None:
        """Break the connection with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    async def half_close(self) -> None:
        """Send no more, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        """Close as one should; for TLS with its notice."""
        await self._stream.aclose()

    async def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._buffer:
            if not await self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(mark)
        return head + mark

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not await self._fill():
                break
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    async def _chunks(self) -> bytes:
        body = b""
        while line := await self._until(b"\r\n"):
            size = int(line, 16)
            body += await self._exactly(size)
            await self._exactly(2)
            if not size:
                break
        return body

    async def _fill(self) -> bool:
        rest, self._buffer = self._buffer, b""
        data = await self.receive()
        self._buffer = rest + data
        return bool(data)


Script = Callable[[Wire], Awaitable[None]]


class ScriptedUpstream:
    """A server on a loopback port that plays scripts. With `tls` it speaks TLS, for the names of that certificate."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._scripts = scripts or (reply(),)
        self._tls = tls
        self._host = host
        self.port = 0
        self.received: list[Received] = []
        self.opened = 0

    def __repr__(self) -> str:
        return f"<ScriptedUpstream {self.url} [{self.opened} opened, {len(self.received)} received]>"

    async def start(self, nursery: trio.Nursery, *, port: int = 0) -> ScriptedUpstream:
        """Listen, and serve in that nursery until it is cancelled. OSError where the port is taken."""
        listeners = await nursery.start(self._listen, port)
        self.port = listeners[0].socket.getsockname()[1]
        return self

    async def _listen(
        self, port: int, task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        await trio.serve_tcp(self._play, port, host=self._host, task_status=task_status)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    @property
    def target(self) -> Target:
        return Target.parse(self.url)

    async def _play(self, plain: trio.SocketStream) -> None:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        stream: trio.abc.Stream = plain
        if self._tls is not None:
            stream = trio.SSLStream(plain, self._tls, server_side=True)
        try:
            await script(Wire(self, stream, plain.socket))
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            pass
        finally:
            await trio.aclose_forcefully(stream)


def reply(status: int = 200, body: bytes = b"", headers: Sequence[Line] = (), *, times: int | None = None) -> Script:
    """A script that gives each request this answer; after `times` of them it closes the connection."""
    return says(answer(status, body, headers), times=times)


def says(data: bytes, *, times: int | None = 1) -> Script:
    """A script that reads a request and sends these bytes as they are; after `times` of them it closes."""

    async def script(wire: Wire) -> None:
        left = times
        while left != 0 and await wire.request() is not None:
            await wire.send(data)
            left = None if left is None else left - 1

    return script


async def hangs(wire: Wire) -> None:
    """A script that reads the request and then says nothing, until the other side goes."""
    await wire.request()
    while await wire.receive():
        pass


async def resets(wire: Wire) -> None:
    """A script that reads the request and breaks the connection."""
    await wire.request()
    await wire.reset()


def answer(status: int = 200, body: bytes = b"", headers: Sequence[Line] = ()) -> bytes:
    """The bytes of an answer with a length."""
    lines = b"".join(b"%b: %b\r\n" % line for line in headers)
    return b"HTTP/1.1 %d Scripted\r\n%bcontent-length: %d\r\n\r\n%b" % (status, lines, len(body), body)


def parse_head(head: bytes) -> tuple[str, str, Headers]:
    """Method, path and header lines of a request's head."""
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    pairs = [line.split(":", 1) for line in lines]
    return method, path, Headers([(name.lower().encode(), value.strip().encode("latin-1")) for name, value in pairs])


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port
