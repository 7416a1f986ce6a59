"""The client's side of one request, through an ASGI server. See `writer.Reply` for what a reply promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

import trio

from headgate.errors import ClientGone, InternalError
from headgate.wire.answer import Framing, check_lines, choose, travelling_trailers
from headgate.wire.asgi_body import AsgiBody
from headgate.wire.asgi_tunnel import AsgiTunnel
from headgate.wire.relaying import relay_body
from headgate.wire.stage import Stage

if TYPE_CHECKING:
    from headgate.message.headers import Line
    from headgate.message.response import Response
    from headgate.message.tunnel import Tunnel


class AsgiReply:
    """The answer to one request. Belongs to one task; `wait_gone` may run beside it."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        body: AsgiBody,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        cancel: Callable[[], None],
        draining: trio.Event,
    ) -> None:
        self._scope = scope
        self._body = body
        self._receive = receive
        self._send = send
        self._cancel = cancel
        self._draining = draining
        self._prefix = "websocket.http" if scope["type"] == "websocket" else "http"
        self._trailers = "http.response.trailers" in (scope.get("extensions") or {})
        self._framing = Framing.NONE
        self._left: int | None = None
        self._prepared: dict[str, Any] = {}
        self._tunnelled = False
        self._said_all = False
        self.keep_alive = True
        self.head_sent = False
        self.bytes_out = 0
        self.stage = Stage.EMPTY

    def __repr__(self) -> str:
        return f"<AsgiReply {self.stage.value}, {self.bytes_out} bytes out>"

    async def send(self, response: Response) -> None:
        """Send head and whole body. A Body is relayed piece by piece and closed; what its `read` raises comes through."""
        body = response.body
        if isinstance(body, bytes):
            await self.head(response.status, response.headers, len(body))
            await self.write(body)
            await self.end()
            return
        try:
            await self.head(response.status, response.headers, body.length)
            await relay_body(self, body, bodiless=self._framing is Framing.NONE)
        finally:
            await body.aclose()

    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None:
        """Prepare the head; `length` is the body's size in bytes, None where it is not known. InternalError."""
        if self.head_sent:
            raise InternalError(f"A second head on {self!r}")
        self._framing = choose(status, length, head_only=self._scope.get("method") == "HEAD", is_11=True)
        self._left = length if self._framing is Framing.LENGTH else None
        lines = [line for line in check_lines(status, headers, self._framing, length) if line[0] != b"date"]
        self._prepared = {"type": f"{self._prefix}.response.start", "status": status, "headers": lines}
        if self._trailers:
            self._prepared["trailers"] = True
        self.stage = Stage.PREPARED

    async def flush(self) -> None:
        """Send a prepared head without waiting for a first piece."""
        if self.stage is Stage.PREPARED:
            self.stage = Stage.BEGUN
            self.head_sent = True
            self.bytes_out += sum(len(name) + len(value) for name, value in self._prepared["headers"])
            await self._say(self._prepared)
            if self._prefix == "http":
                await self._say({"type": "http.response.body", "body": b"", "more_body": True})

    async def write(self, piece: bytes) -> None:
        """Send one piece; b"" is nothing. ClientGone; InternalError where it is more than was declared."""
        if self.stage not in (Stage.PREPARED, Stage.BEGUN):
            raise InternalError(f"No piece belongs here: {self!r}")
        if self._framing is Framing.NONE or not piece:
            return
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                await self.abort()
                raise InternalError("The answer is longer than it was declared")
        await self.flush()
        self.bytes_out += len(piece)
        await self._say({"type": f"{self._prefix}.response.body", "body": piece, "more_body": True})

    async def _say(self, message: dict[str, Any]) -> None:
        if self._body.gone:
            raise ClientGone
        try:
            await self._send(message)
        except OSError:  # what a server may raise where the client is gone (ASGI, "Disconnected Client")
            raise ClientGone from None

    async def end(self, trailers: Iterable[Line] = ()) -> None:
        """The answer is complete. InternalError where bytes are missing."""
        if self.stage not in (Stage.PREPARED, Stage.BEGUN):
            raise InternalError(f"Nothing to end: {self!r}")
        if self._tunnelled:
            self.stage = Stage.ENDED
            return
        if self._left:
            await self.abort()
            raise InternalError(f"The answer is {self._left} bytes shorter than it was declared")
        await self.flush()
        self._said_all = True
        await self._say({"type": f"{self._prefix}.response.body", "body": b"", "more_body": False})
        if self._trailers and self._prefix == "http":
            lines = travelling_trailers(trailers)
            await self._say({"type": "http.response.trailers", "headers": lines, "more_trailers": False})
        self.stage = Stage.ENDED

    async def abort(self) -> None:
        """Give the answer up: the server never hears of its end. Idempotent."""
        if self.stage is not Stage.ENDED:
            self.stage = Stage.CUT

    async def upgrade(self, headers: Iterable[Line]) -> Tunnel:
        """Accept the WebSocket, with the subprotocol that the upstream has chosen."""
        lines = [line for line in headers if not line[0].startswith(b"sec-websocket-") and line[0] != b"upgrade"]
        chosen = next((value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"), None)
        self.stage = Stage.BEGUN
        self.head_sent = self._tunnelled = True
        await self._say({"type": "websocket.accept", "subprotocol": chosen, "headers": lines})
        return AsgiTunnel(self._receive, self._send, self)

    async def wait_drain(self) -> None:
        """Return when the node is about to go."""
        await self._draining.wait()

    @property
    def stopping(self) -> bool:
        """Whether the node is about to go, and this answer could still be given."""
        return self._draining.is_set() and self.stage is not Stage.CUT

    def cancel(self) -> None:
        """End the task that answers: for when the client is gone."""
        self._cancel()

    async def wait_gone(self) -> None:
        """Return when the server says that the client is gone. Begins to ask when the body has been read."""
        await self._body.wait_complete()
        while not self._body.gone:
            message = await self._receive()
            if self._said_all:
                await trio.sleep_forever()  # servers call the end of an answer a disconnect, too
            self._body.gone = message["type"] in ("http.disconnect", "websocket.disconnect")
