"""A node between a client and upstreams that misbehave, over real sockets: what the client gets, and what the row says."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import trio

from headgate.host.settings import Settings
from headgate.testing import Gate, ScriptedUpstream, Wire, answer, hangs, open_gate, reply, resets, says
from headgate.testing.upstreams import Script, closed_port
from headgate_routing import Routing

MB = 1 << 20


def gate_to(url: str, *, line: str = "forward u timeout=300ms", **settings: Any) -> AbstractAsyncContextManager[Gate]:
    policy = f'policy 1\nupstream u {{ url = "{url}" }}\nroute r GET, POST, HEAD /x public {{ {line} }}\n'
    ready = Settings(bind=["127.0.0.1:0"], **settings)
    return open_gate(policy, plugins=[("routing", Routing)], discover=False, settings=ready)


async def connect(gate: Gate) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(gate.url.rpartition(":")[2]))


async def raw(gate: Gate, method: str = "GET", *lines: str) -> tuple[bytes, bytes, bool]:
    """One request on a connection of its own: head, body, and whether it ended as a whole connection does."""
    stream = await connect(gate)
    async with stream:
        head = "".join(f"{line}\r\n" for line in (f"{method} /x HTTP/1.1", "host: a", "connection: close", *lines))
        await stream.send_all(head.encode() + b"\r\n")
        data, whole = b"", True
        try:
            while piece := await stream.receive_some():
                data += piece
        except trio.BrokenResourceError:
            whole = False
    head_bytes, _, body = data.partition(b"\r\n\r\n")
    return head_bytes, body, whole


# --- before the head -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        (None, 502, "upstream.unreachable"),
        (hangs, 504, "upstream.timeout"),
        (resets, 502, "upstream.protocol"),
        (says(b""), 502, "upstream.protocol"),
        (says(b"SSH-2.0-OpenSSH\r\n\r\n"), 502, "upstream.protocol"),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"), 502, "upstream.protocol"),
        (says(b"HTTP/1.1 101 Switching\r\n\r\n"), 502, "upstream.protocol"),
    ],
)
async def test_an_upstream_that_fails_before_its_head_is_an_answer(
    nursery: trio.Nursery, script: Script | None, status: int, error: str
) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    if script is not None:
        url = (await ScriptedUpstream(script).start(nursery)).url
    async with gate_to(url) as gate:
        got = await gate.send("POST", "/x", body=b"once")
        assert got.status == status
        assert got.json()["status"] == status
        row = await gate.row(0)
        assert (row["status"], row["outcome"], row["error"]) == (status, "failed", error)
        assert row["id"] == got.headers.get(b"x-request-id").decode()
        assert len(row["attempts"]) == 1


# --- within the body -------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"content-length: 100\r\n\r\nnot a hundred",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
    ],
)
async def test_an_answer_that_breaks_off_never_looks_whole(nursery: trio.Nursery, data: bytes) -> None:
    up = await ScriptedUpstream(says(data)).start(nursery)
    async with gate_to(up.url) as gate:
        head, body, whole = await raw(gate)
        assert head.startswith(b"HTTP/1.1 200 OK")
        chunked = b"transfer-encoding: chunked" in head
        assert not (whole and (body.endswith(b"0\r\n\r\n") if chunked else len(body) == 100))
        row = await gate.row(0)
        assert (row["outcome"], row["status"]) == ("cut", 200)
        assert row["error"] in ("upstream.unreachable", "upstream.protocol")
        assert gate.server.engine.snapshot.active == 0


async def test_an_answer_that_goes_silent_is_cut(nursery: trio.Nursery) -> None:
    async def stops(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + b"content-length: 100\r\n\r\nhalf")
        await wire.receive()

    up = await ScriptedUpstream(stops).start(nursery)
    async with gate_to(up.url, line="forward u idle=100ms") as gate:
        await raw(gate)
        row = await gate.row(0)
        assert (row["outcome"], row["error"]) == ("cut", "upstream.timeout")


# --- what travels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "data", "lines"),
    [
        ("HEAD", HEAD + b"content-length: 1234\r\n\r\n", b"content-length: 1234"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content"),
        ("GET", b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 9\r\n\r\n', b'etag: "a"'),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" + answer(204), b"HTTP/1.1 204"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(204), b"HTTP/1.1 204"),
    ],
)
async def test_answers_without_a_body_end_with_their_head(
    nursery: trio.Nursery, method: str, data: bytes, lines: bytes
) -> None:
    up = await ScriptedUpstream(says(data, times=None)).start(nursery)
    async with gate_to(up.url) as gate:
        for _ in range(2):
            head, body, whole = await raw(gate, method)
            assert lines in head
            assert (body, whole) == (b"", True)
            assert b"103" not in head
        assert up.opened == 1, "the connection was not fit for use again"
        assert (await gate.row(1))["outcome"] == "ok"


async def test_what_is_between_two_hops_goes_no_further(nursery: trio.Nursery) -> None:
    lines = [(b"connection", b"x-hop"), (b"x-hop", b"1"), (b"keep-alive", b"timeout=5"), (b"x-end", b"2")]
    up = await ScriptedUpstream(reply(200, b"ok", lines)).start(nursery)
    async with gate_to(up.url) as gate:
        sent = ("te: trailers", "x-mine: 1", "x-end: 2", "upgrade: h2c")
        head, _, _ = await raw(gate, "GET", *sent, "connection: x-mine, upgrade")
        assert b"x-end: 2" in head
        assert b"x-hop" not in head
        assert b"keep-alive" not in head
        received = up.received[0].headers
        assert received.get(b"x-end") == b"2"
        for name in (b"te", b"x-mine", b"upgrade", b"connection"):
            assert name not in received, name


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [([], b"127.0.0.1"), (["127.0.0.0/8"], b"203.0.113.9, 127.0.0.1"), (["10.0.0.0/8"], b"127.0.0.1")],
)
async def test_who_came_before_is_believed_of_trusted_proxies_only(
    nursery: trio.Nursery, trusted: list[str], seen: bytes
) -> None:
    up = await ScriptedUpstream(reply(200, b"ok")).start(nursery)
    async with gate_to(up.url, trusted_proxies=trusted) as gate:
        await raw(gate, "GET", "x-forwarded-for: 203.0.113.9")
    assert up.received[0].headers.get(b"x-forwarded-for") == seen


# --- streams and their ends ------------------------------------------------------------------------------------------


async def test_pieces_go_through_as_they_come_both_ways(nursery: trio.Nursery) -> None:
    to_upstream, from_client = trio.open_memory_channel[bytes](0)

    async def piecewise(wire: Wire) -> None:
        await wire.head()
        for _ in range(4):
            await to_upstream.send(await wire.receive())
        await wire.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        async for piece in replies:
            await wire.send(piece)

    to_client, replies = trio.open_memory_channel[bytes](0)
    up = await ScriptedUpstream(piecewise).start(nursery)
    async with gate_to(up.url, line="forward u") as gate:
        stream = await connect(gate)
        with trio.fail_after(3):
            await stream.send_all(b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(3):
                await stream.send_all(b"5\r\nping!\r\n")
                assert await from_client.receive() == b"5\r\nping!\r\n"
            await stream.send_all(b"0\r\n\r\n")
            assert await from_client.receive() == b"0\r\n\r\n"
            assert (await stream.receive_some()).startswith(HEAD)
            for piece in (b"5\r\npong!\r\n",) * 3 + (b"0\r\n\r\n",):
                await to_client.send(piece)
                assert await stream.receive_some() == piece
            await stream.aclose()
        await to_client.aclose()
        assert (await gate.row(0))["outcome"] == "ok"


async def test_a_client_that_hangs_up_ends_its_call(nursery: trio.Nursery) -> None:
    asked, gone = trio.Event(), trio.Event()

    async def notices(wire: Wire) -> None:
        await wire.request()
        asked.set()
        while await wire.receive():
            pass
        gone.set()

    up = await ScriptedUpstream(notices).start(nursery)
    async with gate_to(up.url, line="forward u") as gate:
        stream = await connect(gate)
        await stream.send_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
        await asked.wait()
        await stream.aclose()
        with trio.fail_after(2):
            await gone.wait()
            row = await gate.row(0)
        assert (row["outcome"], row["status"]) == ("client_gone", 499)


async def test_a_client_that_hangs_up_in_mid_answer_ends_its_call(nursery: trio.Nursery) -> None:
    gone = trio.Event()

    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        with trio.move_on_after(3):
            async with trio.open_nursery() as both:
                both.start_soon(watch, wire, both.cancel_scope)
                while True:
                    await wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
                    await trio.sleep(0.01)

    async def watch(wire: Wire, scope: trio.CancelScope) -> None:
        assert await wire.receive() == b""
        gone.set()
        scope.cancel()

    up = await ScriptedUpstream(endless).start(nursery)
    async with gate_to(up.url, line="forward u") as gate:
        stream = await connect(gate)
        await stream.send_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
        await stream.receive_some()
        await stream.aclose()
        with trio.fail_after(2):
            await gone.wait()
            row = await gate.row(0)
        assert (row["outcome"], row["status"]) == ("client_gone", 200)


async def test_who_does_not_read_is_not_sent_more_than_buffers_hold(nursery: trio.Nursery) -> None:
    sent = 0

    async def pours(wire: Wire) -> None:
        nonlocal sent
        await wire.request()
        await wire.send(HEAD + b"content-length: %d\r\n\r\n" % (256 * MB))
        while sent < 256 * MB:
            await wire.send(b"x" * MB)
            sent += MB

    up = await ScriptedUpstream(pours).start(nursery)
    async with gate_to(up.url, line="forward u") as gate:
        stream = await connect(gate)
        stream.socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 65536)
        async with stream:
            await stream.send_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
            before = -1
            while sent != before:
                before = sent
                await trio.sleep(0.2)
            assert sent < 64 * MB
            stream.socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))
        with trio.fail_after(2):
            assert (await gate.row(0))["outcome"] == "client_gone"


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / MB


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
async def test_large_bodies_pass_in_constant_memory(nursery: trio.Nursery) -> None:
    size, taken, most = 64 * MB, 0, 0.0

    async def swallows_and_pours(wire: Wire) -> None:
        nonlocal taken
        await wire.head()
        while taken < size:
            taken += len(await wire.receive())
        await wire.send(HEAD + b"content-length: %d\r\n\r\n" % size)
        for _ in range(64):
            await wire.send(b"y" * MB)

    up = await ScriptedUpstream(swallows_and_pours).start(nursery)
    async with gate_to(up.url, line="forward u") as gate:
        stream = await connect(gate)
        async with stream:
            piece = b"x" * MB
            before = resident_mb()
            await stream.send_all(
                b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % size
            )
            for _ in range(64):
                await stream.send_all(piece)
                most = max(most, resident_mb())
            got = 0
            while data := await stream.receive_some():
                got += len(data)
                most = max(most, resident_mb())
        assert taken == size
        assert got > size
        assert most - before < 16
        row: Mapping[str, Any] = await gate.row(0)
        assert (row["bytes_in"], row["outcome"]) == (size, "ok")
        assert size <= row["bytes_out"] <= size + 500
