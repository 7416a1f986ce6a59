"""Clients that take their time on purpose: each is cut off within the limit that is named. See docs/http.md."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from headgate.errors import ClientFault, ClientGone
from headgate.message import Response, read_all

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TICK_S = 1.5


async def drip(talk, pieces, pause_s):
    """Send piece after piece until the other side has had enough; when that was."""
    for piece in pieces:
        try:
            await talk.say(piece)
        except trio.BrokenResourceError:
            break
        await trio.sleep(pause_s)
    return trio.current_time()


def endless(start, again):
    yield start
    for _ in range(100_000):
        yield again


@pytest.mark.parametrize(
    ("pieces", "limit_s", "status"),
    [
        (endless(b"G", b""), 10, 408),
        ([GET[at : at + 1] for at in range(len(GET))], 10, 408),
        (endless(b"GET / HTTP/1.1\r\nHost: a\r\n", b"a: b\r\n"), 10, 408),
        (endless(b"GET /", b"a"), 10, 408),
        (endless(b"\r", b""), 10, None),
    ],
    ids=["one byte", "byte by byte", "line by line", "an endless target", "half a blank line"],
)
async def test_a_head_that_takes_too_long_is_cut_off(lane, autojump_clock, until, pieces, limit_s, status):
    async with lane(socket=False, header_s=limit_s, linger_s=1) as node:
        talk, start = node.memory(), trio.current_time()
        node.nursery.start_soon(drip, talk, pieces, 0.9)
        if status is None:
            assert await talk.closed() == b""
        else:
            assert (await talk.answer()).status == status
            await talk.closed()
        await until(lambda: not node.connections.live)
        assert limit_s <= trio.current_time() - start <= limit_s + 1 + 2 * TICK_S


@pytest.mark.parametrize(
    "pieces",
    [
        endless(HEAD, b"1\r\nx\r\n"),
        endless(HEAD, b"0"),
        endless(HEAD + b"5;", b"a"),
        endless(HEAD + b"ffff\r\n", b"x"),
        endless(HEAD + b"0\r\n", b"a: b\r\n"),
        endless(HEAD + b"0\r\na:", b"b"),
        endless(HEAD + b"0\r\n\r", b""),
        endless(HEAD, b""),
        endless(HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: 9999"), b"x"),
        endless(HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: 9999\r\nExpect: 100-continue"), b""),
    ],
    ids=[
        "chunks of one byte", "a chunk's size", "a chunk's extension", "a chunk's data", "trailers", "a trailer",
        "the last line", "nothing", "a body of known length", "nothing after 100",
    ],
)  # fmt: skip
async def test_a_body_that_takes_too_long_is_cut_off(lane, autojump_clock, until, pieces):
    """With a byte every 0.9 s, at 240 bytes a second on average; each form ends with 408 and the connection's end."""
    async with lane(socket=False, body_idle_s=20, linger_s=1) as node:
        talk, start = node.memory(), trio.current_time()
        node.nursery.start_soon(drip, talk, pieces, 0.9)
        answer = await talk.answer()
        if answer.status == 100:
            answer = await talk.answer()
        assert (answer.status, answer.headers[b"connection"]) == (408, b"close")
        await talk.closed()
        await until(lambda: not node.connections.live)
        assert 20 <= trio.current_time() - start <= 25


async def test_what_arrived_fast_buys_time_for_what_is_slow_and_no_more(lane, autojump_clock):
    """The rate is an average: who has sent 24,000 bytes at once may then be slow for another 100 seconds."""
    async with lane(socket=False, body_idle_s=20, linger_s=1) as node:
        talk, start = node.memory(), trio.current_time()
        node.nursery.start_soon(drip, talk, endless(HEAD + b"fffff\r\n" + b"x" * 24_000, b"x"), 0.9)
        assert (await talk.answer()).status == 408
        assert 100 <= trio.current_time() - start <= 125


async def test_an_unread_body_that_dribbles_in_does_not_hold_the_connection(lane, autojump_clock, until):
    async def handler(request, client, reply):
        await reply.send(Response(200))

    async with lane(handler, socket=False, body_idle_s=20, linger_s=1) as node:
        talk, start = node.memory(), trio.current_time()
        body = endless(HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: 9999"), b"x")
        node.nursery.start_soon(drip, talk, body, 0.9)
        assert (await talk.answer()).status == 200
        await talk.closed()
        await until(lambda: not node.connections.live)
        assert trio.current_time() - start <= 25


async def test_who_keeps_talking_after_the_end_is_not_listened_to_for_long(lane, autojump_clock, until):
    async with lane(socket=False, linger_s=5) as node:
        talk, start = node.memory(), trio.current_time()
        node.nursery.start_soon(drip, talk, endless(b"nonsense\r\n\r\n", b"more"), 0.9)
        assert (await talk.answer()).status == 400
        await until(lambda: not node.connections.live)
        assert 5 <= trio.current_time() - start <= 5 + 2 * TICK_S


async def test_who_pipelines_and_never_reads_is_cut_off(lane, autojump_clock, until):
    """The answers fill what is between us; then nothing more is read, and the stall limit runs."""
    handled = []

    async def handler(request, client, reply):
        handled.append(trio.current_time())
        await reply.send(Response(200, [], b"x" * 10_000))

    async with lane(handler, socket=False, write_stall_s=40) as node:
        talk = node.memory(trio.testing.lockstep_stream_pair)
        node.nursery.start_soon(drip, talk, [GET * 500], 0)
        await until(lambda: handled and not node.connections.live)
        assert len(handled) == 1
        assert 40 <= trio.current_time() - handled[0] <= 40 + TICK_S


async def test_who_pipelines_and_never_reads_a_socket_is_cut_off(lane):
    gone = trio.Event()

    async def handler(request, client, reply):
        try:
            await reply.send(Response(200, [], b"x" * 200_000))
        except ClientGone:
            gone.set()
            raise

    async with lane(handler, write_stall_s=0.2, tick_s=0.05) as node:
        talk = await node.connect()
        node.nursery.start_soon(drip, talk, [GET * 1000], 0)
        with trio.fail_after(20):
            await gone.wait()
        await talk.stream.aclose()


async def test_who_sips_an_answer_is_cut_off(lane):
    """A socket counts as taking bytes when a good part of its buffer has gone: a few bytes now and then are none."""
    gone = trio.Event()

    async def handler(request, client, reply):
        try:
            await reply.send(Response(200, [], b"x" * 50_000_000))
        except ClientGone:
            gone.set()
            raise

    async with lane(handler, write_stall_s=0.4, tick_s=0.05) as node:
        sock = trio.socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await sock.connect(node.address[:2])
        with sock:
            await sock.send(GET)
            with trio.fail_after(20):
                while not gone.is_set():
                    await sock.recv(10)
                    with trio.move_on_after(0.02):
                        await gone.wait()


async def test_a_slow_client_is_told_why(lane, autojump_clock):
    async def handler(request, client, reply):
        with pytest.raises(ClientFault) as caught:
            await read_all(request.body, 1000)
        assert caught.value.kind == "request.timeout"
        await reply.send(Response(408, [], caught.value.message.encode()))

    async with lane(handler, socket=False, body_idle_s=20) as node:
        talk = node.memory()
        await talk.say(HEAD + b"5\r\nhe")
        assert (await talk.answer()).body == b"The body took too long to arrive."
