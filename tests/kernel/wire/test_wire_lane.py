"""Accepting, draining and counting."""

from __future__ import annotations

import errno
import socket
import ssl
from contextlib import suppress

import pytest
import trio
import trio.testing
import trustme

from headgate.message import Client, Response
from headgate.wire import Limits, open_listeners, serve_lane
from headgate.wire.connection import Connection
from headgate.wire.lane import client_of
from headgate.wire.limits import table
from headgate.wire.pipe import SocketPipe

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def hello(request, client, reply):
    await reply.send(Response(200, [(b"content-type", b"text/plain")], b"hello"))


def test_every_limit_has_a_unit_a_reason_and_a_precedent():
    for limit in table():
        assert set(limit.metadata) == {"unit", "reason", "precedent"}
        assert all(limit.metadata.values())


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="idle_s is 0; it must be above 0"):
        Limits(idle_s=0)


@pytest.mark.parametrize(
    ("address", "ip"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
    ],
)
def test_a_client_has_one_address(address, ip):
    assert client_of(address) == Client(ip, 5)


def test_an_address_in_use_is_an_error_and_leaks_nothing():
    [first] = open_listeners("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        open_listeners("127.0.0.1", first.getsockname()[1])
    first.close()


async def test_an_ipv6_client_is_served(lane):
    seen = []

    async def handler(request, client, reply):
        seen.append(client)
        await reply.send(Response(200))

    try:
        listeners = open_listeners("::1", 0)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_lane, listeners, handler)
        stream = await trio.open_tcp_stream("::1", listeners[0].getsockname()[1])
        await stream.send_all(GET)
        await stream.receive_some()
        await stream.aclose()
        nursery.cancel_scope.cancel()
    assert seen[0].ip == "::1"


class Exhausted:
    """A listener whose process is out of files for a while."""

    def __init__(self, listener, times):
        self.listener, self.times = listener, times

    def __getattr__(self, name):
        return getattr(self.listener, name)

    def accept(self):
        if self.times:
            self.times -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()


async def test_running_out_of_files_is_survived(lane, caplog, monkeypatch):
    [listener] = open_listeners("127.0.0.1", 0)
    address = listener.getsockname()
    exhausted = Exhausted(listener, 2)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_lane, [exhausted], hello)
        stream = await trio.open_tcp_stream(*address)
        with trio.fail_after(5):
            await stream.send_all(GET)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        await stream.aclose()
        nursery.cancel_scope.cancel()
    assert caplog.text.count("Too many open files") == 2
    assert not exhausted.times


async def test_a_connection_that_was_gone_before_it_was_taken_is_skipped(lane):
    async with lane(hello) as node:
        for _ in range(5):
            sock = socket.socket()
            sock.connect(node.address)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        talk = await node.connect()
        await talk.say(GET)
        assert (await talk.answer()).status == 200
        await talk.stream.aclose()


async def test_at_the_limit_of_connections_an_idle_one_makes_room(lane):
    async with lane(hello, connections=2) as node:
        talks = [await node.connect() for _ in range(3)]
        with trio.fail_after(5):
            await talks[2].say(GET)
            assert (await talks[2].answer()).status == 200
            assert len(node.connections.live) <= 2
        for talk in talks:
            await talk.stream.aclose()


async def test_at_the_limit_nobody_makes_room_for_nobody(lane, until):
    async with lane(hello, connections=6) as node:
        clients = [
            socket.create_connection(node.address) for _ in range(6)
        ]  # a crowd: more than one is taken in a turn
        with trio.fail_after(5):
            await until(lambda: len(node.connections.live) == 6)
        for client in clients:
            client.setblocking(False)
        await trio.testing.wait_all_tasks_blocked()
        closed = []
        for client in clients:
            with suppress(BlockingIOError):
                closed.append(client.recv(1))
            client.close()
        assert not closed


async def test_at_the_limit_of_busy_connections_accepting_waits(lane):
    go = trio.Event()

    async def handler(request, client, reply):
        await go.wait()
        await reply.send(Response(200))

    async with lane(handler, connections=1) as node:
        first = await node.connect()
        await first.say(GET)
        second = await node.connect()
        await second.say(GET)
        with trio.move_on_after(0.2) as scope:
            await second.answer()
        assert scope.cancelled_caught
        go.set()
        with trio.fail_after(5):
            assert (await first.answer()).status == 200
            assert (await second.answer()).status == 200
        await first.stream.aclose()
        await second.stream.aclose()


async def test_a_drain_closes_idle_connections_and_lets_calls_finish(lane):
    go = trio.Event()

    async def handler(request, client, reply):
        if request.path == "/slow":
            await go.wait()
        await reply.send(Response(200, [], b"done"))

    async with lane(handler) as node:
        idle, fresh, busy = [await node.connect() for _ in range(3)]
        await idle.say(GET)
        await idle.answer()
        await busy.say(GET.replace(b"/ ", b"/slow "))
        await trio.sleep(0.05)
        assert repr(node.connections) == "<Connections open [1 busy, 2 idle]>"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.connections.drain, 10)
            with trio.fail_after(5):
                assert await idle.closed() == b""
                assert await fresh.closed() == b""
                assert repr(node.connections) == "<Connections draining [1 busy, 0 idle]>"
                with pytest.raises(OSError, match="failed"):
                    await node.connect()
                go.set()
                answer = await busy.answer()
                assert (answer.body, answer.headers[b"connection"]) == (b"done", b"close")
                assert await busy.closed() == b""
                await busy.stream.aclose()
        assert not node.connections.live
        await idle.stream.aclose()
        await fresh.stream.aclose()


async def test_a_drain_cancels_what_outlives_its_deadline(lane, autojump_clock):
    cancelled = []

    async def handler(request, client, reply):
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(trio.current_time())

    async with lane(handler, socket=False) as node:
        talk = node.memory()
        await talk.say(GET)
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        await node.connections.drain(7)
        assert cancelled == [start + 7]
        answer = await talk.closed()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert b"This node is stopping" in answer


async def test_a_request_that_arrives_with_the_drain_is_answered(lane):
    async with lane(hello) as node:
        talk = await node.connect()
        await talk.say(GET)
        await talk.answer()
        talk.stream.socket._sock.send(GET)
        with trio.fail_after(5):
            await node.connections.drain(1)
            answer = await talk.answer()
            assert (answer.status, answer.headers[b"connection"]) == (200, b"close")
        await talk.stream.aclose()


async def test_a_listener_for_refusals_that_fails_costs_nobody_an_answer(lane, caplog):
    async with lane(hello) as node:

        def failing(client, refusal):
            raise ValueError

        node.connections._on_refused = failing
        talk = await node.connect()
        await talk.say(b"nonsense\r\n\r\n")
        assert (await talk.answer()).status == 400
        await talk.stream.aclose()
    assert "The listener for refusals failed" in caplog.text


async def test_a_connection_tells_its_state(lane, until):
    states = []

    async def handler(request, client, reply):
        states.extend(repr(one) for one in node.connections.live)
        await reply.send(Response(200))

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        await talk.answer()
        [connection] = node.connections.live
        await trio.testing.wait_all_tasks_blocked(0.01)
        states.append(repr(connection))
        await talk.say(b"GET / HT")
        await trio.sleep(0.05)
        states.append(repr(connection))
        await talk.stream.aclose()
        with trio.fail_after(5):
            await until(lambda: not node.connections.live)
        states.append(repr(connection))
    peer = repr(connection).split()[1]
    assert states == [f"<Connection {peer} {s}, request 1>" for s in ("handling", "idle", "heading", "closed")]


class Counting(trio.abc.Instrument):
    def __init__(self):
        self.spawned = 0

    def task_spawned(self, task):
        self.spawned += 1


class CountedSocket:
    """A socket that counts the calls that move bytes."""

    def __init__(self, sock):
        self.sock, self.calls = sock, []

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def recv(self, size):
        self.calls.append("recv")
        return self.sock.recv(size)

    def send(self, data):
        self.calls.append("send")
        return self.sock.send(data)


@pytest.mark.parametrize("said", [GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"])
async def test_a_request_costs_one_recv_and_one_send_and_no_task(lane, said):
    async with lane(hello, socket=False) as node:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        counted = CountedSocket(theirs)
        node.nursery.start_soon(node.connections.serve, SocketPipe(counted), Client("192.0.2.1", 1))
        await trio.testing.wait_all_tasks_blocked()
        counting = Counting()
        trio.lowlevel.add_instrument(counting)
        for _ in range(10):
            ours.send(said)
            await trio.lowlevel.wait_readable(ours)
            assert ours.recv(1000).endswith(b"hello")
        trio.lowlevel.remove_instrument(counting)
        assert counted.calls == ["recv", "send"] * 10
        assert counting.spawned == 0
        ours.close()
        await trio.testing.wait_all_tasks_blocked()


async def test_a_busy_socket_is_read_without_waiting_and_an_idle_one_waits(monkeypatch):
    waits = 0

    async def counted(sock):
        nonlocal waits
        waits += 1
        await trio.lowlevel.wait_readable(sock)

    monkeypatch.setattr("headgate.wire.pipe.wait_readable", counted)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    pipe = SocketPipe(theirs)

    async def reads(times):
        nonlocal waits
        waits = 0
        for _ in range(times):
            ours.send(b"x")
            assert await pipe.receive() == b"x"
        return waits

    assert await reads(100) == 16
    with trio.move_on_after(0.01):
        await pipe.receive()
    assert await reads(10) == 10
    ours.close()
    theirs.close()


async def test_the_lane_runs_over_tls(lane):
    schemes = []

    async def handler(request, client, reply):
        schemes.append((request.scheme, client.tls))
        await reply.send(Response(200, [], b"x" * 300_000))

    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("a").configure_cert(theirs)
    async with lane(handler, socket=False) as node:
        client, server = trio.testing.memory_stream_pair()
        server = trio.SSLStream(server, theirs, server_side=True, https_compatible=True)
        node.nursery.start_soon(node.connections.serve_stream, server, Client("192.0.2.1", 1, tls=True))
        stream = trio.SSLStream(client, ours, server_hostname="a", https_compatible=True)
        said = b""
        with trio.fail_after(10):
            await stream.send_all(b"GET https://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while piece := await stream.receive_some():
                said += piece
        assert said.endswith(b"x" * 300_000)
        assert schemes == [("https", True)]


async def test_a_bug_in_one_connection_is_that_connection_s_end_alone(lane, monkeypatch, caplog):
    async def broken(self, refusal):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Connection, "_refuse", broken)
    async with lane() as node:
        odd, other = await node.connect(), await node.connect()
        await odd.say(b"nonsense\r\n\r\n")
        assert await odd.closed() == b""
        await other.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await other.answer()).status == 200
        for talk in (odd, other):
            await talk.stream.aclose()
    assert "A bug in the lane" in caplog.text
