"""The client's end of a tunnel: on a connection of the lane that has left HTTP behind, or on a stream of HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.errors import ClientGone
from headgate.http2 import Stream, StreamFault

if TYPE_CHECKING:
    from headgate.wire.channel import Channel
    from headgate.wire.h2_reply import Http2Reply
    from headgate.wire.streams import Streams
    from headgate.wire.writer import Reply


class LaneTunnel:
    """A `Tunnel` over a connection of HTTP/1.1."""

    __slots__ = ("_channel", "_reply", "length")

    def __init__(self, channel: Channel, reply: Reply) -> None:
        self.length: int | None = None
        self._channel = channel
        self._reply = reply

    def __repr__(self) -> str:
        return f"<LaneTunnel {self._channel!r}>"

    async def read(self) -> bytes:
        """The next bytes, b"" at the end."""
        channel = self._channel
        if not channel.buffer and not await channel.more():
            return b""
        data, channel.buffer = channel.buffer, b""
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. ClientGone."""
        self._reply.bytes_out += len(data)
        rest = self._channel.send_now(data)
        if rest is not None:
            await self._channel.push(rest)

    async def aclose(self) -> None:
        """The connection closes it, when the exchange is over."""


class StreamTunnel:
    """A `Tunnel` on a stream of HTTP/2 (RFC 8441)."""

    __slots__ = ("_reply", "_session", "_stream", "length")

    def __init__(self, session: Streams, stream: Stream, reply: Http2Reply) -> None:
        self.length: int | None = None
        self._session = session
        self._stream = stream
        self._reply = reply

    def __repr__(self) -> str:
        return f"<StreamTunnel {self._stream!r}>"

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. ClientGone."""
        try:
            return await self._stream.receive()
        except StreamFault:
            raise ClientGone from None

    async def write(self, data: bytes) -> None:
        """Send all of it. ClientGone."""
        self._reply.bytes_out += len(data)
        try:
            await self._session.send(self._stream, data)
        except StreamFault:
            raise ClientGone from None

    async def aclose(self) -> None:
        """The stream ends with its reply."""
