"""HTTP/2 to upstreams, over real sockets: hypercorn is the other side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from hypercorn.config import Config
from hypercorn.trio import serve

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import ClientFault, UpstreamFault
from headgate.message import Body, BytesBody, Response, read_all
from headgate.testing.upstreams import closed_port
from headgate.upstream import Dialer, Egress, Http2Transport, TlsContexts


@pytest.fixture
async def transport(nursery: trio.Nursery) -> AsyncIterator[Http2Transport]:
    made = Http2Transport(Dialer(Egress(), TlsContexts(("h2", "http/1.1"))))
    await nursery.start(made.run)
    yield made
    await made.aclose()


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
    transport: Http2Transport,
    target: Target,
    path: bytes = b"/x",
    method: str = "GET",
    body: bytes | Body = b"",
) -> Response:
    lines = [(b"x-in", b"1"), (b"connection", b"x-hop"), (b"x-hop", b"1")]
    return await transport.send(target, Outgoing(method, path, lines, body), Timeouts())


async def test_http_2_carries_bodies_both_ways(secure: Secure, transport: Http2Transport) -> None:
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


async def test_http_2_gives_a_large_body_and_one_that_is_none(secure: Secure, transport: Http2Transport) -> None:
    response = await send(transport, secure.target, b"/large")
    assert not isinstance(response.body, bytes)
    assert len(await read_all(response.body, 1 << 20)) == 500_000
    await response.aclose()
    response = await send(transport, secure.target, b"/none")
    assert (response.status, response.body) == (204, b"")


async def test_an_answer_given_up_leaves_the_connection_to_others(secure: Secure, transport: Http2Transport) -> None:
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


async def test_silence_over_http_2_is_a_timeout(secure: Secure, transport: Http2Transport) -> None:
    outgoing = Outgoing("GET", b"/hang", [])
    response = await transport.send(secure.target, outgoing, Timeouts(idle_s=0.05))
    assert not isinstance(response.body, bytes)
    for _ in range(2):
        with pytest.raises(UpstreamFault, match=r"stopped sending its answer within 0.05 s"):
            await response.body.read()


async def test_cancelling_a_read_over_http_2_ends_the_body(secure: Secure, transport: Http2Transport) -> None:
    response = await transport.send(secure.target, Outgoing("GET", b"/hang", []), Timeouts())
    assert not isinstance(response.body, bytes)
    with trio.move_on_after(0.05):
        await response.body.read()
    with pytest.raises(UpstreamFault, match="cancelled"):
        await response.body.read()
    await response.aclose()


async def test_an_unknown_ca_is_named(secure: Secure, transport: Http2Transport) -> None:
    with pytest.raises(UpstreamFault, match="its certificate is not accepted") as caught:
        await send(transport, Target("https", "127.0.0.1", secure.target.port))
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)


async def test_where_nobody_listens_is_unreachable(transport: Http2Transport) -> None:
    with pytest.raises(UpstreamFault, match="connection refused") as caught:
        await send(transport, Target("https", "127.0.0.1", closed_port()))
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)


async def test_metadata_is_refused(transport: Http2Transport) -> None:
    with pytest.raises(UpstreamFault) as caught:
        await send(transport, Target("https", "169.254.169.254", 443))
    assert caught.value.kind == "upstream.refused"


async def test_an_upstream_that_knows_no_http_2_is_spoken_to_in_http_1_1(secure: Secure, nursery: trio.Nursery) -> None:
    """Offered over TLS; the other side chooses."""


async def test_a_value_that_would_break_a_line_is_refused(transport: Http2Transport) -> None:
    with pytest.raises(ClientFault):
        await transport.send(Target("https", "x.test", 443), Outgoing("GET", b"/", [(b"x", b"a\r\nb")]), Timeouts())
