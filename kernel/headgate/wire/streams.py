"""A request on a stream, HTTP/2's or HTTP/3's: read, answered, and ended, whatever becomes of it.

1. A stream ends whole, or is reset: with INTERNAL_ERROR where its exchange died, with NO_ERROR where the answer is out
   and the request is not (RFC 9113 §8.1, RFC 9114 §4.1).
2. A request that breaks a rule of HTTP is answered on its stream.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import trio
from h2.errors import ErrorCodes

from headgate.errors import ClientGone
from headgate.http2 import Lines, Stream, StreamFault
from headgate.message.body import BytesBody
from headgate.message.request import Client
from headgate.wire.answering import admitted, answer_problem, run_handler
from headgate.wire.h2_body import Http2Body
from headgate.wire.h2_head import read_h2_head
from headgate.wire.h2_reply import Http2Reply
from headgate.wire.refusal import Refusal
from headgate.wire.requests import request_of
from headgate.wire.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from headgate.wire.head import Head
    from headgate.wire.table import Connections


class Streams(Protocol):
    """What a reply and a body need of the connection that their stream is on: `http2.Session`, `h3.H3Session`."""

    def send_head(self, stream: Stream, lines: Lines, *, end: bool = False) -> None: ...
    def send_end(self, stream: Stream) -> None: ...
    async def send(self, stream: Stream, data: bytes, *, end: bool = False) -> None: ...
    def reset(self, stream: Stream, code: int = ...) -> None: ...


def serve_stream(
    table: Connections, session: Streams, client: Client, stream: Stream, *, ended: bool, version: str
) -> Coroutine[Any, Any, None]:
    """Answer the request that opened a stream; `ended` says that it has no body. Raises nothing but cancellation.

    It gives a coroutine and is none: the call counts from now on, not from when its task first runs, and a drain that begins
    in between waits for it.
    """
    return _serve(table.begin(), table, session, client, stream, ended=ended, version=version)


async def _serve(
    scope: trio.CancelScope,
    table: Connections,
    session: Streams,
    client: Client,
    stream: Stream,
    *,
    ended: bool,
    version: str,
) -> None:
    head_only = (b":method", b"HEAD") in (stream.head or ())
    reply = Http2Reply(session, stream, table, head_only=head_only, cancel=scope.cancel)
    try:
        with scope:
            await _answer(table, session, client, stream, reply, ended=ended, version=version)
            if reply.stage is Stage.ENDED:
                await _linger(table, stream)
    finally:
        table.ended(scope)
    session.reset(stream, ErrorCodes.NO_ERROR if reply.stage is Stage.ENDED else ErrorCodes.INTERNAL_ERROR)


async def _answer(
    table: Connections,
    session: Streams,
    client: Client,
    stream: Stream,
    reply: Http2Reply,
    *,
    ended: bool,
    version: str,
) -> None:
    try:
        head = _read(table, client, stream, version)
    except Refusal as refusal:
        refusal.version = version
        await _refuse(table, client, stream, reply, refusal)
        return
    if table.valve.shut:
        with suppress(ClientGone):
            if not await admitted(table.valve, reply, head.headers):
                return
    body = _body(table, session, stream, head, ended=ended)
    request = request_of(head, body, client, table.next_id())
    await run_handler(table.handler, request, client, reply)


def _read(table: Connections, client: Client, stream: Stream, version: str) -> Head:
    limits = table.limits
    head = read_h2_head(stream.head or (), limits, tls=client.tls)
    head.version = version
    if limits.body_bytes is not None and head.length is not None and head.length > limits.body_bytes:
        raise Refusal(413, f"The body may hold at most {limits.body_bytes} bytes (RFC 9110 §15.5.14).")
    return head


def _body(table: Connections, session: Streams, stream: Stream, head: Head, *, ended: bool) -> BytesBody | Http2Body:
    if ended or head.upgrade is not None:  # what comes behind a handshake is no body
        return BytesBody()
    return Http2Body(session, stream, table.limits, head.length, continues=head.continues)


async def _refuse(table: Connections, client: Client, stream: Stream, reply: Http2Reply, refusal: Refusal) -> None:
    refusal.id = table.next_id()
    pseudo = dict(stream.head or ())
    refusal.method = pseudo.get(b":method", b"-").decode("latin-1")
    refusal.target = pseudo.get(b":path", b"-")[: table.limits.request_line_bytes]
    table.refused(client, refusal)
    with suppress(ClientGone):
        await answer_problem(reply, refusal.status, refusal.detail, refusal.id)


async def _linger(table: Connections, stream: Stream) -> None:
    """Throw away what still comes of a request that has its answer, as some clients read it only when all is sent."""
    limits, thrown = table.limits, 0
    with trio.move_on_after(limits.linger_s), suppress(StreamFault):
        while thrown < limits.linger_bytes and (piece := await stream.receive()):
            thrown += len(piece)
