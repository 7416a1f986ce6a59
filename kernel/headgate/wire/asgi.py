"""A node as an ASGI application: requests and WebSockets that a server has read, into the same handler as the lane's.

1. What a request may be is decided as at the other doors: path, host, sizes and expectations by the same functions. What the
   server took off before (chunks, an Upgrade) is its own business.
2. ASGI cannot reset a stream, hear of a client's absence while a body is unread, or say Continue: what is left is to
   return before the answer is whole, which no server may take for its end, and hypercorn takes as it does an exception,
   without a traceback (docs/http.md).
3. A WebSocket comes as messages; towards the upstream they are frames again (`asgi_tunnel`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import trio

from headgate.message.headers import Line
from headgate.message.request import Client
from headgate.wire.answering import answer_problem, run_handler
from headgate.wire.asgi_body import AsgiBody
from headgate.wire.asgi_reply import AsgiReply
from headgate.wire.h2_head import read_h2_head
from headgate.wire.ids import Ids
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal
from headgate.wire.requests import request_of

if TYPE_CHECKING:
    from headgate.wire.handler import Exchanger, OnRefused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Of the connection between client and server: the server has acted on them.
_THE_SERVER_S = frozenset({b"connection", b"transfer-encoding", b"upgrade", b"keep-alive", b"te", b"http2-settings"})


class AsgiDoor:
    """Answers what an ASGI server hands over: scopes of the types `http` and `websocket`."""

    def __init__(
        self, handler: Exchanger, limits: Limits | None = None, *, on_refused: OnRefused | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits or Limits()
        self._on_refused = on_refused
        self._ids = Ids()
        self.draining = trio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one WebSocket. An answer that cannot be completed is left without its end."""
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        client = _client(scope)
        with trio.CancelScope() as cancel:
            body = AsgiBody(receive, self._limits, _length(scope), over=scope["type"] == "websocket")
            reply = AsgiReply(scope, body, receive, send, cancel.cancel, self.draining)
            try:
                head = read_h2_head(_lines(scope), self._limits, tls=client.tls)
            except Refusal as refusal:
                await self._refuse(scope, client, reply, refusal)
            else:
                head.version = scope.get("http_version", "1.1")
                head.upgrade = "websocket" if scope["type"] == "websocket" else None
                await run_handler(self._handler, request_of(head, body, client, self._ids.next()), client, reply)

    async def _refuse(self, scope: Scope, client: Client, reply: AsgiReply, refusal: Refusal) -> None:
        refusal.id = self._ids.next()
        refusal.method = scope.get("method", "GET")
        refusal.target = scope.get("raw_path") or b"-"
        refusal.version = scope.get("http_version", "1.1")
        if self._on_refused is not None:
            self._on_refused(client, refusal)
        await answer_problem(reply, refusal.status, refusal.detail, refusal.id)


def _lines(scope: Scope) -> list[Line]:
    """The head as HTTP/2 has it."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    target = raw.partition(b"?")[0] + (b"?" + scope["query_string"] if scope.get("query_string") else b"")
    secure = scope["scheme"] in ("https", "wss")
    lines = [(b":method", scope.get("method", "GET").encode()), (b":scheme", b"https" if secure else b"http")]
    lines.append((b":path", target))
    for name, value in scope["headers"]:
        if name.lower() not in _THE_SERVER_S:
            lines.append((bytes(name).lower(), bytes(value)))
    return [line for line in lines if line[0] != b"sec-websocket-extensions"]  # messages come uncompressed


def _client(scope: Scope) -> Client:
    ip, port = scope.get("client") or ("0.0.0.0", 0)  # noqa: S104 - nobody's address, where the server knows none
    return Client(ip, port, tls=scope["scheme"] in ("https", "wss"))


def _length(scope: Scope) -> int | None:
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else None
