"""A WebSocket of an ASGI server as a `Tunnel`: messages become frames towards the upstream, and frames messages.

A server has put a message together before we see it; so here, unlike at the other doors, one message at a time is held.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from headgate.errors import ClientGone
from headgate.message.websocket import BINARY, TEXT, Frames, close_frame, frame

if TYPE_CHECKING:
    from headgate.wire.asgi_reply import AsgiReply

# As much as the servers themselves take of a client: hypercorn and uvicorn 16 MiB.
_MESSAGE_BYTES: Final = 1 << 24


class AsgiTunnel:
    """The client's end."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        reply: AsgiReply,
    ) -> None:
        self.length: int | None = None
        self._receive = receive
        self._send = send
        self._reply = reply
        self._said: list[dict[str, Any]] = []
        self._frames = Frames(masked=False, message=self._hear, most=_MESSAGE_BYTES)
        self._over = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<AsgiTunnel {self._frames!r}>"

    def _hear(self, kind: int, payload: bytes) -> None:
        if kind == TEXT:
            self._said.append({"type": "websocket.send", "text": payload.decode("utf-8", "replace")})
        else:
            self._said.append({"type": "websocket.send", "bytes": payload})

    async def read(self) -> bytes:
        """What the client says next, as frames; b"" at the end."""
        if self._over:
            return b""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._over = True
            code = message.get("code", 1005)
            # hypercorn says 1006 of every close that a client begins, and of every client that is lost.
            return close_frame(1000 if code in (1005, 1006) else code, mask=os.urandom(4))
        if message.get("text") is not None:
            return frame(TEXT, message["text"].encode(), mask=os.urandom(4))
        return frame(BINARY, bytes(message.get("bytes") or b""), mask=os.urandom(4))

    async def write(self, data: bytes) -> None:
        """Say what these frames say. ClientGone."""
        self._frames.feed(data)
        self._reply.bytes_out += len(data)
        said, self._said = self._said, []
        try:
            for message in said:
                await self._send(message)
            if self._frames.closed is not None and not self._closed:
                self._closed = True
                code = self._frames.closed
                await self._send({"type": "websocket.close", "code": 1000 if code == 1005 else code})
        except OSError:
            raise ClientGone from None

    async def aclose(self) -> None:
        """The server closes it, when the exchange is over."""
