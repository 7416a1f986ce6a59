"""However the bytes are cut, the answers are the same; whatever the bytes are, the connection ends in time."""

from __future__ import annotations

import re

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.message import Client, Response
from headgate.wire import Connections, Limits

GET = b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
STREAMS = {
    "pipelined": GET + b"\r\nPOST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\na\r\n\r\nb!" + GET,
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n" + GET,
    "refused": GET + b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n" + GET,
    "bare LF": b"GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n" + GET,
    "bad chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + GET,
    "old": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n" + GET,
    "large": b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 200 + b"\r\n\r\n" + GET,
    "upgrade": b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\nGET "
    + GET,
    "continue": b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nGET " + GET,
}


async def tell(request, client, reply):
    body = b""
    while piece := await request.body.read():
        body += piece
    await reply.send(Response(200, [(b"x-path", request.raw_path)], b"<" + body + b">"))


async def heard(connections, pieces):
    """All that comes back for these pieces, without what differs from run to run."""
    client, server = trio.testing.memory_stream_pair()
    said = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connections.serve_stream, server, Client("192.0.2.1", 1))
        for piece in pieces:
            try:
                await client.send_all(piece)
            except trio.BrokenResourceError:
                break
            await trio.testing.wait_all_tasks_blocked()
        await client.send_eof()
        while more := await client.receive_some():
            said += more
    said = re.sub(rb"urn:request:[0-9a-f]+", b"", said)
    return re.sub(rb"(?m)^(date|x-request-id): .*\r\n", b"", said)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
async def test_every_cut_gives_the_same_answers(stream, autojump_clock):
    connections = Connections(tell, Limits(header_bytes=150))
    whole = await heard(connections, [stream])
    assert whole.startswith(b"HTTP/1.1 ")
    for at in range(1, len(stream)):
        assert await heard(connections, [stream[:at], stream[at:]]) == whole, stream[:at]
    assert await heard(connections, [stream[at : at + 1] for at in range(len(stream))]) == whole


PARTS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /x HTTP/1.1\r\n",
        b"HEAD / HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b" ",
        b"Expect: 100-continue\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"\0",
        b"A: b\r\n",
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"\xff",
    ]
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(st.one_of(PARTS, st.binary(max_size=40)), max_size=12), closes=st.booleans())
def test_no_bytes_crash_or_hang_a_connection(pieces, closes, caplog, until):
    async def main():
        connections = Connections(tell, Limits())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.sweep)
            client, server = trio.testing.memory_stream_pair()
            nursery.start_soon(connections.serve_stream, server, Client("192.0.2.1", 1))
            with trio.fail_after(600):
                for piece in pieces:
                    try:
                        await client.send_all(piece)
                    except trio.BrokenResourceError:
                        break
                    await trio.testing.wait_all_tasks_blocked()
                if closes:
                    await client.send_eof()
                while await client.receive_some():
                    pass
                await until(lambda: not connections.live)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert not caplog.records
