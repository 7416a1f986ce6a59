"""What goes out by httpx: fetches, and HTTP/2 upstreams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
import trustme
from hypercorn.config import Config
from hypercorn.trio import serve
from trio.testing import MockClock

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import ClientFault, UpstreamFault
from headgate.message import Body, BytesBody, Response, read_all
from headgate.testing.upstreams import ScriptedUpstream, answer, closed_port, hangs, reply, says
from headgate.upstream import Dialer, Egress, HttpxFetch, HttpxTransport


@pytest.fixture
async def fetch() -> AsyncIterator[HttpxFetch]:
    made = HttpxFetch(Dialer(Egress()))
    yield made
    await made.aclose()


@pytest.fixture
async def transport() -> AsyncIterator[HttpxTransport]:
    made = HttpxTransport(Dialer(Egress()))
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


class Secure:
    """A hypercorn that speaks HTTP/2, and what it got."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.scopes: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []


@pytest.fixture
async def secure(nursery: trio.Nursery, tmp_path: Path) -> Secure:
    ca = trustme.CA()
    cert = ca.issue_cert("127.0.0.1")
    cert.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for at, pem in enumerate(cert.cert_chain_pems):
        pem.write_to_path(str(tmp_path / "cert.pem"), append=at > 0)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.certfile, config.keyfile = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    config.errorlog = None
    made = Secure(Target("https", "127.0.0.1", 0))

    async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        made.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        made.bodies.append(body)
        status = 204 if scope["path"] == "/none" else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-note", b"1")]})
        if scope["path"] == "/hang":
            await trio.sleep_forever()
        pieces = [] if status == 204 else [b"x" * 1000] * 500 if scope["path"] == "/large" else [b"hello ", b"world"]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    (bound,) = await nursery.start(partial(serve, app, config, shutdown_trigger=trio.sleep_forever))
    made.target = Target.parse(bound.replace("http://", "https://"), ca_file=str(tmp_path / "ca.pem"))
    return made


async def send(
    transport: HttpxTransport,
    target: Target,
    path: bytes = b"/x",
    method: str = "GET",
    body: bytes | Body = b"",
) -> Response:
    lines = [(b"x-in", b"1"), (b"connection", b"x-hop"), (b"x-hop", b"1")]
    return await transport.send(target, Outgoing(method, path, lines, body), Timeouts())


async def test_http_2_carries_bodies_both_ways(secure: Secure, transport: HttpxTransport) -> None:
    for body in (b"data", BytesBody(b"data")):
        response = await send(transport, secure.target, b"/a%20b?c=%5b", "POST", body)
        assert not isinstance(response.body, bytes)
        assert await read_all(response.body, 1000) == b"hello world"
        assert await response.body.read() == b""
        await response.aclose()
        assert (response.status, response.headers.get(b"x-note")) == (200, b"1")
    scope = secure.scopes[-1]
    assert scope["http_version"] == "2"
    assert (scope["raw_path"], scope["query_string"]) == (b"/a%20b", b"c=%5b")
    names = [name for name, _ in scope["headers"]]
    assert b"x-in" in names
    assert b"x-hop" not in names
    assert secure.bodies == [b"data", b"data"]


async def test_http_2_gives_a_large_body_and_one_that_is_none(secure: Secure, transport: HttpxTransport) -> None:
    response = await send(transport, secure.target, b"/large")
    assert not isinstance(response.body, bytes)
    assert len(await read_all(response.body, 1 << 20)) == 500_000
    await response.aclose()
    response = await send(transport, secure.target, b"/none")
    assert (response.status, response.body) == (204, b"")


async def test_an_answer_given_up_leaves_the_connection_to_others(secure: Secure, transport: HttpxTransport) -> None:
    response = await send(transport, secure.target, b"/large")
    assert not isinstance(response.body, bytes)
    await response.body.read()
    await response.aclose()
    with pytest.raises(UpstreamFault, match="given up"):
        await response.body.read()
    response = await send(transport, secure.target)
    assert not isinstance(response.body, bytes)
    assert await read_all(response.body, 1000) == b"hello world"
    await response.aclose()


async def test_silence_over_http_2_is_a_timeout(secure: Secure, transport: HttpxTransport) -> None:
    outgoing = Outgoing("GET", b"/hang", [])
    response = await transport.send(secure.target, outgoing, Timeouts(idle_s=0.05))
    assert not isinstance(response.body, bytes)
    for _ in range(2):
        with pytest.raises(UpstreamFault, match=r"stopped sending its answer within 0.05 s"):
            await response.body.read()


async def test_cancelling_a_read_over_http_2_ends_the_body(secure: Secure, transport: HttpxTransport) -> None:
    response = await transport.send(secure.target, Outgoing("GET", b"/hang", []), Timeouts())
    assert not isinstance(response.body, bytes)
    with trio.move_on_after(0.05):
        await response.body.read()
    with pytest.raises(UpstreamFault, match="cancelled"):
        await response.body.read()
    await response.aclose()


async def test_an_unknown_ca_is_named(secure: Secure, transport: HttpxTransport) -> None:
    with pytest.raises(UpstreamFault, match="its certificate is not accepted") as caught:
        await send(transport, Target("https", "127.0.0.1", secure.target.port))
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)


async def test_where_nobody_listens_is_unreachable(transport: HttpxTransport) -> None:
    with pytest.raises(UpstreamFault, match="connection refused") as caught:
        await send(transport, Target("https", "127.0.0.1", closed_port()))
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)


async def test_metadata_is_refused(transport: HttpxTransport) -> None:
    with pytest.raises(UpstreamFault) as caught:
        await send(transport, Target("https", "169.254.169.254", 443))
    assert caught.value.kind == "upstream.refused"


async def test_an_upstream_that_knows_no_http_2_is_spoken_to_in_http_1_1(
    transport: HttpxTransport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"hello", [(b"Connection", b"X-Hop"), (b"X-Hop", b"1")])).start(
        nursery
    )
    for body in (b"", b"data", BytesBody(b"data")):
        response = await send(transport, upstream.target, method="POST", body=body)
        assert not isinstance(response.body, bytes)
        assert await read_all(response.body, 100) == b"hello"
        assert response.headers.lines == []
        await response.aclose()
    assert [received.body for received in upstream.received] == [b"", b"data", b"data"]
    assert upstream.opened == 1


async def test_no_head_in_time_is_a_timeout(
    jumping: MockClock, transport: HttpxTransport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    with pytest.raises(UpstreamFault, match="did not answer within") as caught:
        await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(connect_s=1, head_s=2))
    assert (caught.value.kind, caught.value.sent) == ("upstream.timeout", True)


@pytest.mark.parametrize("cut", [0, 5, 40, 50])
async def test_a_cut_answer_is_never_whole(cut: int, transport: HttpxTransport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(says(answer(200, b"hello world")[:cut])).start(nursery)

    async def whole() -> None:
        response = await send(transport, upstream.target)
        assert not isinstance(response.body, bytes)
        await read_all(response.body, 100)

    with pytest.raises(UpstreamFault) as caught:
        await whole()
    assert caught.value.kind == "upstream.protocol"


async def test_a_value_that_would_break_a_line_is_refused(transport: HttpxTransport) -> None:
    with pytest.raises(ClientFault):
        await transport.send(Target("https", "x.test", 443), Outgoing("GET", b"/", [(b"x", b"a\r\nb")]), Timeouts())
