"""How a connection of HTTP/3 ends with its node: with a word, and not before what was said has arrived."""

from __future__ import annotations

import socket
from functools import partial

import pytest
import trio
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import ErrorCode, FrameType, encode_frame
from aioquic.quic.events import StreamReset
from h3_sides import OK, Sides

from headgate.message import Response
from headgate.wire import Connections
from headgate.wire.quic import Endpoint
from headgate.wire.streams import serve_stream

DONE = ErrorCode.H3_NO_ERROR


def said(sides: Sides, next_id: int) -> bool:
    """Whether the client has been told that this stream and those behind it are not taken."""
    goaway = encode_frame(FrameType.GOAWAY, encode_uint_var(next_id))
    return any(goaway in getattr(event, "data", b"") for event in sides.events)


async def test_an_idle_connection_ends_when_its_client_has_heard_why(autojump_clock):
    sides = await Sides().shaken()
    await sides.pass_on(20)
    sides.peer.wind_up()
    assert sides.code is None, "the GOAWAY is not acknowledged yet"
    await sides.pass_on(20)
    assert said(sides, 0)
    assert sides.code == DONE


async def test_what_runs_ends_first_and_what_comes_is_rejected(autojump_clock):
    sides = await Sides().shaken()
    id = sides.ask()
    await sides.pass_on(20)
    sides.peer.wind_up()
    sides.peer.wind_up()
    late = sides.ask()
    await sides.pass_on(20)
    assert said(sides, late)
    rejected = [event for event in sides.events if isinstance(event, StreamReset)]
    assert [(event.stream_id, event.error_code) for event in rejected] == [(late, ErrorCode.H3_REQUEST_REJECTED)]
    (stream,) = sides.streams
    assert (stream.id, sides.code) == (id, None)
    sides.session.send_head(stream, OK, end=True)
    assert sides.code is None, "the answer has not arrived yet"
    await sides.pass_on(20)
    assert sides.code == DONE


async def test_who_shakes_hands_during_a_drain_is_told_at_once(autojump_clock):
    sides = Sides()
    sides.draining = True
    await sides.shaken()
    await sides.pass_on(20)
    assert said(sides, 0)
    assert sides.code == DONE


async def test_a_drain_overlooks_no_request_that_has_just_arrived(autojump_clock, nursery):
    answered = []

    async def handler(request, client, reply):
        await trio.sleep(5)
        await reply.send(Response(200, [], b"hello"))
        answered.append(trio.current_time())

    table = Connections(handler)
    sides = await Sides().shaken()
    sides.ask()
    await sides.pass_on(20)
    (stream,) = sides.streams
    began = trio.current_time()
    serve = partial(serve_stream, ended=True, version="3")
    nursery.start_soon(serve, table, sides.session, sides.peer.client, stream)
    await table.drain(60)  # before the task of the request has run
    assert answered == [began + 5]


async def test_the_reason_that_a_client_gives_stays_in_its_line_of_the_log(autojump_clock, caplog):
    caplog.set_level("DEBUG", "headgate.wire")
    sides = await Sides().shaken()
    sides.quic.close(error_code=DONE, reason_phrase="bye\n2026-01-01T00:00:00.000Z INFO forged")
    await sides.pass_on(20)
    sides.peer.quic.handle_timer(now=trio.current_time() + 60)  # what is closed is over when nothing can come any more
    sides.peer.pump()
    (line,) = [record.getMessage() for record in caplog.records if "is over" in record.getMessage()]
    assert line == r"HTTP/3 with 127.0.0.1 is over: 'bye\n2026-01-01T00:00:00.000Z INFO forged' (0x100)"


@pytest.fixture
async def endpoint():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield Endpoint(sock, None, None, lambda *_: None)  # type: ignore[arg-type]


async def test_an_endpoint_closes_when_all_has_arrived(autojump_clock, endpoint, nursery):
    sides = await Sides().shaken()
    await sides.pass_on(20)
    sides.changed = endpoint.changed
    sides.session._changed = endpoint.changed.unpark_all
    endpoint.live.add(sides.peer)
    endpoint.wind_up()
    began = trio.current_time()
    nursery.start_soon(sides.pass_on, 20)
    await endpoint.close(1.0)
    assert sides.code == DONE
    assert trio.current_time() - began < 0.5


async def test_a_client_that_is_gone_is_not_waited_for(autojump_clock, endpoint):
    sides = await Sides().shaken()
    await sides.pass_on(20)
    endpoint.live.add(sides.peer)
    endpoint.wind_up()
    began = trio.current_time()
    await endpoint.close(1.0)
    assert trio.current_time() - began == pytest.approx(1.0)
    assert sides.code == DONE
