"""A whole connection: whatever a client sends, in whatever pieces, and whether it closes or stays, the lane answers what it
can, logs no bug, and has let go of the connection when its limits say so. The clock jumps."""

from __future__ import annotations

import logging

import trio
import trio.testing
from tests.fuzz.running import run

from headgate.message import Client, Request, Response
from headgate.wire import Connections, Limits, Reply

# Beyond every limit of a lane together.
PATIENCE_S = 3600
SEEDS = (
    b"\x00GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"\x01POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"\x03HEAD /unread HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabcGET",
)


class Told(logging.Handler):
    """Whatever is logged is a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())


async def tell(request: Request, client: Client, reply: Reply) -> None:
    """Read the body, unless it is not to be read, and say how much it was."""
    size = 0
    if request.path != "/unread":
        while piece := await request.body.read():
            size += len(piece)
    await reply.send(Response(200, [], b"%d" % size))


def fuzz(data: bytes) -> None:
    """The first byte says how it is cut, whether the client closes, and whether it reads."""
    told = Told()
    logger = logging.getLogger("headgate.wire")
    logger.addHandler(told)
    try:
        trio.run(talk, data[1:], data[0] if data else 0, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        logger.removeHandler(told)
    assert not told.records


async def talk(data: bytes, how: int) -> None:
    """One connection."""
    connections = Connections(tell, Limits(header_bytes=2000, linger_bytes=1000))
    step = (how >> 2) + 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connections.sweep)
        client, server = trio.testing.memory_stream_pair()
        nursery.start_soon(connections.serve_stream, server, Client("192.0.2.1", 1))
        with trio.fail_after(PATIENCE_S):
            try:
                for at in range(0, len(data), step):
                    await client.send_all(data[at : at + step])
                    await trio.testing.wait_all_tasks_blocked()
                if how & 1:
                    await client.send_eof()
            except trio.BrokenResourceError:
                pass
            while not how & 2 and await client.receive_some():
                pass
            while connections.live:
                await trio.sleep(1)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    run("lane")
