"""WebSockets through a node, with the `websockets` library at both ends, and by extended CONNECT in HTTP/2."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
import trio
from doors import open_door
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import Server, serve

from headgate.cli.welcome import call, to_try
from headgate.http2 import Session, Sizes
from headgate.message.websocket import CLOSE, TEXT, Frames, close_frame, frame
from headgate.wire.h2 import _PipeBytes
from headgate.wire.pipe import StreamPipe

POLICY = """policy 1
upstream ws {{ url = "http://127.0.0.1:{port}", idle_timeout = {idle} }}
route open GET /open websocket=true public {{ forward ws }}
route key GET /key websocket=true {{
    auth.key as key
    limit.concurrent 1 by=key.id
    forward ws
}}
route plain GET /plain public {{ forward ws }}
"""


@pytest.fixture
def upstream() -> Iterator[Server]:
    """Echoes; `bye` closes with a code, `die` cuts the connection, `garbage` sends what is no frame."""

    def handle(ws):
        for message in ws:
            if message == "bye":
                ws.close(4001, "as you wish")
            elif message == "die":
                ws.socket.close()
            elif message == "garbage":
                ws.socket.sendall(b"\x83\x00")
            elif message == "who":
                ws.send(repr(sorted(ws.request.headers.raw_items())))
            else:
                ws.send(message)

    with serve(handle, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def policy(server, idle="60s"):
    return POLICY.format(port=server.socket.getsockname()[1], idle=idle)


async def talk(d, certified, work: Callable, path="/open", **more):
    """Run `work(ws)` in a thread, on a WebSocket through the node."""
    url = d.url.replace("http", "ws", 1) + path
    if url.startswith("wss"):
        more["ssl"] = certified.context()

    def run():
        with connect(url, max_size=None, proxy=None, **more) as ws:
            return work(ws)

    return await trio.to_thread.run_sync(run)


ONE = ("HTTP/1.1", "HTTP/1.1 over TLS")


@pytest.mark.parametrize("door", ONE)
async def test_messages_pass_both_ways_and_are_counted(door, certified, upstream):
    def work(ws):
        got = []
        for message in ("hello", b"\x00" * 70_000, "", "x" * 1_000_000):
            ws.send(message)
            got.append(ws.recv())
        ws.ping().wait(5)
        return got

    async with open_door(door, policy(upstream), certified) as d:
        got = await talk(d, certified, work, compression=None)
        assert got == ["hello", b"\x00" * 70_000, "", "x" * 1_000_000]
        row = await d.gate.row(0)
        assert (row["status"], row["outcome"], row["messages_in"], row["messages_out"]) == (101, "ok", 4, 4)
        assert (row["close_code"], row["closed_by"]) == (1000, "client")
        assert (row["http_version"], row["upgrade"]) == ("1.1", "websocket")
        assert row["bytes_in"] > 1_070_005
        assert row["bytes_out"] > 1_070_005


async def test_the_upstream_s_close_comes_through(certified, upstream):
    def work(ws):
        ws.send("bye")
        with pytest.raises(ConnectionClosedError) as caught:
            ws.recv()
        return caught.value.rcvd.code, caught.value.rcvd.reason

    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        assert await talk(d, certified, work) == (4001, "as you wish")
        row = await d.gate.row(0)
        assert (row["outcome"], row["close_code"], row["closed_by"]) == ("ok", 4001, "upstream")


@pytest.mark.parametrize(("said", "code"), [("die", 1014), ("garbage", 1002)])
async def test_an_upstream_that_breaks_is_told_as_a_close_and_as_a_failure(said, code, certified, upstream):
    def work(ws):
        ws.send(said)
        with pytest.raises(ConnectionClosedError) as caught:
            ws.recv()
        return caught.value.rcvd.code

    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        assert await talk(d, certified, work) == code
        row = await d.gate.row(0)
        assert (row["outcome"], row["error"], row["closed_by"]) == ("cut", "upstream.protocol", "gateway")


async def test_a_client_that_is_gone_takes_the_upstream_s_end_along(certified, upstream):
    def work(ws):
        ws.send("hello")
        ws.recv()
        ws.socket.close()

    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        await talk(d, certified, work)
        assert (await d.gate.row(0))["outcome"] == "client_gone"


async def test_silence_ends_it(certified, upstream):
    def work(ws):
        with pytest.raises(ConnectionClosedOK) as caught:
            ws.recv()
        return caught.value.rcvd.code, caught.value.rcvd.reason

    async with open_door("HTTP/1.1", policy(upstream, idle="200ms"), certified) as d:
        assert await talk(d, certified, work) == (1001, "Nothing was said for too long.")


async def test_auth_and_limits_hold_for_handshakes(certified, upstream):
    def second(url, secret):
        def work(ws):
            with pytest.raises(InvalidStatus) as caught:
                connect(url, proxy=None, additional_headers={"authorization": f"Bearer {secret}"})
            return caught.value.response.status_code

        return work

    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        url = d.url.replace("http", "ws") + "/key"
        with pytest.raises(InvalidStatus) as caught:
            await talk(d, certified, lambda ws: None, "/key")
        assert caught.value.response.status_code == 401
        secret = await d.gate.key()
        headers = {"authorization": f"Bearer {secret}"}
        assert await talk(d, certified, second(url, secret), "/key", additional_headers=headers) == 429
        await d.gate.row(2)
        assert await talk(d, certified, lambda ws: "again", "/key", additional_headers=headers) == "again"


async def test_a_route_that_allows_none_sends_a_plain_request_on(certified, upstream):
    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        with pytest.raises(InvalidStatus) as caught:
            await talk(d, certified, lambda ws: None, "/plain")
        assert caught.value.response.status_code == 426


async def test_the_upstream_sees_the_handshake_and_who_asks(certified, upstream):
    def work(ws):
        ws.send("who")
        return ws.recv(), ws.subprotocol

    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        seen, _ = await talk(d, certified, work, additional_headers={"x-forwarded-for": "6.6.6.6", "x-mine": "1"})
        assert "('x-forwarded-for', '127.0.0.1')" in seen
        assert "('x-mine', '1')" in seen


async def test_a_drain_tells_both_ends_to_go_elsewhere(certified, upstream):
    ready = threading.Event()

    def work(ws):
        ws.send("hello")
        ws.recv()
        ready.set()
        with pytest.raises(ConnectionClosedOK) as caught:
            ws.recv()
        return caught.value.rcvd.code, caught.value.rcvd.reason

    async with open_door("HTTP/1.1", policy(upstream), certified) as d, trio.open_nursery() as nursery:

        async def stop():
            await trio.to_thread.run_sync(ready.wait)
            await d.gate.server.stop()

        nursery.start_soon(stop)
        assert await talk(d, certified, work) == (1001, "The node goes away.")


async def test_extended_connect_carries_a_websocket_over_http_2(certified, upstream):
    async with open_door("HTTP/2 in the clear", policy(upstream), certified) as d, trio.open_nursery() as nursery:
        stream = await trio.open_tcp_stream("127.0.0.1", d.target.port)
        session = Session(_PipeBytes(StreamPipe(stream)), Sizes(streams=0), client=True)
        await nursery.start(session.run)
        asked = [
            (b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"http"), (b":path", b"/open"),
            (b":authority", b"a.test"), (b"sec-websocket-version", b"13"),
        ]  # fmt: skip
        ws = session.open(asked, end=False)
        head = dict(await ws.answered())
        assert head[b":status"] == b"200"
        assert b"sec-websocket-accept" not in head
        seen = []
        frames = Frames(masked=False, message=lambda kind, said: seen.append(said), most=1000)
        await session.send(ws, frame(TEXT, b"hello", mask=b"1234"))
        while not seen:
            frames.feed(await ws.receive())
        assert seen == [b"hello"]
        await session.send(ws, close_frame(1000, mask=b"1234"))
        while piece := await ws.receive():
            frames.feed(piece)
        assert frames.closed == 1000
        row = await d.gate.row(0)
        assert (row["status"], row["messages_in"], row["messages_out"], row["close_code"]) == (101, 1, 1, 1000)
        assert (row["http_version"], row["upgrade"]) == ("2", "websocket")
        session.end()
        await stream.aclose()


def test_a_close_is_the_kind_that_it_is():
    assert close_frame(1000)[0] & 15 == CLOSE


async def test_the_call_that_serve_prints_for_a_websocket_opens_one(certified, upstream):
    async with open_door("HTTP/1.1", policy(upstream), certified) as d:
        shown = to_try(d.gate.server.engine.snapshot.table.entries)
        assert [one.program.name for one in shown] == ["plain", "open", "key"]  # a plain call shows more
        script = f"{call(shown[2], d.url)} --silent --max-time 2"
        env = {**os.environ, "HEADGATE_KEY": await d.gate.key()}
        done = await trio.run_process(["sh", "-c", script], env=env, capture_stdout=True, check=False)
        assert done.stdout.startswith(b"HTTP/1.1 101 ")
        assert b"\r\nSec-WebSocket-Accept: " in done.stdout.title().replace(b"Websocket", b"WebSocket")
