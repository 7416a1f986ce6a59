"""A client that reads a large answer slowly, or not at all, stalls nobody else, and its answer is not held in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from headgate.testing.upstreams import ScriptedUpstream, Wire

POLICY = """policy 1
upstream up {{ url = "{url}" }}
route hello GET /hello public {{ respond 200 text="hello" }}
route up GET /up/{{x:path}} public {{ forward up timeout=1h }}
"""
SIZE, PIECE = 200_000_000, b"x" * 65536
# What sockets of the loopback hold on two ways, and what streams and connections of HTTP/2 let in.
HELD = 32_000_000
# A request takes a few milliseconds. This is a machine's bad day; who waits for a slow reader waits for ever.
PATIENCE_S = 5.0


class Large:
    """An upstream with a large answer; `sent` is how much of it went out."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE)
        while self.sent < SIZE:
            await wire.send(PIECE)
            self.sent += len(PIECE)


async def test_who_reads_a_kilobyte_now_and_then_stalls_nobody(door: Callable[..., Any], nursery: trio.Nursery) -> None:
    large = Large()
    up = await ScriptedUpstream(large).start(nursery)
    async with door(POLICY.format(url=up.url)) as d, d.stream("GET", "/up/x") as pieces:
        assert await anext(pieces)
        for _ in range(20):
            with trio.fail_after(PATIENCE_S):
                assert (await d.send("GET", "/hello")).text == "hello"
        # aioquic, which the client of HTTP/3 is made of, takes all that comes, whether or not somebody reads it.
        if d.name != "HTTP/3":
            before = large.sent
            assert before < HELD, "it is read from the upstream no faster than by the client"
            with trio.fail_after(PATIENCE_S):
                assert await anext(pieces)


async def test_many_who_do_not_read_stall_nobody(door: Callable[..., Any], nursery: trio.Nursery) -> None:
    up = await ScriptedUpstream(Large()).start(nursery)
    async with door(POLICY.format(url=up.url)) as d, trio.open_nursery() as readers:
        if d.name in ("HTTP/3", "ASGI"):
            return  # one connection in this test's client; and a server that is not ours
        begun, over = [], trio.Event()

        async def hold(number: int) -> None:
            async with d.stream("GET", f"/up/{number}") as pieces:
                await anext(pieces)
                begun.append(number)
                await over.wait()

        for number in range(20):
            readers.start_soon(hold, number)
        with trio.fail_after(30):
            while len(begun) < 20:
                await trio.sleep(0.01)
        for _ in range(10):
            with trio.fail_after(PATIENCE_S):
                assert (await d.send("GET", "/hello")).text == "hello"
        over.set()
