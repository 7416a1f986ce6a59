"""Routing over real sockets: upstreams that answer, fail, hang and break."""

from __future__ import annotations

import pytest
import trio

from headgate.api import UpstreamFault
from headgate.testing import ScriptedUpstream, Wire, hangs, open_gate, reply, resets
from headgate.testing.upstreams import closed_port
from headgate_routing import Routing

PLUGINS = [("routing", Routing)]


def gate(text: str):
    return open_gate("policy 1\n" + text, plugins=PLUGINS, discover=False)


async def test_a_request_goes_on_as_it_came_and_the_answer_comes_back(nursery):
    up = await ScriptedUpstream(reply(201, b"made", [(b"x-kind", b"new"), (b"connection", b"close")])).start(nursery)
    async with gate(f'upstream u {{ url = "{up.url}/base" }}\nroute r POST /a/{{id}} public {{ forward u }}') as g:
        got = await g.send(
            "POST", "/a/b%20c?x=1&y=%2F", headers={"x-own": "v", "x-forwarded-for": "1.2.3.4"}, body=b"hi"
        )
        assert (got.status, got.body, got.headers.get(b"x-kind")) == (201, b"made", b"new")
        sent = up.received[0]
        assert (sent.method, sent.path, sent.body) == ("POST", "/base/a/b%20c?x=1&y=%2F", b"hi")
        assert sent.headers.get(b"x-own") == b"v"
        assert sent.headers.get(b"x-forwarded-for") == b"127.0.0.1"
        assert sent.headers.get(b"host") == up.target.authority.encode()
        row = await g.row(0)
        assert row["target"] == up.url + "/base"
        assert [attempt["result"] for attempt in row["attempts"]] == ["ok"]


async def test_the_host_is_preserved_where_that_is_said(nursery):
    up = await ScriptedUpstream(reply()).start(nursery)
    async with gate(f'upstream u {{ url = "{up.url}", host = preserve }}\nroute r GET / public {{ forward u }}') as g:
        await g.send("GET", "/", headers={"host": "shop.example"})
        await g.send("GET", "/", headers={"host": "Shop.example:8080"})
        assert [seen.headers.get(b"host") for seen in up.received] == [b"shop.example", b"shop.example:8080"]


async def test_an_upstream_that_breaks_is_tried_again_at_another_target(nursery):
    bad = await ScriptedUpstream(resets).start(nursery)
    good = await ScriptedUpstream(reply(200, b"good")).start(nursery)
    text = f"""
upstream u {{ targets = ["{bad.url}", "{good.url}", "http://127.0.0.1:{closed_port()}"] }}
route r POST / public {{ retry 2 on=[protocol, unreachable] backoff=1ms {{ forward u }} }}
"""
    async with gate(text) as g:
        for _ in range(6):
            got = await g.send("POST", "/", body=b"once more")
            assert (got.status, got.body) == (200, b"good")
        assert {received.body for received in good.received} == {b"once more"}
        assert len(good.received) == 6


async def test_used_up_tries_pass_the_last_answer_on_as_it_came(nursery):
    up = await ScriptedUpstream(reply(503, b"x" * 200_000, [(b"retry-after", b"0")])).start(nursery)
    text = (
        f'upstream u {{ url = "{up.url}", max_fails = 0 }}\nroute r GET / public {{ retry 2 on=[5xx] {{ forward u }} }}'
    )
    async with gate(text) as g:
        got = await g.send("GET", "/")
        assert (got.status, len(got.body)) == (503, 200_000)
        assert len(up.received) == 3
        row = await g.row(0)
        assert [attempt["result"] for attempt in row["attempts"]] == ["503"] * 3


async def test_what_hangs_is_cut_off_and_the_fallback_answers(nursery):
    slow = await ScriptedUpstream(hangs).start(nursery)
    quick = await ScriptedUpstream(reply(200, b"quick")).start(nursery)
    text = f"""
upstream slow {{ url = "{slow.url}" }}
upstream quick {{ url = "{quick.url}" }}
route r GET / public {{ fallback on=[timeout] {{ forward slow timeout=30ms
 forward quick }} }}
route b GET /bound public {{ timeout 30ms {{ retry 3 on=[timeout] {{ forward slow }} }} }}
"""
    async with gate(text) as g:
        got = await g.send("GET", "/")
        assert (got.status, got.body) == (200, b"quick")
        assert (await g.row(0))["target"] == quick.url
        assert (await g.send("GET", "/bound")).status == 504


async def test_a_streamed_body_is_sent_again_only_as_far_as_it_was_kept(nursery):
    up = await ScriptedUpstream(reply(503, b"", times=1), reply(503, b"", times=1), reply(200, b"", times=1)).start(
        nursery
    )
    text = f"""
upstream u {{ url = "{up.url}" }}
route kept POST /kept public {{ retry 1 on=[503] backoff=1ms buffer=1MB {{ forward u }} }}
route lost POST /lost public {{ retry 1 on=[503] backoff=1ms buffer=100KB {{ forward u }} }}
"""
    async with gate(text) as g:
        assert (await g.send("POST", "/lost", body=b"x" * 500_000)).status == 503
        assert len(up.received) == 1
        assert (await g.send("POST", "/kept", body=b"x" * 400_000)).status == 200
        assert [len(received.body) for received in up.received] == [500_000, 400_000, 400_000]


async def test_dead_targets_are_refused_at_once_and_probed_later(nursery):
    port = closed_port()
    text = f"""
upstream u {{ url = "http://127.0.0.1:{port}", max_fails = 2, cooldown = 50ms }}
route r GET / public {{ forward u }}
"""
    async with gate(text) as g:
        assert [(await g.send("GET", "/")).status for _ in range(3)] == [502, 502, 503]
        await trio.sleep(0.06)
        assert (await g.send("GET", "/")).status == 502, "the probe"
        assert (await g.send("GET", "/")).status == 503


async def test_one_targets_5xx_send_everybody_to_the_other(nursery):
    sick = await ScriptedUpstream(reply(500)).start(nursery)
    well = await ScriptedUpstream(reply(200)).start(nursery)
    text = f"""
upstream u {{ targets = ["{sick.url}", "{well.url}"], max_fails = 2 }}
route r GET / public {{ forward u }}
"""
    async with gate(text) as g:
        statuses = [(await g.send("GET", "/")).status for _ in range(10)]
        assert statuses.count(500) == 2
        assert len(well.received) == 8


async def test_an_answer_that_is_given_up_gives_its_seat_and_its_connection_back(nursery):
    seen = trio.Event()

    async def half(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 502 Bad\r\ncontent-length: 100000\r\n\r\nsome")
        assert await wire.receive() == b""
        seen.set()

    up = await ScriptedUpstream(half, reply(200, b"whole")).start(nursery)
    text = f'upstream u {{ url = "{up.url}" }}\nroute r GET / public {{ retry 1 on=[502] backoff=1ms {{ forward u }} }}'
    async with gate(text) as g:
        assert (await g.send("GET", "/")).body == b"whole"
        with trio.fail_after(2):
            await seen.wait()


async def test_a_call_binds_what_the_upstream_says(nursery):
    up = await ScriptedUpstream(reply(200, b'{"level": 3}', [(b"X-Kind", b"stock")])).start(nursery)
    text = f"""
upstream u {{ url = "{up.url}" }}
route r POST / public {{
    call u path="/a b/é" query={{q: "x&y"}} json={{ask: 1}} as answer
    respond 200 json={{status: answer.status, level: answer.json.level, kind: answer.header["x-kind"]}}
}}
route big GET /big public {{
    call u limit=4B as answer
    respond 200 text=answer.text
}}
route dots GET /dots public {{
    call u path="/a/{{request.query["p"] ?? ""}}" as answer
    respond 200 text=answer.text
}}
"""
    async with gate(text) as g:
        got = await g.send("POST", "/", headers={"authorization": "Bearer mine"}, body=b"not passed on")
        assert got.json() == {"status": 200, "level": 3, "kind": "stock"}
        sent = up.received[0]
        assert (sent.method, sent.path, sent.body) == ("POST", "/a%20b/%C3%A9?q=x%26y", b'{"ask":1}')
        assert b"authorization" not in sent.headers
        assert (await g.send("GET", "/big")).status == 502
        assert (await g.send("GET", "/dots?p=../admin")).status == 400
        assert (await g.send("GET", "/dots?p=b%3Fc")).status == 200
        assert up.received[-1].path == "/a/b%3Fc"


async def test_the_echo_says_what_it_was_sent():
    text = 'upstream e { url = "echo:" }\nroute r GET, POST, HEAD /x public { forward e }'
    async with gate(text) as g:
        got = (await g.send("POST", "/x?a=1", headers={"x-own": "v"}, json_body={"b": 2})).json()
        assert (got["method"], got["path"], got["query"], got["json"]) == ("POST", "/x", "a=1", {"b": 2})
        assert got["headers"]["x-own"] == "v"
        assert (await g.send("POST", "/x", body=b"\xff" * 70_000)).json()["cut_after"] == 65536


async def test_a_request_cut_by_its_client_says_nothing_of_the_target(nursery):
    up = await ScriptedUpstream(hangs).start(nursery)
    text = f'upstream u {{ url = "{up.url}", max_fails = 1 }}\nroute r GET / public {{ forward u }}'
    async with gate(text) as g:
        with trio.move_on_after(0.1):
            await g.send("GET", "/")
        row = await g.row(0)
        assert (row["outcome"], row["attempts"][0]["result"]) == ("client_gone", "cut")


async def test_a_client_cannot_be_told_that_the_answer_was_whole_when_it_broke_off(nursery):
    async def breaks(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nsome")
        await wire.reset()

    up = await ScriptedUpstream(breaks).start(nursery)
    text = f'upstream u {{ url = "{up.url}" }}\nroute r GET / public {{ retry 3 on=[5xx, protocol] {{ forward u }} }}'
    async with gate(text) as g:
        with pytest.raises(UpstreamFault):
            await g.send("GET", "/")
        assert up.opened == 1, "never again once the head is out"


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ("", "it needs either"),
        ('url = "http://a", targets = ["http://b"]', "it needs either"),
        ('url = "ftp://a"', "is not an http"),
        ('targets = ["http://a", "http://a"]', "stands twice"),
        ("targets = []", "empty"),
        ('targets = [{url: "http://a", weigth: 3}]', "a target is a URL"),
        ('targets = [{url: "http://a", weight: 0}]', "from 1 to 1000"),
        ('url = "https://a", ca_file = "/no/such/file"', "there is no file"),
    ],
)
async def test_an_upstream_that_cannot_be_used_is_refused_when_it_loads(attributes, why):
    from headgate.errors import PolicyError

    with pytest.raises(PolicyError) as refused:
        async with gate(f"upstream u {{ {attributes} }}\nroute r GET / public {{ forward u }}"):
            pass
    assert why in refused.value.diagnostics[0].message


async def test_an_open_breaker_stands_among_the_attempts(nursery):
    text = f"""
upstream u {{ url = "http://127.0.0.1:{closed_port()}", max_fails = 1, cooldown = 60s }}
route r GET / public {{ forward u }}
"""
    async with gate(text) as g:
        for _ in range(2):
            await g.send("GET", "/")
        first, second = await g.row(0), await g.row(1)
        assert [one["result"] for one in first["attempts"]] == ["upstream.unreachable"]
        (refused,) = second["attempts"]
        assert (refused["target"], refused["result"], refused["duration_s"]) == ("u", "upstream.unavailable", 0.0)
        assert "No target of u answers" in refused["why"]
