"""A connection of HTTP/2 over memory: both sides of it ours, or one side ours and bare bytes at the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import trio
import trio.testing

from headgate.http2 import Session, Sizes, Stream, StreamFault

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = [(b":method", b"GET"), (b":path", b"/"), (b":scheme", b"http"), (b":authority", b"a.test")]
OK = [(b":status", b"200")]


class Memory:
    """One end of a pair of streams in memory."""

    def __init__(self, stream):
        self.stream = stream

    async def receive(self):
        return bytes(await self.stream.receive_some(65536))

    async def send(self, data):
        await self.stream.send_all(data)


@asynccontextmanager
async def pair(handle: Callable[[Session, Stream], Awaitable[None]], **sizes):
    """A client's session and a server's, whose streams are given to `handle`."""
    one, two = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def run(stream):
            with suppress(StreamFault):
                await handle(server, stream)

        def opened(stream, ended):
            nursery.start_soon(run, stream)

        server = Session(Memory(two), Sizes(**sizes), client=False, opened=opened)
        client = Session(Memory(one), Sizes(streams=0), client=True)
        await nursery.start(server.run)
        await nursery.start(client.run)
        yield client, server
        client.end()
        server.end()
        nursery.cancel_scope.cancel()


async def echo(session, stream):
    session.send_head(stream, OK)
    while piece := await stream.receive():
        await session.send(stream, piece)
    session.send_head(stream, [(b"x-trail", b"1")], end=True)


async def whole(stream):
    pieces = []
    while piece := await stream.receive():
        pieces.append(piece)
    return b"".join(pieces)


@asynccontextmanager
async def raw(handle=echo, *, client=False, **sizes):
    """A session and the bare other end."""
    one, two = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:

        def opened(stream, ended):
            nursery.start_soon(handle, session, stream)

        session = Session(Memory(two), Sizes(**sizes), client=client, opened=None if client else opened)
        await nursery.start(session.run)
        yield session, one
        session.end()
        nursery.cancel_scope.cancel()
