"""Answers that are on their way: piece by piece, through the filters that lines attached, with back-pressure.

A durable answer holds its last piece back until its row is committed (`log.call durable=true`), so that every answer
a client received whole has a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from headgate.errors import Failure
from headgate.message.body import BytesBody, is_ready, trailers_of
from headgate.pipeline.grpc import note_status
from headgate.pipeline.rows import row_of

if TYPE_CHECKING:
    from headgate.contracts.exchange import BodyFilter, Exchange
    from headgate.message.response import Response
    from headgate.pipeline.reply import Reply


async def relay(x: Exchange, response: Response, reply: Reply) -> None:
    """Send an answer whose body streams, is filtered, or is held for its row. Raises what reading and writing raise."""
    body = BytesBody(response.body) if isinstance(response.body, bytes) else response.body
    filters = x.filters
    length = None if filters else body.length
    if filters:
        response.headers.remove(b"content-length")
    await reply.head(response.status, response.headers, length)
    if length is None and (filters or x.durable or not is_ready(body)):
        await reply.flush()  # The first piece may be long in coming.
    held = b""
    try:
        while piece := await body.read():
            piece = _filtered(filters, piece, last=False) if filters else piece
            if x.durable:
                held, piece = piece, held
            await reply.write(piece)
    except Failure:
        # An answer that breaks off is not whole, so nothing is promised; what came last may say what went wrong.
        await reply.write(held)
        raise
    rest = _filtered(filters, b"", last=True) if filters else b""
    trailers = trailers_of(body)
    if trailers:
        note_status(x, trailers)
    if x.durable:
        x.bytes_in, x.bytes_out = x.request.received, reply.bytes_out + len(held + rest)
        await _commit(x)
    await reply.write(held + rest)
    await reply.end(trailers)


def _filtered(filters: list[BodyFilter], piece: bytes, *, last: bool) -> bytes:
    for call in filters:
        piece = call(piece, last)
    return piece


async def _commit(x: Exchange) -> None:
    """The row goes first, as of now: what it cannot know yet is whether the last bytes arrive.

    Shielded, for as long as the store has patience: who is cancelled here would not know whether there is a row.
    """
    x.outcome = x.outcome or "ok"
    calls = x.node.stores.calls
    if calls is not None:
        with trio.CancelScope(shield=True):
            await calls.add_durably(row_of(x))
        x.logged = True
