"""The body of a request as an ASGI server hands it over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import trio

from headgate.errors import ClientFault, ClientGone, Failure
from headgate.message.body import too_large
from headgate.wire.limits import Limits


class AsgiBody:
    """A `Body`. `over` says that there is none."""

    __slots__ = ("_arrived", "_failure", "_limits", "_receive", "complete", "gone", "length", "received")

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        limits: Limits,
        length: int | None,
        *,
        over: bool = False,
    ) -> None:
        self.length = 0 if over else length
        self.received = 0
        self.complete = over
        self.gone = False
        self._receive = receive
        self._arrived = trio.Event()
        if over:
            self._arrived.set()
        self._limits = limits
        self._failure: Failure | None = None

    def __repr__(self) -> str:
        return f"<AsgiBody {self.received} bytes{', complete' if self.complete else ''}>"

    async def read(self) -> bytes:
        """The next piece, b"" at the end. ClientFault `request.timeout` or `request.too_large`; ClientGone."""
        if self._failure is not None:
            raise self._failure
        while not self.complete:
            try:
                piece = await self._next()
            except Failure as failure:
                self._failure = failure
                raise
            if piece:
                return piece
        return b""

    async def _next(self) -> bytes:
        with trio.move_on_after(self._limits.body_idle_s) as scope:
            message = await self._receive()
        if scope.cancelled_caught:
            raise ClientFault("request.timeout", "The body took too long to arrive.", status=408)
        if message["type"] != "http.request":
            self.gone = True
            raise ClientGone
        piece = bytes(message.get("body", b""))
        if not message.get("more_body", False):
            self.complete = True
            self._arrived.set()
        self.received += len(piece)
        if self._limits.body_bytes is not None and self.received > self._limits.body_bytes:
            raise too_large(self._limits.body_bytes)
        return piece

    async def wait_complete(self) -> None:
        """Return when all of it has been read: ASGI has one queue for the body and for the client's going."""
        await self._arrived.wait()

    async def aclose(self) -> None:
        """The rest is not wanted; the server throws it away."""
