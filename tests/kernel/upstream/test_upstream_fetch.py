"""What goes out by httpx: fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from headgate.errors import UpstreamFault
from headgate.testing.upstreams import ScriptedUpstream, hangs, reply, says
from headgate.upstream import Dialer, Egress, FetchOnDemand
from headgate.upstream.fetch import HttpxFetch


@pytest.fixture
async def fetch() -> AsyncIterator[HttpxFetch]:
    made = HttpxFetch(Dialer(Egress()))
    yield made
    await made.aclose()


async def test_a_fetch_gives_the_body_of_a_200(fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b'{"keys": []}', [(b"set-cookie", b"a=b")])).start(nursery)
    for _ in range(2):
        assert await fetch.get(f"{upstream.url}/jwks?x=1", headers={"x-note": "1"}) == b'{"keys": []}'
    assert upstream.received[1].path == "/jwks?x=1"
    assert upstream.received[1].headers.get(b"x-note") == b"1"
    assert b"cookie" not in upstream.received[1].headers
    assert upstream.opened == 1


async def test_a_fetch_may_send_a_body(fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"{}")).start(nursery)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert await fetch.post(f"{upstream.url}/token", b"a=b&c=d", headers=form) == b"{}"
    [received] = upstream.received
    assert (received.method, received.path, received.body) == ("POST", "/token", b"a=b&c=d")
    assert received.headers.get(b"content-length") == b"7"
    assert received.headers.get(b"content-type") == b"application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", [204, 301, 404, 500])
async def test_a_fetch_takes_nothing_but_200(status: int, fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(status, b"", [(b"location", b"/elsewhere")])).start(nursery)
    with pytest.raises(UpstreamFault, match=f"answered with status {status}") as caught:
        await fetch.get(upstream.url)
    assert caught.value.record == {"upstream_status": status}
    assert len(upstream.received) == 1


async def test_a_fetch_is_bounded(fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"x" * 1001)).start(nursery)
    with pytest.raises(UpstreamFault, match="more than 1000 bytes"):
        await fetch.get(upstream.url, limit=1000)


async def test_a_fetch_refuses_an_encoded_answer(fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"x", [(b"content-encoding", b"gzip")])).start(nursery)
    with pytest.raises(UpstreamFault, match="encoded its answer"):
        await fetch.get(upstream.url)


async def test_a_fetch_is_bounded_in_time(jumping: MockClock, fetch: HttpxFetch, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    with pytest.raises(UpstreamFault, match="did not answer within 3 s") as caught:
        await fetch.get(upstream.url, timeout_s=3)
    assert caught.value.status_hint == 504


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://169.254.169.254/latest/meta-data", "upstream.refused"),
        ("http://metadata.google.internal/", "upstream.refused"),
        ("http://2852039166/", "upstream.refused"),
        ("http://nowhere.invalid/", "upstream.unreachable"),
        ("http://user:secret@127.0.0.1/", "upstream.refused"),
        ("file:///etc/passwd", "upstream.refused"),
        ("not a url", "upstream.refused"),
    ],
)
async def test_a_fetch_goes_where_the_egress_rules_allow(url: str, kind: str, fetch: HttpxFetch) -> None:
    with pytest.raises(UpstreamFault) as caught:
        await fetch.get(url)
    assert (caught.value.kind, caught.value.sent) == (kind, False)


async def test_an_untrusted_fetch_does_not_reach_loopback(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    fetch = HttpxFetch(Dialer(Egress(), untrusted=True))
    with pytest.raises(UpstreamFault, match=r"127.0.0.1 is not a public address"):
        await fetch.get(upstream.url)
    assert upstream.opened == 0


async def test_a_name_is_resolved_once_and_only_judged_addresses_are_used(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"hello")).start(nursery)
    answers = ["127.0.0.1", "169.254.169.254"]

    async def resolve(host: str, port: int) -> list[object]:
        return [(2, (answers.pop(0), port))]

    fetch = HttpxFetch(Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    assert await fetch.get(f"http://keys.test:{upstream.port}/") == b"hello"
    assert answers == ["169.254.169.254"]
    await fetch.aclose()


@pytest.mark.parametrize("data", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"])
async def test_a_fetch_of_no_http_is_the_upstream_s_fault(
    data: bytes, fetch: HttpxFetch, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(says(data)).start(nursery)
    with pytest.raises(UpstreamFault) as caught:
        await fetch.get(upstream.url)
    assert caught.value.kind == "upstream.protocol"


async def test_the_fetch_of_a_node_is_opened_when_it_is_used(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"one")).start(nursery)
    made = FetchOnDemand(Dialer(Egress()))
    assert repr(made) == "<FetchOnDemand not used yet>"
    assert await made.get(f"{upstream.url}/one") == b"one"
    assert await made.post(f"{upstream.url}/two", b"more") == b"one"
    assert [(one.method, one.body) for one in upstream.received] == [("GET", b""), ("POST", b"more")]
    assert repr(made) == "<FetchOnDemand in use>"
    await made.aclose()
    await FetchOnDemand(Dialer(Egress())).aclose()
