"""A connection to an upstream that has left HTTP behind: the upstream's end of a tunnel, and how one is asked for."""

from __future__ import annotations

import base64
import hashlib
from math import isinf
from typing import TYPE_CHECKING

import trio

from headgate.errors import UpstreamFault
from headgate.message.headers import Line
from headgate.upstream import faults
from headgate.upstream.chunks import Malformed
from headgate.upstream.streams import BROKEN, reason

if TYPE_CHECKING:
    from headgate.upstream.call import Call
    from headgate.upstream.connection import Connection

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: bytes) -> bytes:
    """What a server answers to a client's key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def check_upgrade(asked: bytes, key: bytes | None, lines: list[Line]) -> None:
    """That an answer of 101 switches to what was asked for, and that a WebSocket server gave it. Malformed."""
    given = b",".join(value for name, value in lines if name == b"upgrade").strip().lower()
    if given != asked:
        raise Malformed(f"switched to {given.decode('latin-1')!r}, which was not asked for")
    if key is not None and (b"sec-websocket-accept", accept_key(key)) not in lines:
        raise Malformed("accepted a WebSocket without knowing the key of the handshake")


class UpstreamTunnel:
    """A `Tunnel`. `idle_s` is how long nobody may be heard on it."""

    __slots__ = ("_call", "_connection", "_rest", "idle_s", "length")

    def __init__(self, connection: Connection, call: Call, rest: bytes) -> None:
        self.length: int | None = None
        self.idle_s = call.timeouts.idle_s
        self._connection = connection
        self._call = call
        self._rest = rest

    def __repr__(self) -> str:
        return f"<UpstreamTunnel {self._connection!r}>"

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. UpstreamFault, also when the time for the whole call has passed."""
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        try:
            if isinf(self._call.total_at):
                return await self._connection.stream.receive()
            with trio.CancelScope(deadline=self._call.total_at):
                return await self._connection.stream.receive()
        except BROKEN as error:
            raise self._broken(error) from error
        self._call.phase = "body"
        raise faults.late(self._call.target, "body", None, sent=True)

    async def write(self, data: bytes) -> None:
        """Send all of it. UpstreamFault."""
        try:
            await self._connection.stream.send(data)
        except BROKEN as error:
            raise self._broken(error) from error

    def _broken(self, error: BaseException) -> UpstreamFault:
        return faults.broken(self._call.target, "body", f"broke off a tunnel ({reason(error)})")

    async def aclose(self) -> None:
        """Close it: nothing else can be done with such a connection."""
        self._connection.finish(reusable=False)
