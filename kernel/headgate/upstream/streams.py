"""A connection's bytes, clear or TLS, with what a pool needs besides: is it still quiet, and has anything gone out.

The clear stream works on the bare socket: trio's own socket layer passes through the scheduler after every call that
did not block, and a request would pay for that twice. Here a send that fits is one system call and no switch; a receive
waits for readability first, which is a checkpoint, and then is one system call.
"""

from __future__ import annotations

import socket
import ssl
from typing import Protocol

import trio

from headgate.upstream.quiet import Quiet

# An answer of 64 KiB comes in one piece with its head, where the kernel has it.
RECEIVE_BYTES = 65536 + 4096
# What a socket's send buffer takes without its reader's help on every system that we know.
SMALL_SEND_BYTES = 32768

# What a broken connection raises, whichever layer noticed.
BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


class ByteStream(Protocol):
    """Bytes both ways. Every method but `close` and `quiet` raises one of `BROKEN` once the connection is gone.

    `touched` is True as soon as a byte of ours can have reached the other side.
    """

    touched: bool

    async def start(self, data: bytes) -> bytes:
        """Send what goes out without waiting for the reader, and give back the rest."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of it. Cancelling leaves an unknown part sent."""
        ...

    async def receive(self) -> bytes:
        """The next bytes; b"" where the other side ended properly. Always a checkpoint."""
        ...

    def quiet(self) -> bool:
        """Whether nothing has come in unread, not even an end. One system call, never blocks."""
        ...

    def close(self) -> None:
        """Close at once. Idempotent; whoever waits on the stream is woken with one of `BROKEN`."""
        ...


class ClearStream:
    """TCP, on a non-blocking socket that is ours alone."""

    __slots__ = ("_quiet", "_socket", "touched")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.touched = False
        self._quiet = Quiet(connected)

    async def start(self, data: bytes) -> bytes:
        try:
            count = self._socket.send(data)
        except BlockingIOError:
            return data
        self.touched = True
        return data[count:] if count < len(data) else b""

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
                self.touched = True
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)

    async def receive(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            self._quiet.read += len(data)
            return data

    def quiet(self) -> bool:
        return self._quiet()

    def close(self) -> None:
        if self._socket.fileno() != -1:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class TlsStream:
    """TLS over trio's stream. An end without `close_notify` is a broken connection, never an end (RFC 8446 §6.1)."""

    __slots__ = ("_socket", "_stream", "touched")

    def __init__(self, stream: trio.SSLStream[trio.SocketStream], connected: socket.socket) -> None:
        self._stream = stream
        self._socket = connected
        self.touched = False

    @property
    def session(self) -> trio.SSLStream[trio.SocketStream]:
        """The TLS session, which tells the protocol that ALPN chose."""
        return self._stream

    async def start(self, data: bytes) -> bytes:
        if len(data) > SMALL_SEND_BYTES:
            return data
        await self.send(data)
        return b""

    async def send(self, data: bytes) -> None:
        self.touched = True
        await self._stream.send_all(data)

    async def receive(self) -> bytes:
        return bytes(await self._stream.receive_some(RECEIVE_BYTES))

    def quiet(self) -> bool:
        return is_quiet(self._socket)

    def close(self) -> None:
        self._stream.transport_stream.socket.close()


def is_quiet(sock: socket.socket) -> bool:
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


async def start_tls(connected: socket.socket, context: ssl.SSLContext, host: str) -> TlsStream:
    """Shake hands as a client, checking that the certificate is `host`'s. Raises one of `BROKEN`."""
    transport = trio.SocketStream(trio.socket.from_stdlib_socket(connected))
    stream = trio.SSLStream(transport, context, server_hostname=host)
    await stream.do_handshake()
    return TlsStream(stream, connected)


def reason(error: BaseException) -> str:
    """What a broken connection says of itself, in words."""
    cause = error.__cause__ if isinstance(error, trio.BrokenResourceError) and error.__cause__ else error
    if isinstance(cause, ssl.SSLEOFError):
        return "it ended without TLS's notice of an end"
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__).lower()
