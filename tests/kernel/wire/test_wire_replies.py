"""What a handler can do with its reply, and what its client then sees."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from headgate.errors import ClientGone, Failure, InternalError
from headgate.message import BytesBody, Headers, Response, read_all
from headgate.wire.answer import Framing, choose, render_head

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"


class Pieces:
    """A body in pieces; fails at the end where told to."""

    def __init__(self, *pieces, length=None, failure=None):
        self.pieces, self.length, self.failure, self.closed = list(pieces), length, failure, False

    async def read(self):
        await trio.lowlevel.checkpoint()
        if not self.pieces and self.failure:
            raise self.failure
        return self.pieces.pop(0) if self.pieces else b""

    async def aclose(self):
        self.closed = True


async def read_to_end(stream):
    while await stream.receive_some():
        pass


def sends(make):
    async def handler(request, client, reply):
        await reply.send(make())

    return handler


async def one(lane, handler, said=GET, head_only=False):
    """The answer, and what came after it until the connection closed or fell silent."""
    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(said)
        with trio.fail_after(5):
            answer = await talk.answer(head_only)
            if answer.headers.get(b"connection") == b"close" or not answer.whole:
                assert await talk.closed() in (b"", answer.body)
        await talk.stream.aclose()
        return answer


@pytest.mark.parametrize(
    ("status", "length", "head_only", "is_11", "framing"),
    [
        (200, 5, False, True, Framing.LENGTH),
        (200, 5, False, False, Framing.LENGTH),
        (200, None, False, True, Framing.CHUNKED),
        (200, None, False, False, Framing.CLOSE),
        (200, 5, True, True, Framing.NONE),
        (204, None, False, True, Framing.NONE),
        (304, 5, False, True, Framing.NONE),
        (205, 5, False, True, Framing.NONE),
    ],
)
def test_framing_follows_rfc_9112_6_3(status, length, head_only, is_11, framing):
    assert choose(status, length, head_only=head_only, is_11=is_11) is framing


def test_lines_that_are_the_wires_own_are_dropped():
    owned = [(name, b"x") for name in (b"content-length", b"connection", b"transfer-encoding", b"keep-alive")]
    head = render_head(200, Headers([*owned, (b"a", b"b")]), Framing.LENGTH, 5, b"")
    assert head == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n\r\n"


def test_a_date_is_written_only_where_there_is_none():
    date = b"date: Fri, 27 Nov 2026 00:00:00 GMT\r\n"
    for headers, written in (([], True), ([(b"date", b"Thu, 26 Nov 2026 00:00:00 GMT")], False)):
        head = render_head(200, headers, Framing.LENGTH, 0, b"", date)
        assert head.count(b"date: ") == 1
        assert (date in head) is written


@pytest.mark.parametrize("framing", [Framing.NONE, Framing.LENGTH])
def test_a_reset_content_says_that_it_has_none(framing):
    head = render_head(205, [(b"content-length", b"9")], framing, 9, b"")
    assert head == b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"a", b"b\r\nc: d"), (b"a", b"b\nc"), (b"a", b"b\rc"), (b"a", b"\0"), (b"a b", b"c"), (b"", b"c")],
)
def test_a_header_that_would_become_two_is_a_bug(name, value):
    with pytest.raises(InternalError):
        render_head(200, [(name, value)], Framing.LENGTH, 0, b"")


@pytest.mark.parametrize("status", [100, 101, 199, 600, 0])
def test_a_status_that_is_no_final_answer_is_a_bug(status):
    with pytest.raises(InternalError):
        render_head(status, [], Framing.LENGTH, 0, b"")


def test_a_status_without_a_name_goes_out():
    assert render_head(299, [], Framing.NONE, None, b"").startswith(b"HTTP/1.1 299 \r\n")


async def test_bytes_have_a_length_and_a_date(lane):
    answer = await one(lane, sends(lambda: Response(200, [(b"a", b"b")], b"hello")))
    assert (answer.framing, answer.body, answer.headers[b"a"]) == ("length", b"hello", b"b")
    assert answer.headers[b"date"].endswith(b" GMT")
    assert b"server" not in answer.headers
    assert b"connection" not in answer.headers


async def test_a_body_of_known_length_keeps_it(lane):
    answer = await one(lane, sends(lambda: Response(200, [], Pieces(b"he", b"llo", length=5))))
    assert (answer.framing, answer.body) == ("length", b"hello")


async def test_a_body_of_unknown_length_is_chunked(lane):
    answer = await one(lane, sends(lambda: Response(200, [], Pieces(b"he", b"llo"))))
    assert (answer.framing, answer.body, answer.whole) == ("chunked", b"hello", True)


async def test_http_1_0_gets_no_chunks_but_the_end_of_the_connection(lane):
    answer = await one(lane, sends(lambda: Response(200, [], Pieces(b"he", b"llo"))), OLD)
    assert (answer.framing, answer.body, answer.headers[b"connection"]) == ("close", b"hello", b"close")


async def test_head_tells_the_length_and_relays_nothing(lane):
    body = Pieces(b"hello", length=5)
    answer = await one(lane, sends(lambda: Response(200, [], body)), HEAD, head_only=True)
    assert answer.headers[b"content-length"] == b"5"
    assert body.closed
    assert body.pieces


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_none(lane, status):
    answer = await one(lane, sends(lambda: Response(status, [], b"")))
    assert answer.status == status
    assert b"content-length" not in answer.headers
    assert b"transfer-encoding" not in answer.headers


async def test_a_relay_by_hand_sends_the_head_with_the_first_piece(lane):
    async def handler(request, client, reply):
        await reply.head(200, [], None)
        assert not reply.head_sent
        await reply.write(b"one")
        assert reply.head_sent
        await reply.write(b"")
        await reply.write(b"two")
        await reply.end()
        assert reply.bytes_out > len(b"onetwo")
        assert repr(reply) == f"<Reply ended, chunked, {reply.bytes_out} bytes out, keeps>"

    assert (await one(lane, handler)).body == b"onetwo"


async def test_a_flushed_head_goes_out_alone(lane):
    go = trio.Event()

    async def handler(request, client, reply):
        await reply.head(200, [], None)
        await reply.flush()
        await go.wait()
        await reply.end()

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        with trio.fail_after(5):
            while b"\r\n\r\n" not in talk.data:
                await talk._more()
            go.set()
            assert (await talk.answer()).whole
        await talk.stream.aclose()


@pytest.mark.parametrize("ready", [False, True])
async def test_a_head_goes_out_before_a_piece_that_may_be_long_in_coming_and_with_one_that_is_there(lane, ready):
    out: list[bool] = []

    async def handler(request, client, reply):
        class Noting(Pieces):
            async def read(self):
                out.append(reply.head_sent)
                return await super().read()

        body = Noting(b"one", b"two")
        body.ready = ready
        await reply.send(Response(200, [], body))

    assert (await one(lane, handler)).body == b"onetwo"
    assert out == [not ready, True, True]


async def test_the_head_of_an_answer_that_has_no_body_does_not_wait_for_one(lane):
    out: list[bool] = []

    async def handler(request, client, reply):
        await reply.head(204, [], None)
        await reply.write(b"not for you")
        out.append(reply.head_sent)
        await reply.end()

    assert (await one(lane, handler)).body == b""
    assert out == [True]


async def test_a_prepared_head_may_be_replaced(lane):
    async def handler(request, client, reply):
        await reply.head(200, [(b"a", b"b")], None)
        await reply.send(Response(502, [], b"instead"))

    answer = await one(lane, handler)
    assert (answer.status, answer.body) == (502, b"instead")
    assert b"a" not in answer.headers


async def test_a_body_that_fails_before_its_first_byte_leaves_room_for_another_answer(lane):
    async def handler(request, client, reply):
        body = Pieces(length=5, failure=Failure("upstream.protocol", "dead", status=502))
        with pytest.raises(Failure):
            await reply.send(Response(200, [], body))
        assert body.closed
        assert not reply.head_sent
        await reply.send(Response(502, [], b"dead"))

    assert (await one(lane, handler)).status == 502


@pytest.mark.parametrize("length", [None, 10])
async def test_a_body_that_dies_in_the_middle_never_looks_whole(lane, length):
    body = Pieces(b"hello", length=length, failure=Failure("upstream.protocol", "dead", status=502))
    answer = await one(lane, sends(lambda: Response(200, [], body)))
    assert answer.status == 200
    assert not answer.whole


async def test_an_aborted_answer_framed_by_the_end_is_reset(lane):
    async def handler(request, client, reply):
        await reply.head(200, [], None)
        await reply.write(b"half")
        await trio.sleep(0.05)
        await reply.abort()
        await reply.abort()

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(OLD)
        with trio.fail_after(5):
            assert (await talk.stream.receive_some()).startswith(b"HTTP/1.1 200")
            with pytest.raises(trio.BrokenResourceError):
                await read_to_end(talk.stream)
        await talk.stream.aclose()


async def test_a_cancelled_answer_framed_by_the_end_is_reset(lane):
    async def handler(request, client, reply):
        await reply.head(200, [], None)
        await reply.write(b"half")
        await trio.sleep_forever()

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(OLD)
        with trio.fail_after(5):
            assert (await talk.stream.receive_some()).endswith(b"half")
            await node.connections.drain(0.01)
            with pytest.raises(trio.BrokenResourceError):
                await read_to_end(talk.stream)
        await talk.stream.aclose()


async def test_fewer_bytes_than_declared_cut_the_connection(lane, caplog):
    async def handler(request, client, reply):
        await reply.head(200, [], 10)
        await reply.write(b"short")
        await reply.end()

    answer = await one(lane, handler)
    assert not answer.whole
    assert "5 bytes shorter" in caplog.text


async def test_more_bytes_than_declared_cut_the_connection(lane, caplog):
    async def handler(request, client, reply):
        await reply.head(200, [], 4)
        await reply.write(b"lo")
        await reply.write(b"nger")

    answer = await one(lane, handler)
    assert (answer.whole, answer.body) == (False, b"lo")
    assert "longer than it was declared" in caplog.text


@pytest.mark.parametrize("fault", ["raises", "says nothing", "only a head", "ends nothing"])
async def test_a_handler_that_fails_answers_500_and_the_node_lives_on(lane, caplog, fault):
    async def handler(request, client, reply):
        if request.path == "/fine":
            await reply.send(Response(200))
            return
        if fault == "raises":
            raise ValueError("secret")
        if fault == "only a head":
            await reply.head(200, [], 5)
        if fault == "ends nothing":
            await reply.end()

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        answer = await talk.answer()
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert answer.json()["instance"] == "urn:request:" + answer.headers[b"x-request-id"].decode()
        assert await talk.closed() == b""
        again = await node.connect()
        await again.say(GET.replace(b"/ ", b"/fine "))
        fault = ""
        assert (await again.answer()).status == 200
        await talk.stream.aclose()
        await again.stream.aclose()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_handler_that_fails_after_the_head_cuts(lane, caplog):
    async def handler(request, client, reply):
        await reply.head(200, [], None)
        await reply.write(b"half")
        raise ValueError

    answer = await one(lane, handler)
    assert (answer.status, answer.whole) == (200, False)
    assert "The handler failed" in caplog.text


async def test_a_failure_that_nobody_handled_answers_with_its_status(lane):
    async def handler(request, client, reply):
        await read_all(request.body, 10)

    answer = await one(lane, handler, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
    assert answer.status == 413
    assert answer.headers[b"connection"] == b"close"


async def test_a_second_answer_is_a_bug(lane):
    async def handler(request, client, reply):
        await reply.send(Response(200, [], b"one"))
        with pytest.raises(InternalError):
            await reply.send(Response(200, [], b"two"))
        with pytest.raises(InternalError):
            await reply.write(b"two")
        with pytest.raises(InternalError):
            await reply.end()

    assert (await one(lane, handler)).body == b"one"


async def test_a_client_that_resets_is_gone(lane, until):
    seen = []

    async def handler(request, client, reply):
        try:
            while True:
                if not reply.head_sent:
                    await reply.head(200, [], None)
                await reply.write(b"x" * 10000)
                await trio.lowlevel.checkpoint()
        except ClientGone:
            with pytest.raises(ClientGone):
                await reply.write(b"more")
            seen.append("gone")
            raise

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        await talk.stream.receive_some(1)
        await talk.stream.aclose()
        with trio.fail_after(5):
            await until(lambda: not node.connections.live)
    assert seen == ["gone"]


async def watched(reply):
    """The pipeline's pattern: a watcher beside the work."""
    result = "finished"
    async with trio.open_nursery() as nursery:

        async def watch():
            nonlocal result
            await reply.wait_gone()
            result = "gone"
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        await trio.sleep(0.2)
        nursery.cancel_scope.cancel()
    return result


@pytest.mark.parametrize("leaves", [True, False])
async def test_the_watcher_sees_a_client_leave(lane, leaves, until):
    seen = []

    async def handler(request, client, reply):
        seen.append(await watched(reply))
        await reply.send(Response(200))

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        await trio.sleep(0.05)
        if leaves:
            await talk.stream.aclose()
        with trio.fail_after(5):
            await until(lambda: seen)
        await talk.stream.aclose()
    assert seen == ["gone" if leaves else "finished"]


async def test_the_watcher_keeps_pipelined_requests(lane):
    paths = []

    async def handler(request, client, reply):
        paths.append(request.path)
        if len(paths) == 1:
            assert await watched(reply) == "finished"
        await reply.send(Response(200, [], request.raw_path))

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        await trio.sleep(0.05)
        await talk.say(GET.replace(b"/ ", b"/2 ") + GET.replace(b"/ ", b"/3 "))
        with trio.fail_after(5):
            assert [(await talk.answer()).body for _ in range(3)] == [b"/", b"/2", b"/3"]
        await talk.stream.aclose()


async def test_the_watcher_waits_for_the_body_and_reads_none_of_it(lane):
    async def handler(request, client, reply):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reply.wait_gone)
            body = await read_all(request.body, 100)
            await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        await reply.send(Response(200, [], body))

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        for piece in (b"hello", b"world"):
            await trio.sleep(0.02)
            await talk.say(piece)
        with trio.fail_after(5):
            assert (await talk.answer()).body == b"helloworld"
        await talk.stream.aclose()


async def test_the_watcher_reads_ahead_only_so_far(lane, autojump_clock):
    async def handler(request, client, reply):
        with trio.move_on_after(100) as scope:
            await reply.wait_gone()
        assert scope.cancelled_caught
        await reply.send(Response(200, [], b"%d" % len(reply._channel.buffer)))

    async with lane(handler, socket=False, ahead_bytes=100) as node:
        talk = node.memory(trio.testing.lockstep_stream_pair)
        await talk.say(GET)
        await talk.say(b"x" * 150)
        with trio.move_on_after(1):
            await talk.say(b"x")
        assert (await talk.answer()).body == b"150"


async def test_an_unread_body_holds_its_sender_back(lane, autojump_clock):
    go = trio.Event()

    async def handler(request, client, reply):
        await go.wait()
        await reply.send(Response(200, [], await read_all(request.body, 1000)))

    async with lane(handler, socket=False) as node:
        talk = node.memory(trio.testing.lockstep_stream_pair)
        await talk.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.say, b"on")
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(100) as scope:
                await trio.sleep_forever()
            assert scope.cancelled_caught
            assert nursery.child_tasks
            go.set()
        await talk.say(b"demand")
        assert (await talk.answer()).body == b"ondemand"


async def test_a_client_that_does_not_read_holds_the_relay_back(lane):
    written = 0

    async def handler(request, client, reply):
        nonlocal written
        await reply.head(200, [], None)
        for _ in range(2000):
            await reply.write(b"x" * 65536)
            written += 65536
        await reply.end()

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET)
        before = -1
        while before != written or not written:
            before = written
            await trio.sleep(0.1)
        assert written < 2000 * 65536
        await talk.stream.aclose()


async def test_an_unread_small_body_keeps_the_connection(lane):
    async with lane(sends(lambda: Response(200))) as node:
        talk = await node.connect()
        for _ in range(3):
            await talk.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            answer = await talk.answer()
            assert b"connection" not in answer.headers
            await talk.say(b"x" * 1000)
        await talk.stream.aclose()


async def test_an_unread_large_body_closes_but_the_answer_is_read(lane):
    async with lane(sends(lambda: Response(403, [], b"no"))) as node:
        talk = await node.connect()
        await talk.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900000)
        with trio.fail_after(5):
            answer = await talk.answer()
            assert (answer.body, answer.headers[b"connection"]) == (b"no", b"close")
            assert await talk.closed() == b""
        await talk.stream.aclose()


async def test_an_unread_expected_body_closes_without_a_100(lane):
    said = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    answer = await one(lane, sends(lambda: Response(401)), said)
    assert (answer.status, answer.headers[b"connection"]) == (401, b"close")


async def test_request_ids_are_unique_and_of_one_length(lane):
    ids = []

    async def handler(request, client, reply):
        ids.append(request.id)
        await reply.send(Response(200, [], BytesBody(b"x")))

    async with lane(handler) as node:
        talk = await node.connect()
        await talk.say(GET * 20)
        for _ in range(20):
            await talk.answer()
        await talk.stream.aclose()
    assert len(set(ids)) == 20
    assert {len(one) for one in ids} == {26}
