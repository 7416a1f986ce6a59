"""The HTTP/1.1 client over real sockets, with upstreams that behave and upstreams that do not."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import ClientFault, InternalError, UpstreamFault
from headgate.message import Body, BytesBody, Response, read_all
from headgate.testing.upstreams import (
    Script,
    ScriptedUpstream,
    Wire,
    answer,
    closed_port,
    reply,
    resets,
    says,
)
from headgate.upstream import Dialer, Egress, Http1Transport

QUICK = Timeouts(connect_s=5.0, head_s=5.0, idle_s=5.0)


class Pieces:
    """A request body in these pieces; a failure among them is raised."""

    def __init__(self, *pieces: bytes | Exception, length: int | None = None) -> None:
        self.length = length
        self.left = list(pieces)

    async def read(self) -> bytes:
        if not self.left:
            return b""
        piece = self.left.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        raise AssertionError("the transport does not close what is not its own")


class Stalled(Pieces):
    """A request body whose client says no more after these pieces."""

    async def read(self) -> bytes:
        if not self.left:
            await trio.sleep_forever()
        return await super().read()


async def send(
    transport: Http1Transport,
    upstream: ScriptedUpstream,
    method: str = "GET",
    body: bytes | Body = b"",
    *,
    idempotent: bool = False,
) -> Response:
    return await transport.send(upstream.target, Outgoing(method, b"/x", [], body, idempotent=idempotent), QUICK)


async def whole(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else await read_all(response.body, 1 << 30)


def state(transport: Http1Transport) -> str:
    (pool,) = transport.pools()
    return repr(pool).partition(" [")[2].rstrip("]>")


async def test_a_small_answer_is_all_there_and_its_connection_back(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"hello", [(b"X-Note", b"1"), (b"Keep-Alive", b"5")])).start(nursery)
    for _ in range(3):
        response = await send(transport, upstream)
        assert (response.status, response.body, response.headers.lines) == (200, b"hello", [(b"x-note", b"1")])
    assert state(transport) == "0 active, 1 idle, 0 waiting"
    assert repr(upstream) == f"<ScriptedUpstream {upstream.url} [1 opened, 3 received]>"
    assert upstream.received[0].raw_head == f"GET /x HTTP/1.1\r\nhost: 127.0.0.1:{upstream.port}\r\n\r\n".encode()


async def test_a_large_answer_streams_and_its_connection_comes_back_at_its_end(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"x" * 3_000_000)).start(nursery)
    response = await send(transport, upstream)
    assert not isinstance(response.body, bytes)
    assert response.body.length == 3_000_000
    assert state(transport) == "1 active, 0 idle, 0 waiting"
    assert repr(response.body) == f"<AnswerBody {upstream.url} [open]>"
    assert len(await whole(response)) == 3_000_000
    assert await response.body.read() == b""
    assert repr(response.body) == f"<AnswerBody {upstream.url} [ended]>"
    assert state(transport) == "0 active, 1 idle, 0 waiting"


async def test_an_answer_that_is_given_up_closes_its_connection(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"x" * 3_000_000)).start(nursery)
    response = await send(transport, upstream)
    await response.aclose()
    await response.aclose()
    assert state(transport) == "0 active, 0 idle, 0 waiting"
    assert not isinstance(response.body, bytes)
    with pytest.raises(UpstreamFault, match="given up"):
        await response.body.read()


STREAMS = {
    "counted": (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world", True),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\n",
        True,
    ),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
        True,
    ),
    "closed": (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhello world", False),
    "until end": (b"HTTP/1.1 200 OK\r\n\r\nhello world", False),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nhello world", False),
}


def in_two(data: bytes, cut: int) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(data[:cut])
        await trio.testing.wait_all_tasks_blocked()
        await wire.send(data[cut:])

    return script


@pytest.mark.parametrize("name", STREAMS)
async def test_an_answer_is_the_same_however_it_is_split(
    name: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    data, kept = STREAMS[name]
    for cut in range(1, len(data)):
        upstream = await ScriptedUpstream(in_two(data, cut)).start(nursery)
        response = await send(transport, upstream)
        assert (response.status, await whole(response), response.headers.lines) == (200, b"hello world", [])
        assert [repr(pool).count("1 idle") for pool in transport.pools()][-1] == kept


@pytest.mark.parametrize("name", STREAMS)
async def test_an_answer_is_the_same_byte_by_byte(name: str, transport: Http1Transport, nursery: trio.Nursery) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.trickle(STREAMS[name][0])

    upstream = await ScriptedUpstream(script).start(nursery)
    assert await whole(await send(transport, upstream)) == b"hello world"


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "until end"])
async def test_an_answer_cut_anywhere_is_never_whole(
    name: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    data = STREAMS[name][0]
    for cut in range(1, len(data)):
        upstream = await ScriptedUpstream(says(data[:cut])).start(nursery)
        with pytest.raises(UpstreamFault) as caught:
            await whole(await send(transport, upstream))
        assert caught.value.kind == "upstream.protocol"
        assert caught.value.status_hint == 502
        assert caught.value.record["target"] == upstream.url
        assert caught.value.record["phase"] in ("head", "body")


async def test_a_failed_body_fails_again_when_read_again(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour")).start(nursery)
    response = await send(transport, upstream)
    assert not isinstance(response.body, bytes)
    assert await response.body.read() == b"four"
    for _ in range(2):
        with pytest.raises(UpstreamFault, match="5 bytes short of the declared 9"):
            await response.body.read()
    assert repr(response.body) == f"<AnswerBody {upstream.url} [failed]>"
    assert state(transport) == "0 active, 0 idle, 0 waiting"


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 9\r\n\r\nfour", b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", b"\r\nfour"],
)
async def test_a_reset_in_the_body_is_never_its_end(
    head: bytes, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    read = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n" + head)
        await read.wait()
        await wire.reset()

    upstream = await ScriptedUpstream(script).start(nursery)
    response = await send(transport, upstream)
    assert not isinstance(response.body, bytes)
    assert await response.body.read() == b"four"
    read.set()
    with pytest.raises(UpstreamFault, match="broke off its answer") as caught:
        await response.body.read()
    assert (caught.value.kind, caught.value.record["phase"], caught.value.sent) == ("upstream.protocol", "body", True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"garbage\r\n\r\n", "not HTTP/1.1"),
        (b"\x16\x03\x01\x02\x00", "not HTTP/1.1"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "switched protocols"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "interim answers"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000, "head of more than"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n", "header lines"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "not a hexadecimal number"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "longer than it says"),
    ],
)
async def test_an_upstream_that_speaks_no_http_is_named(
    data: bytes, message: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(says(data)).start(nursery)
    with pytest.raises(UpstreamFault, match=message) as caught:
        await whole(await send(transport, upstream))
    assert caught.value.kind == "upstream.protocol"
    assert caught.value.message.startswith(upstream.url)
    assert state(transport) == "0 active, 0 idle, 0 waiting"


@pytest.mark.parametrize("surplus", [b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
@pytest.mark.parametrize(
    "data",
    [
        answer(200, b"good"),
        b"HTTP/1.1 204 Gone\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
    ],
)
async def test_bytes_behind_an_answer_are_no_answer_to_anyone(
    data: bytes, surplus: bytes, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(says(data + surplus, times=None), reply(200, b"next")).start(nursery)
    assert await whole(await send(transport, upstream)) in (b"good", b"")
    assert state(transport) == "0 active, 0 idle, 0 waiting"
    assert await whole(await send(transport, upstream)) == b"next"


async def test_bytes_that_come_while_idle_end_the_connection(transport: Http1Transport, nursery: trio.Nursery) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(200, b"good"))
        await trio.testing.wait_all_tasks_blocked()
        await wire.send(answer(200, b"evil"))
        await wire.request()

    upstream = await ScriptedUpstream(script, reply(200, b"next")).start(nursery)
    assert await whole(await send(transport, upstream)) == b"good"
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert await whole(await send(transport, upstream, "POST")) == b"next"


async def test_head_is_answered_with_the_length_and_without_the_body(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", times=None)).start(
        nursery
    )
    for _ in range(2):
        response = await send(transport, upstream, "HEAD")
        assert (response.body, response.headers.lines) == (b"", [(b"content-length", b"900")])
    assert upstream.opened == 1


async def test_nobody_listening_is_unreachable_and_nothing_was_sent(transport: Http1Transport) -> None:
    target = Target("http", "127.0.0.1", closed_port())
    with pytest.raises(UpstreamFault, match="connecting failed \\(connection refused\\)") as caught:
        await transport.send(target, Outgoing("POST", b"/", []), QUICK)
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)
    assert caught.value.record == {"target": str(target), "phase": "connect"}
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_a_name_without_address_is_unreachable(transport: Http1Transport) -> None:
    with pytest.raises(UpstreamFault, match=r"the name nowhere.invalid does not resolve") as caught:
        await transport.send(Target.parse("http://nowhere.invalid"), Outgoing("GET", b"/", []), QUICK)
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)


async def test_a_refused_address_is_not_connected_to(transport: Http1Transport) -> None:
    with pytest.raises(UpstreamFault, match="a cloud metadata address") as caught:
        await transport.send(Target.parse("http://169.254.169.254/latest"), Outgoing("GET", b"/", []), QUICK)
    assert (caught.value.kind, caught.value.sent) == ("upstream.refused", False)


async def test_a_number_that_means_metadata_is_refused(transport: Http1Transport) -> None:
    for host in ("2852039166", "0xa9fea9fe", "0251.0376.0251.0376"):
        with pytest.raises(UpstreamFault, match=r"169.254.169.254 is a cloud metadata address"):
            await transport.send(Target("http", host, 80), Outgoing("GET", b"/", []), QUICK)


async def test_only_judged_addresses_are_connected_to(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"hello")).start(nursery)

    async def resolve(host: str, port: int) -> list[object]:
        return [(2, ("169.254.169.254", port)), (2, ("127.0.0.1", port))]

    transport = Http1Transport(Egress(), dialer=Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    response = await transport.send(Target("http", "orders.test", upstream.port), Outgoing("GET", b"/", []), QUICK)
    assert response.body == b"hello"
    assert upstream.received[0].headers.get(b"host") == f"orders.test:{upstream.port}".encode()
    await transport.aclose()


async def test_the_next_address_is_tried_when_one_is_refused(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"hello"), host="127.0.0.2").start(nursery)

    async def resolve(host: str, port: int) -> list[object]:
        return [(2, ("127.0.0.1", port)), (2, ("127.0.0.3", port)), (2, ("127.0.0.2", port))]

    transport = Http1Transport(Egress(), dialer=Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    response = await transport.send(Target("http", "orders.test", upstream.port), Outgoing("GET", b"/", []), QUICK)
    assert response.body == b"hello"
    await transport.aclose()


async def test_every_address_refusing_is_unreachable(nursery: trio.Nursery) -> None:
    async def resolve(host: str, port: int) -> list[object]:
        return [(2, ("127.0.0.1", port)), (2, ("127.0.0.3", port))]

    transport = Http1Transport(Egress(), dialer=Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    with pytest.raises(UpstreamFault, match="connection refused"):
        await transport.send(Target("http", "orders.test", closed_port()), Outgoing("GET", b"/", []), QUICK)


@pytest.mark.parametrize(
    "body",
    [
        b"some data",
        BytesBody(b"some data"),
        Pieces(b"some ", b"data"),
        Pieces(b"some ", b"data", length=9),
        Pieces(b"some data"),
        Pieces(b"some data", length=9),
    ],
)
async def test_a_request_body_arrives(body: bytes | Body, transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"ok")).start(nursery)
    for _ in range(2):
        if isinstance(body, Pieces):
            body = Pieces(b"some ", b"data", length=body.length)
        elif isinstance(body, BytesBody):
            body = BytesBody(b"some data")
        assert (await send(transport, upstream, "POST", body)).body == b"ok"
    assert [received.body for received in upstream.received] == [b"some data"] * 2
    assert upstream.opened == 1


async def test_an_empty_streamed_body_arrives(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    await send(transport, upstream, "POST", Pieces())
    await send(transport, upstream, "POST", Pieces(length=0))
    assert [received.headers.get(b"transfer-encoding") for received in upstream.received] == [b"chunked", None]
    assert upstream.opened == 1


@pytest.mark.parametrize("as_body", [False, True])
async def test_a_large_request_body_arrives(as_body: bool, transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    data = b"x" * 20_000_000
    await send(transport, upstream, "PUT", BytesBody(data) if as_body else data)
    assert upstream.received[0].body == data
    assert state(transport) == "0 active, 1 idle, 0 waiting"


@pytest.mark.parametrize("body", [b"x" * 20_000_000, Stalled(b"x" * 1000, length=2000), Stalled(b"x")])
async def test_an_early_answer_ends_the_sending_and_the_connection(
    body: bytes | Body, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(answer(413, b"too much"))
        await trio.sleep_forever()

    upstream = await ScriptedUpstream(script).start(nursery)
    response = await send(transport, upstream, "PUT", body)
    assert (response.status, response.body) == (413, b"too much")
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_an_early_answer_behind_a_half_closed_socket_is_read(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(answer(503, b"busy"))
        await wire.half_close()
        while await wire.receive():
            pass

    upstream = await ScriptedUpstream(script).start(nursery)
    assert (await send(transport, upstream, "PUT", b"x" * 20_000_000)).body == b"busy"


async def test_an_upstream_that_breaks_while_we_send_is_named(transport: Http1Transport, nursery: trio.Nursery) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.reset()

    upstream = await ScriptedUpstream(script).start(nursery)
    with pytest.raises(UpstreamFault, match="broke the connection") as caught:
        await send(transport, upstream, "PUT", b"x" * 20_000_000)
    assert (caught.value.kind, caught.value.sent) == ("upstream.protocol", True)
    assert state(transport) == "0 active, 0 idle, 0 waiting"


@pytest.mark.parametrize("pieces", [[], [b"some "]])
async def test_a_client_that_fails_in_its_body_is_its_own_fault(
    pieces: list[bytes], transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    gone = ClientFault("request.timeout", "The request took too long to arrive.", status=408)
    with pytest.raises(ClientFault) as caught:
        await send(transport, upstream, "POST", Pieces(*pieces, gone, length=9))
    assert caught.value is gone
    assert state(transport) == "0 active, 0 idle, 0 waiting"


@pytest.mark.parametrize("pieces", [[b"four"], [b"some", b"thing more"], [b"something more"]])
async def test_a_body_that_lies_about_its_length_is_not_sent_on(
    pieces: list[bytes], transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    with pytest.raises(InternalError, match="another length"):
        await send(transport, upstream, "POST", Pieces(*pieces, length=9))
    assert all(len(received.body) < 9 for received in upstream.received)


async def test_a_connection_closed_while_idle_is_noticed_before_it_is_used(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"one", times=1), reply(200, b"two")).start(nursery)
    assert (await send(transport, upstream, "POST", b"x")).body == b"one"
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert (await send(transport, upstream, "POST", b"x")).body == b"two"
    assert upstream.opened == 2


def stale(how: str) -> Script:
    """Answers once; the second request on that connection meets its end."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(200, b"one"))
        await wire.request()
        if how == "reset":
            await wire.reset()

    return script


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_an_idempotent_request_that_met_a_closing_connection_is_sent_again_once(
    how: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(stale(how), reply(200, b"two")).start(nursery)
    await send(transport, upstream)
    assert (await send(transport, upstream, "PUT", b"data")).body == b"two"
    assert [received.body for received in upstream.received] == [b"", b"data", b"data"]


async def test_a_streamed_body_of_one_piece_is_sent_again(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(stale("close"), reply(200, b"two")).start(nursery)
    await send(transport, upstream)
    assert (await send(transport, upstream, "PUT", Pieces(b"data", length=4))).body == b"two"
    assert upstream.received[-1].body == b"data"


async def test_a_streamed_body_of_which_more_was_taken_is_not_sent_again(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(stale("close"), reply(200, b"two")).start(nursery)
    await send(transport, upstream)
    with pytest.raises(UpstreamFault, match="without an answer") as caught:
        await send(transport, upstream, "PUT", Pieces(b"da", b"ta", length=4))
    assert caught.value.sent


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_request_that_is_not_idempotent_is_not_sent_again(
    how: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(stale(how), reply(200, b"two")).start(nursery)
    await send(transport, upstream)
    with pytest.raises(UpstreamFault, match="without an answer") as caught:
        await send(transport, upstream, "POST", b"data")
    assert (caught.value.kind, caught.value.sent) == ("upstream.protocol", True)
    assert upstream.opened == 1
    assert (await send(transport, upstream, "POST", b"data", idempotent=True)).body == b"two"


async def test_a_second_failure_is_not_tried_a_third_time(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(stale("close"), resets, reply(200, b"three")).start(nursery)
    await send(transport, upstream)
    with pytest.raises(UpstreamFault, match="without an answer"):
        await send(transport, upstream)
    assert upstream.opened == 2
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_a_fresh_connection_that_fails_is_not_tried_again(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(resets, reply()).start(nursery)
    with pytest.raises(UpstreamFault, match="without an answer"):
        await send(transport, upstream)
    assert upstream.opened == 1


async def test_an_answer_that_began_is_not_asked_for_again(transport: Http1Transport, nursery: trio.Nursery) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(200, b"one"))
        await wire.request()
        await wire.send(b"HTTP/1.1 2")

    upstream = await ScriptedUpstream(script, reply()).start(nursery)
    await send(transport, upstream)
    with pytest.raises(UpstreamFault, match="in the middle of a head"):
        await send(transport, upstream)
    assert upstream.opened == 1


async def test_a_connection_that_ended_while_the_client_was_slow_is_replaced(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    closing = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(200, b"one"))
        await closing.wait()

    class Slow(Pieces):
        async def read(self) -> bytes:
            closing.set()
            await trio.testing.wait_all_tasks_blocked(0.01)
            return await super().read()

    upstream = await ScriptedUpstream(script, reply(200, b"two")).start(nursery)
    await send(transport, upstream)
    assert (await send(transport, upstream, "POST", Slow(b"data", length=4))).body == b"two"
    assert upstream.received[-1].body == b"data"


async def test_closing_the_transport_keeps_what_is_in_use(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply(200, b"x" * 3_000_000)).start(nursery)
    transport = Http1Transport(Egress())
    response = await send(transport, upstream)
    await transport.aclose()
    assert repr(transport) == "<Http1Transport [1 pools, closed]>"
    assert len(await whole(response)) == 3_000_000
    assert state(transport) == "0 active, 0 idle, 0 waiting, closed"
