"""What is true of every door: written once, tried at each."""

from __future__ import annotations

import json

import httpx
import pytest
import trio
from doors import OUR_DOORS
from h3_client import Broken

from headgate.errors import UpstreamFault
from headgate.testing.upstreams import ScriptedUpstream, answer, reply, says

POLICY = """policy 1
upstream up {{ url = "{url}" }}
upstream e {{ url = "echo:" }}
route hello GET, PUT /hello/{{name}} public {{ respond 200 text="hello {{request.params.name}}" }}
route nothing GET /none public {{ respond 204 }}
route echo GET, POST /echo/{{x:path}} public {{ forward e }}
route up GET, POST /up/{{x:path}} public {{ forward up }}
"""
PLAIN = POLICY.format(url="http://127.0.0.1:9")


def policy(url):
    return PLAIN.replace("http://127.0.0.1:9", url)


async def test_an_answer_and_what_stands_around_it(door):
    async with door(PLAIN) as d:
        got = await d.send("GET", "/hello/ana")
        assert (got.status, got.text) == (200, "hello ana")
        assert got.headers["content-length"] == "9"
        assert got.headers["date"].endswith("GMT")
        assert got.version == ("HTTP/1.1" if d.name == "ASGI" else d.name.partition(" ")[0])
        row = await d.gate.row(0)
        assert row["id"] == got.headers["x-request-id"]
        assert (row["status"], row["outcome"], row["path"]) == (200, "ok", "/hello/ana")
        assert f"HTTP/{row['http_version']}" == got.version
        assert row["bytes_out"] > 9


async def test_head_has_the_length_and_no_body(door):
    async with door(PLAIN) as d:
        if d.three:
            return  # aioquic's client takes the length of an answer to HEAD for its body's
        got = await d.send("HEAD", "/hello/ana")
        assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "9")


async def test_no_content_has_neither_body_nor_length(door):
    async with door(PLAIN) as d:
        got = await d.send("GET", "/none")
        assert (got.status, got.body) == (204, b"")
        assert "content-length" not in got.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/hello/ana", 405),
        ("GET", "/hello/a%2fb", 400),
        ("GET", "/hello/%00", 400),
        ("GET", "/hello/" + "a" * 9000, 414),
        ("TRACE", "/hello/ana", 501),
    ],
)
async def test_what_is_refused_is_a_problem_with_a_row(door, method, path, status):
    async with door(PLAIN) as d:
        got = await d.send(method, path)
        assert got.status == status
        assert got.headers["content-type"] == "application/problem+json"
        assert json.loads(got.body)["status"] == status
        row = await d.gate.row(0)
        assert (row["status"], row["outcome"]) == (status, "refused")
        if status < 414:  # what is no request line, or a method of which we take none, is of no version
            assert f"HTTP/{row['http_version']}" == got.version
        assert got.headers.get("allow") == ("GET, HEAD, PUT" if status == 405 else None)


@pytest.mark.parametrize("lines", [[("x-long", "a" * 20000)], [(f"x-{at}", "1") for at in range(101)]])
async def test_too_many_header_lines_are_refused(door, lines):
    async with door(PLAIN) as d:
        got = await d.send("GET", "/hello/ana", headers=lines)
        assert got.status == 431


async def test_an_expectation_that_nobody_meets_is_refused(door):
    async with door(PLAIN) as d:
        if not d.ours:  # our own client sends none
            assert (await d.send("GET", "/hello/ana", headers={"expect": "tea"})).status == 417


@pytest.mark.parametrize("size", [0, 5, 70_000, 1_000_000])
async def test_bodies_pass_both_ways(door, size, nursery):
    async def script(wire):
        while (received := await wire.request()) is not None:
            await wire.send(answer(200, received.body))

    up = await ScriptedUpstream(script).start(nursery)
    body = bytes(range(256)) * (size // 256 + 1)
    async with door(policy(up.url)) as d:
        got = await d.send("POST", "/up/x?q=%20a", body=body[:size])
        assert (got.status, got.body) == (200, body[:size])
        row = await d.gate.row(0)
        assert row["bytes_in"] == size
        assert row["bytes_out"] >= size
    assert up.received[0].path == "/up/x?q=%20a"


async def test_the_upstream_is_told_who_asks_and_by_what(door):
    async with door(PLAIN) as d:
        seen = json.loads((await d.send("GET", "/echo/x", headers=[("cookie", "a=1"), ("cookie", "b=2")])).body)[
            "headers"
        ]
        assert seen["x-forwarded-proto"] == ("https" if d.url.startswith("https") else "http")
        assert seen["x-forwarded-for"] == "127.0.0.1"
        host, _, port = seen["x-forwarded-host"].partition(":")
        assert (host, port.isdigit()) == ("127.0.0.1", True)
        assert "te" not in seen
        if d.is_two:
            assert seen["cookie"] == "a=1; b=2"


async def test_a_stream_comes_piece_by_piece(door, nursery):
    go = trio.Event()

    async def script(wire):
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await wire.send(b"5\r\ndata1\r\n")
        await go.wait()
        await wire.send(b"5\r\ndata2\r\n0\r\n\r\n")

    up = await ScriptedUpstream(script).start(nursery)
    async with door(policy(up.url)) as d, d.stream("GET", "/up/x") as pieces:
        assert await anext(pieces) == b"data1"
        go.set()
        assert await anext(pieces) == b"data2"
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_an_answer_that_breaks_off_never_looks_whole(door, nursery):
    whole = answer(200, b"x" * 1000)
    up = await ScriptedUpstream(says(whole[:-10])).start(nursery)
    async with door(policy(up.url)) as d:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, UpstreamFault, Broken)):
            await d.send("GET", "/up/x")
        row = await d.gate.row(0)
        assert (row["outcome"], row["error"]) == ("cut", "upstream.protocol")
        assert (await d.send("GET", "/hello/ana")).status == 200


async def test_a_client_that_goes_takes_its_upstream_call_along(door, nursery):
    gone = trio.Event()

    async def script(wire):
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata1\r\n")
        await wire.gone()
        gone.set()

    up = await ScriptedUpstream(script).start(nursery)
    async with door(policy(up.url)) as d:
        async with d.stream("GET", "/up/x") as pieces:
            assert await anext(pieces) == b"data1"
        with trio.fail_after(5):
            await gone.wait()
        assert (await d.gate.row(0))["outcome"] == "client_gone"


async def test_a_body_that_is_too_large_is_refused(door):
    async with door(PLAIN, limits={"body_bytes": 1000}) as d:
        got = await d.send("POST", "/echo/x", body=b"x" * 1001)
        assert got.status == 413


async def test_many_at_once_have_each_its_own_answer(door, nursery):
    got = {}

    async def one(d, at):
        got[at] = (await d.send("GET", f"/hello/{at}")).text

    async with door(PLAIN) as d, trio.open_nursery() as clients:
        for at in range(60):
            clients.start_soon(one, d, at)
    assert got == {at: f"hello {at}" for at in range(60)}


@pytest.mark.parametrize("door", OUR_DOORS, indirect=True)
async def test_a_drain_lets_what_runs_finish_and_takes_nothing_new(door, nursery):
    go = trio.Event()

    async def script(wire):
        await wire.request()
        await go.wait()
        await wire.send(answer(200, b"late"))

    up = await ScriptedUpstream(script, reply(200, b"other")).start(nursery)
    got = []
    async with door(policy(up.url)) as d:
        async with trio.open_nursery() as clients:

            async def ask():
                # httpx takes a GOAWAY for the end of all that it has asked for.
                got.append(await (d.send("GET", "/up/x") if d.three else d.send_ours("GET", "/up/x", None, None)))

            clients.start_soon(ask)
            while not up.received:
                await trio.sleep(0.01)
            clients.start_soon(d.gate.server.stop)
            await trio.sleep(0.05)
            go.set()
        assert (got[0].status, got[0].body) == (200, b"late")
        with pytest.raises((httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, UpstreamFault, Broken)):
            await d.send("GET", "/hello/ana")


async def test_answers_that_take_their_time_and_come_whole_are_no_lost_clients(door, nursery):
    async def script(wire):
        await wire.request()
        await trio.sleep(0.15)  # beyond which the client is watched
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow")

    up = await ScriptedUpstream(script).start(nursery)
    policy = f'policy 1\nupstream up {{ url = "{up.url}" }}\nroute up GET /up public {{ forward up }}\n'
    async with door(policy) as d:
        for _ in range(8):
            assert (await d.send("GET", "/up")).text == "slow"
        assert [(await d.gate.row(number))["outcome"] for number in range(8)] == ["ok"] * 8
