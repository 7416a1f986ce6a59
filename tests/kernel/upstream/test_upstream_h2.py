"""HTTP/2 to upstreams, over real sockets: hypercorn is the other side."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from hypercorn.config import Config
from hypercorn.trio import serve

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import ClientFault, InternalError, UpstreamFault
from headgate.http2 import Session, Sizes, Stream, StreamFault
from headgate.message import Body, BytesBody, Response, read_all
from headgate.testing.upstreams import ScriptedUpstream, closed_port, reply
from headgate.upstream import Dialer, Egress, Http2Transport, TlsContexts, Transports


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


async def test_an_upstream_that_chooses_http_1_1_is_spoken_to_in_that(nursery: trio.Nursery, tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(["http/1.1"])
    upstream = await ScriptedUpstream(reply(200, b"hello"), tls=context).start(nursery)
    both = Transports.over(Egress())
    await nursery.start(both.run)
    target = Target.parse(upstream.url, ca_file=str(tmp_path / "ca.pem"), http=2)
    for body in (b"", b"data", BytesBody(b"data")):
        response = await both.send(target, Outgoing("POST", b"/x", [], body), Timeouts())
        data = response.body if isinstance(response.body, bytes) else await read_all(response.body, 100)
        assert data == b"hello"
    assert [received.body for received in upstream.received] == [b"", b"data", b"data"]
    await both.aclose()


async def test_a_value_that_would_break_a_line_is_refused(transport: Http2Transport) -> None:
    with pytest.raises(ClientFault):
        await transport.send(Target("https", "x.test", 443), Outgoing("GET", b"/", [(b"x", b"a\r\nb")]), Timeouts())


class Scripted:
    """An upstream that speaks HTTP/2 in the clear: each stream is played by `play(session, stream)`."""

    def __init__(self, play: Callable[[Session, Stream], Awaitable[None]], **sizes: Any) -> None:
        self._play = play
        self._sizes = Sizes(**sizes)
        self.sessions: list[Session] = []
        self.streams: list[Stream] = []
        self.target = Target("http", "127.0.0.1", 0)

    async def start(self, nursery: trio.Nursery) -> Scripted:
        listeners = await nursery.start(partial(trio.serve_tcp, self._serve, 0, host="127.0.0.1"))
        self.target = Target("http", "127.0.0.1", listeners[0].socket.getsockname()[1], http=2)
        return self

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:

            async def run(one: Stream) -> None:
                with suppress(StreamFault):
                    await self._play(session, one)

            def opened(one: Stream, ended: bool) -> None:
                self.streams.append(one)
                nursery.start_soon(run, one)

            session = Session(_TcpBytes(stream), self._sizes, client=False, opened=opened)
            self.sessions.append(session)
            await session.run()
            nursery.cancel_scope.cancel()


class _TcpBytes:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def receive(self) -> bytes:
        return bytes(await self._stream.receive_some())

    async def send(self, data: bytes) -> None:
        await self._stream.send_all(data)


OK = [(b":status", b"200")]


async def echo(session: Session, stream: Stream) -> None:
    session.send_head(stream, OK)
    while piece := await stream.receive():
        await session.send(stream, piece)
    session.send_head(stream, [(b"x-trail", b"1")], end=True)


class Slowly:
    """A request's body that gives a piece when it is told to."""

    def __init__(self, *, length: int | None = None) -> None:
        self.length = length
        self.pieces, self._pieces = trio.open_memory_channel[bytes](10)
        self.fault: Exception | None = None

    async def read(self) -> bytes:
        if self.fault is not None:
            raise self.fault
        return await self._pieces.receive()

    async def aclose(self) -> None:
        return None


async def body_of(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else await read_all(response.body, 1 << 24)


async def test_the_request_goes_on_while_the_answer_comes(transport: Http2Transport, nursery: trio.Nursery) -> None:
    upstream = await Scripted(echo).start(nursery)
    body = Slowly()
    await body.pieces.send(b"one")
    response = await transport.send(upstream.target, Outgoing("POST", b"/", [], body), Timeouts())
    assert not isinstance(response.body, bytes)
    assert await response.body.read() == b"one"
    for piece in (b"two", b"three"):
        await body.pieces.send(piece)
        assert await response.body.read() == piece
    await body.pieces.send(b"")
    assert await response.body.read() == b""
    assert response.body.trailers == [(b"x-trail", b"1")]  # type: ignore[attr-defined]


async def test_many_calls_share_a_connection_and_more_than_it_takes_open_another(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    go = trio.Event()

    async def play(session: Session, stream: Stream) -> None:
        await go.wait()
        await echo(session, stream)

    upstream = await Scripted(play, streams=4).start(nursery)
    got = []

    async def call() -> None:
        got.append(await body_of(await transport.send(upstream.target, Outgoing("POST", b"/", [], b"x"), Timeouts())))

    async with trio.open_nursery() as calls:
        calls.start_soon(call)
        while not upstream.streams:
            await trio.sleep(0.005)
        for _ in range(9):
            calls.start_soon(call)
        while len(upstream.streams) < 10:
            await trio.sleep(0.005)
        go.set()
    assert got == [b"x"] * 10
    assert len(upstream.sessions) == 3


async def test_a_refused_call_is_made_once_more_and_not_twice(transport: Http2Transport, nursery: trio.Nursery) -> None:
    refusals = 1

    async def play(session: Session, stream: Stream) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            session.reset(stream, 7)
            return
        await echo(session, stream)

    upstream = await Scripted(play).start(nursery)
    assert await body_of(await send(transport, upstream.target, body=b"again")) == b"again"
    refusals = 2
    with pytest.raises(UpstreamFault, match="refused the stream") as caught:
        await send(transport, upstream.target, body=b"again")
    assert caught.value.sent is False


async def test_an_upstream_that_goes_away_is_asked_on_another_connection(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    upstream = await Scripted(echo).start(nursery)
    for _ in range(3):
        assert await body_of(await send(transport, upstream.target, body=b"x")) == b"x"
        upstream.sessions[-1].close_door()
        await trio.sleep(0.02)
    assert len(upstream.sessions) == 3


async def test_a_reset_in_the_answer_is_the_upstream_s_fault(transport: Http2Transport, nursery: trio.Nursery) -> None:
    async def play(session: Session, stream: Stream) -> None:
        session.send_head(stream, OK)
        await session.send(stream, b"some")
        session.reset(stream, 2)

    upstream = await Scripted(play).start(nursery)
    response = await send(transport, upstream.target)
    assert not isinstance(response.body, bytes)
    with pytest.raises(UpstreamFault, match=r"reset the stream \(INTERNAL_ERROR\)") as caught:
        await read_all(response.body, 100)
    assert caught.value.kind == "upstream.protocol"


async def test_a_late_head_is_a_timeout_and_no_more_calls_go_that_way(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    async def play(session: Session, stream: Stream) -> None:
        if len(upstream.streams) > 1:
            await echo(session, stream)
        else:
            await stream.wait_closed()

    upstream = await Scripted(play).start(nursery)
    with pytest.raises(UpstreamFault, match=r"did not answer within 0\.1 s") as caught:
        await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(head_s=0.1))
    assert (caught.value.kind, caught.value.sent) == ("upstream.timeout", True)
    assert await body_of(await send(transport, upstream.target, body=b"x")) == b"x"
    assert len(upstream.sessions) == 2


async def test_a_call_that_is_cancelled_resets_its_stream_alone(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    async def play(session: Session, stream: Stream) -> None:
        if len(upstream.streams) > 1:
            await echo(session, stream)
        else:
            await stream.wait_closed()

    upstream = await Scripted(play).start(nursery)
    with trio.move_on_after(0.1):
        await send(transport, upstream.target)
    await trio.sleep(0.05)
    assert upstream.streams[0].fault is not None
    assert await body_of(await send(transport, upstream.target, body=b"x")) == b"x"
    assert len(upstream.sessions) == 1


async def test_what_the_request_s_body_raises_is_raised_and_the_stream_is_reset(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    async def play(session: Session, stream: Stream) -> None:
        await stream.wait_closed()

    upstream = await Scripted(play).start(nursery)
    body = Slowly()
    await body.pieces.send(b"one")
    body.fault = None

    async def break_it() -> None:
        while not upstream.streams:
            await trio.sleep(0.005)
        body.fault = ClientFault("request.timeout", "The body took too long to arrive.", status=408)
        await body.pieces.send(b"two")

    nursery.start_soon(break_it)
    with pytest.raises(ClientFault, match="too long to arrive"):
        await transport.send(upstream.target, Outgoing("POST", b"/", [], body), Timeouts())
    await trio.sleep(0.05)
    assert upstream.streams[0].fault is not None


async def test_an_answer_that_is_whole_before_the_request_ends_the_upload(
    transport: Http2Transport, nursery: trio.Nursery
) -> None:
    async def play(session: Session, stream: Stream) -> None:
        session.send_head(stream, [(b":status", b"413")], end=True)

    upstream = await Scripted(play).start(nursery)
    body = Slowly()
    await body.pieces.send(b"one")
    response = await transport.send(upstream.target, Outgoing("POST", b"/", [], body), Timeouts())
    assert (response.status, await body_of(response)) == (413, b"")


async def test_the_head_of_a_request_is_one_of_http_2(transport: Http2Transport, nursery: trio.Nursery) -> None:
    upstream = await Scripted(echo).start(nursery)
    lines = [(b"x-in", b"1"), (b"connection", b"x-hop"), (b"x-hop", b"1"), (b"host", b"preserved.test:81")]
    await body_of(await transport.send(upstream.target, Outgoing("POST", b"/a?b", lines, b"data"), Timeouts()))
    assert upstream.streams[0].head == [
        (b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"preserved.test:81"), (b":path", b"/a?b"),
        (b"x-in", b"1"), (b"te", b"trailers"), (b"content-length", b"4"),
    ]  # fmt: skip


async def test_a_transport_that_does_not_run_says_so() -> None:
    idle = Http2Transport(Dialer(Egress()))
    with pytest.raises(InternalError, match="needs its transport to run"):
        await send(idle, Target("http", "127.0.0.1", 9, http=2))
