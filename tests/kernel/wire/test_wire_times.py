"""Every time limit, with a clock that jumps."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from headgate.errors import ClientFault, ClientGone
from headgate.message import Response, read_all
from headgate.wire.channel import Channel
from headgate.wire.pipe import SocketPipe
from headgate.wire.pulse import Pulse

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"


def took(start, seconds):
    """Within one tick, never early."""
    return seconds <= trio.current_time() - start <= seconds + 1.5


async def test_a_head_that_dribbles_in_is_refused_in_time(lane, autojump_clock):
    async with lane(socket=False, header_s=10) as node:
        talk, start = node.memory(), trio.current_time()
        await talk.say(GET[:-2])
        while not node.refused:
            await talk.say(b"a")
            await trio.sleep(0.9)
        assert (await talk.answer()).status == 408
        assert took(start, 10)
        assert node.refused[0].method == "GET"


async def test_a_new_connection_that_says_nothing_closes_without_a_word(lane, autojump_clock):
    async with lane(socket=False, header_s=10) as node:
        talk, start = node.memory(), trio.current_time()
        assert await talk.closed() == b""
        assert took(start, 10)
        assert not node.refused


async def test_an_idle_connection_closes_without_a_word(lane, autojump_clock):
    async with lane(socket=False, idle_s=50) as node:
        talk = node.memory()
        await talk.say(GET)
        await talk.answer()
        start = trio.current_time()
        assert await talk.closed() == b""
        assert took(start, 50)


async def test_an_idle_socket_closes_in_time(lane):
    async with lane(idle_s=0.05, tick_s=0.01) as node:
        talk = await node.connect()
        await talk.say(GET)
        await talk.answer()
        with trio.fail_after(5):
            assert await talk.closed() == b""
        await talk.stream.aclose()


async def test_a_body_that_stops_times_out_and_the_handler_may_answer(lane, autojump_clock):
    async def handler(request, client, reply):
        with pytest.raises(ClientFault) as first:
            await read_all(request.body, 1000)
        with pytest.raises(ClientFault):
            await request.body.read()
        assert first.value.kind == "request.timeout"
        await reply.send(Response(418, [], b"too slow"))

    async with lane(handler, socket=False, body_idle_s=20) as node:
        talk, start = node.memory(), trio.current_time()
        await talk.say(POST + b"some")
        answer = await talk.answer()
        assert took(start, 20)
        assert (answer.status, answer.headers[b"connection"]) == (418, b"close")
        assert await talk.closed() == b""


async def test_a_body_that_dribbles_in_times_out_on_its_average(lane, autojump_clock):
    async with lane(socket=False, body_idle_s=20, body_rate=10) as node:
        talk, start = node.memory(), trio.current_time()
        await talk.say(POST)
        while trio.current_time() - start < 60:
            try:
                await talk.say(b"x")
            except trio.BrokenResourceError:
                break
            with trio.move_on_after(5):
                assert (await talk.answer()).status == 408
                break
        assert trio.current_time() - start < 30


async def test_a_slow_body_above_the_rate_arrives(lane, autojump_clock):
    async with lane(socket=False, body_idle_s=20, body_rate=10) as node:
        talk = node.memory()
        await talk.say(POST)
        for _ in range(10):
            await trio.sleep(8)
            await talk.say(b"x" * 100)
        assert len((await talk.answer()).json()["body"]) == 1000


async def test_time_in_the_handler_does_not_count_against_the_client(lane, autojump_clock):
    async def handler(request, client, reply):
        await trio.sleep(500)
        await reply.send(Response(200, [], await request.body.read()))

    async with lane(handler, socket=False) as node:
        talk = node.memory()
        await talk.say(POST.replace(b"1000", b"4"))
        await talk.say(b"some")
        assert (await talk.answer()).body == b"some"


async def test_a_client_that_stops_reading_is_cut(lane, autojump_clock, until):
    seen = []

    async def handler(request, client, reply):
        seen.append(trio.current_time())
        try:
            await reply.send(Response(200, [], b"x" * 1_000_000))
        except ClientGone as gone:
            seen.append(gone.message)
            raise

    async with lane(handler, socket=False, write_stall_s=40) as node:
        talk = node.memory(trio.testing.lockstep_stream_pair)
        await talk.say(GET)
        await until(lambda: len(seen) == 2)
        assert took(seen[0], 40)
        assert "stopped reading" in seen[1]


async def test_a_client_that_stops_reading_a_socket_is_cut(lane):
    gone = trio.Event()

    async def handler(request, client, reply):
        try:
            await reply.send(Response(200, [], b"x" * 50_000_000))
        except ClientGone:
            gone.set()
            raise

    async with lane(handler, write_stall_s=0.1, tick_s=0.02) as node:
        talk = await node.connect()
        await talk.say(GET)
        with trio.fail_after(10):
            await gone.wait()
        await talk.stream.aclose()


async def test_lingering_ends(lane, autojump_clock, until):
    async with lane(socket=False, linger_s=5) as node:
        talk, start = node.memory(), trio.current_time()
        await talk.say(b"nonsense\r\n\r\n")
        assert (await talk.answer()).status == 400
        await until(lambda: not node.connections.live)
        assert took(start, 5)


@pytest.mark.parametrize("hastened", [False, True])
async def test_a_drain_that_is_hastened_lingers_no_longer(lane, autojump_clock, nursery, hastened):
    go = trio.Event()

    async def handler(request, client, reply):
        await go.wait()
        await reply.send(Response(200, [], b"hello"))

    async with lane(handler, socket=False, tick_s=0.1) as node:
        idle, asking = node.memory(), node.memory()
        await asking.say(GET)
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        nursery.start_soon(node.connections.drain, 60, 30)
        await trio.testing.wait_all_tasks_blocked()
        if hastened:
            node.connections.hasten()
        assert await idle.closed() == b""
        assert took(start, 0 if hastened else 30)
        go.set()
        assert (await asking.answer()).status == 200
        assert await asking.closed() == b""
        await node.connections.drained.wait()


@pytest.mark.parametrize("asked", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("linger_s", [0.0, 0.5])
async def test_a_head_that_waits_for_its_body_says_that_it_is_the_last(lane, autojump_clock, nursery, asked, linger_s):
    go = trio.Event()

    async def handler(request, client, reply):
        await reply.head(200, [(b"x-a", b"b")], 5)
        await go.wait()
        await reply.write(b"hello")
        await reply.end()

    async with lane(handler, socket=False) as node:
        talk = node.memory()
        await talk.say(b"GET / %b\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" % asked)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(node.connections.drain, 60, linger_s)
        await trio.testing.wait_all_tasks_blocked()
        go.set()
        answer = await talk.answer()
        assert (answer.headers[b"connection"], answer.headers[b"x-a"], answer.body) == (b"close", b"b", b"hello")
        assert await talk.closed() == b""


def watched(node):
    """A handler with a watcher beside it, as the engine has one: cancelled at the end, and not waited for."""

    async def handler(request, client, reply):
        scope = trio.CancelScope()

        async def watch():
            with scope:
                await reply.wait_gone()

        node().nursery.start_soon(watch)
        await trio.sleep(0.01)
        await reply.send(Response(200))
        scope.cancel()

    return handler


async def test_a_connection_whose_client_was_watched_still_falls_idle_in_time(lane):
    async with lane(watched(lambda: node), idle_s=0.05, tick_s=0.01) as node:
        talk = await node.connect()
        await talk.say(GET)
        await talk.answer()
        with trio.fail_after(5):
            assert await talk.closed() == b""
        await talk.stream.aclose()


async def test_what_a_watcher_read_at_the_last_moment_is_the_next_request():
    """The watcher's turn comes after the next reader's, with bytes to read: both were woken at once."""
    met = 0
    while met < 5:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        channel = Channel(SocketPipe(theirs), Pulse(trio.current_time(), 0.1), 1.0)
        scope = trio.CancelScope()

        async def watch(channel=channel, scope=scope):
            with scope:
                await channel.wait_gone(1000)

        with ours, trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                await trio.testing.wait_all_tasks_blocked()
                ours.send(b"GET")
                await trio.lowlevel.checkpoint()
                scope.cancel()
                if not channel.buffer:
                    met += 1
                    assert await channel.more(trio.current_time() + 60)
            assert channel.buffer == b"GET"
        await channel.close()
