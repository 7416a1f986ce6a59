"""What outlives a drain, at every door: it is told so where it can be, and visibly cut where an answer has begun."""

from __future__ import annotations

import httpx
import pytest
import trio
from doors import OUR_DOORS
from h3_client import Broken
from overloading import overload

from headgate.errors import UpstreamFault
from headgate.testing.upstreams import ScriptedUpstream

POLICY = """policy 1
upstream up {{ url = "{url}" }}
route up GET, POST /up/{{x}} public {{ forward up }}
"""
BEGUN = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all"
pytestmark = pytest.mark.parametrize("door", OUR_DOORS, indirect=True)
BROKEN = (httpx.HTTPError, UpstreamFault, Broken)


def hanging(begun: bytes = b""):
    async def script(wire):
        await wire.request()
        if begun:
            await wire.send(begun)
        await trio.sleep_forever()

    return script


async def ask(d, method="GET", body=None):
    """By our own client: httpx takes a GOAWAY for the end of all that it has asked for."""
    if d.three or d.name.startswith("HTTP/1.1"):
        return await d.send(method, "/up/x", body=body)
    return await d.send_ours(method, "/up/x", None, body)


async def stop(d, up, how):
    """Stop the node when the upstream has the call, and cut what runs: by the clock, or by word."""
    while not up.received:
        await trio.sleep(0.01)
    async with trio.open_nursery() as stopping:
        stopping.start_soon(d.gate.server.stop)
        if how == "by word":
            await d.gate.server.connections[0].drain_began.wait()
            d.gate.server.cut()


@pytest.mark.parametrize("how", ["by the clock", "by word"])
async def test_a_call_without_an_answer_is_told_to_ask_elsewhere(door, nursery, how):
    up = await ScriptedUpstream(hanging()).start(nursery)
    got = []
    async with door(POLICY.format(url=up.url), drain_s=0.1 if how == "by the clock" else 60) as d:

        async def one():
            got.append(await ask(d))

        with trio.fail_after(10):
            async with trio.open_nursery() as clients:
                clients.start_soon(one)
                clients.start_soon(stop, d, up, how)
        assert (got[0].status, got[0].headers["retry-after"]) == (503, "1")
        assert "This node is stopping" in got[0].text
        row = await d.gate.row(0)
        assert (row["status"], row["outcome"], row["error"]) == (503, "failed", "node.stopping")


async def test_a_call_whose_body_is_still_coming_is_told_too(door, nursery):
    up = await ScriptedUpstream(hanging()).start(nursery)
    got = []
    async with door(POLICY.format(url=up.url), drain_s=0.1) as d:

        async def one():
            got.append(await ask(d, "POST", b"x" * 5_000_000))

        with trio.fail_after(10):
            async with trio.open_nursery() as clients:
                clients.start_soon(one)
                clients.start_soon(stop, d, up, "by the clock")
        assert got[0].status == 503
        row = await d.gate.row(0)
        assert (row["status"], row["outcome"], row["error"]) == (503, "failed", "node.stopping")


async def test_an_answer_that_has_begun_is_cut(door, nursery):
    up = await ScriptedUpstream(hanging(BEGUN)).start(nursery)
    async with door(POLICY.format(url=up.url), drain_s=0.1) as d:
        with trio.fail_after(10):
            async with trio.open_nursery() as clients:
                clients.start_soon(stop, d, up, "by the clock")
                with pytest.raises(BROKEN):
                    await ask(d)
        row = await d.gate.row(0)
        assert (row["status"], row["outcome"], row["error"]) == (200, "cut", "node.stopping")


async def test_a_call_that_waits_to_be_told_that_it_is_shed_is_told_at_the_end(door):
    got = []
    async with door('policy 1\nroute hello GET /up/x public { respond 200 text="hello" }\n', drain_s=0.1) as d:
        assert (await ask(d)).status == 200, "new connections wait outside while a worker is overloaded"
        (lane,) = d.gate.server.connections
        overload(lane, tells=False)

        async def one():
            got.append(await ask(d))

        with trio.fail_after(10):
            async with trio.open_nursery() as clients:
                clients.start_soon(one)
                while not lane.valve._waiting:
                    await trio.sleep(0.01)
                clients.start_soon(d.gate.server.stop)
        assert got[0].status == 503
        assert "finish" in got[0].text
        row = await d.gate.row(1)
        assert (row["error"], row["shed"], row["id"]) == ("overload", 1, got[0].headers["x-request-id"])
