"""What a hostile client may cost a connection of HTTP/3, and what an honest one may do without being taken for it."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pylsqpack
import pytest
import trio
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import ErrorCode, FrameType, encode_frame
from aioquic.quic.events import StreamDataReceived, StreamReset
from h3_sides import GET, OK, Sides

from headgate.http2 import Reset, StreamFault
from headgate.wire.quic import Endpoint

BUSY = ErrorCode.H3_EXCESSIVE_LOAD
TIB = 1 << 40


async def test_who_opens_and_resets_again_and_again_is_disconnected(autojump_clock):
    sides = await Sides().shaken()
    for _ in range(3000):
        id = sides.ask(end=False)
        await sides.pass_on(1)
        sides.give_up(id)
        await sides.pass_on(2)
        if sides.code is not None:
            break
    assert sides.code == BUSY
    assert 200 <= len(sides.streams) < 300
    assert sides.session.streams == {}
    assert all(isinstance(stream.fault, StreamFault) for stream in sides.streams)


@pytest.mark.parametrize("how", ["unsaid", "torn", "unwanted"])
async def test_streams_that_never_become_a_request_are_counted_too(autojump_clock, how):
    sides = await Sides().shaken()
    for _ in range(1000):
        if how == "unwanted":
            id = sides.quic.get_next_available_stream_id()
            sides.quic.send_stream_data(id, b"")
            sides.quic.stop_stream(id, 0)
            await sides.pass_on(1)
            sides.h3.send_headers(id, GET, end_stream=True)
        else:
            id = sides.quic.get_next_available_stream_id()
            sides.quic.send_stream_data(id, b"" if how == "unsaid" else b"\x01\x40\x80half")
            await sides.pass_on(1)
            sides.quic.reset_stream(id, 0)
        await sides.pass_on(2)
        if sides.code is not None:
            break
    assert sides.code == BUSY
    assert sides.streams == []


async def test_a_given_up_stream_costs_patience_once(autojump_clock):
    sides = await Sides().shaken()
    before = sides.session.calm.left
    for _ in range(5):
        id = sides.ask(end=False)
        await sides.pass_on(1)
        sides.give_up(id)
        await sides.pass_on()
    assert before - 5 <= sides.session.calm.left < before - 4  # time has made a little of it good


async def test_resets_before_an_answer_are_forgotten_with_time(autojump_clock):
    sides = await Sides().shaken()
    for _ in range(600):
        id = sides.ask()
        await sides.pass_on(1)
        sides.give_up(id)
        await sides.pass_on()
        await trio.sleep(0.2)
    assert sides.code is None


async def test_answers_that_their_reader_breaks_off_are_no_attack(autojump_clock):
    sides = await Sides().shaken()
    for _ in range(600):
        id = sides.ask(end=False)
        await sides.pass_on(1)
        sides.session.send_head(sides.streams[-1], OK)
        await sides.pass_on(1)
        sides.give_up(id)
        await sides.pass_on()
    assert sides.code is None
    assert sides.kept() == 0


async def test_a_stream_that_is_over_leaves_nothing_behind(autojump_clock):
    sides = await Sides().shaken()
    for at in range(150):
        id = sides.ask(end=at % 3 != 0)
        await sides.pass_on(1)
        sides.session.send_head(sides.streams[-1], OK, end=at % 3 == 0)
        if at % 3 == 0:  # answered before the request was whole
            sides.session.reset(sides.streams[-1], 0)
            await sides.pass_on()
            sides.quic.reset_stream(id, 0)
        elif at % 3 == 1:
            sides.give_up(id)
        else:
            sides.session.send_end(sides.streams[-1])
        await sides.pass_on()
        await trio.sleep(0.1)
    assert len(sides.streams) == 150
    assert sides.code is None
    assert sides.kept() == 0
    assert sides.peer.quic.unread == {}


async def test_an_answer_on_its_way_outlives_the_reset_that_it_asks_for(autojump_clock):
    sides = await Sides().shaken()
    id = sides.ask(end=False)
    await sides.pass_on()
    (stream,) = sides.streams
    sides.session.send_head(stream, OK)
    for _ in range(4):  # more than goes out at once
        await sides.session.send(stream, b"x" * 20_000)
    sides.session.send_end(stream)
    sides.session.reset(stream, 0)
    sides.quic.reset_stream(id, 0)
    for _ in range(20):
        await sides.pass_on()
    got = b"".join(
        event.data for event in sides.events if isinstance(event, StreamDataReceived) and event.stream_id == id
    )
    assert got.count(b"x") == 80_000
    assert not any(isinstance(event, StreamReset) for event in sides.events)


async def test_trailers_of_a_request_that_is_over_are_no_request(autojump_clock):
    sides = await Sides().shaken()
    id = sides.ask(end=False)
    await sides.pass_on()
    sides.session.reset(sides.streams[0])
    sides.h3.send_headers(id, [(b"a", b"b")], end_stream=True)
    await sides.pass_on()
    assert len(sides.streams) == 1
    assert sides.code is None


async def test_after_so_many_requests_a_connection_winds_up(autojump_clock):
    sides = await Sides(requests=3).shaken()
    ids = [sides.ask() for _ in range(3)]
    await sides.pass_on()
    late = sides.ask()
    await sides.pass_on()
    assert [stream.id for stream in sides.streams] == ids
    goaway = encode_frame(FrameType.GOAWAY, encode_uint_var(late))
    assert any(goaway in getattr(event, "data", b"") for event in sides.events)
    rejected = [event for event in sides.events if isinstance(event, StreamReset)]
    assert [(event.stream_id, event.error_code) for event in rejected] == [(late, ErrorCode.H3_REQUEST_REJECTED)]
    for stream in sides.streams:
        assert sides.code is None
        sides.session.send_head(stream, OK, end=True)
    await sides.pass_on()
    assert sides.code == ErrorCode.H3_NO_ERROR
    assert {stream.fault for stream in sides.streams} == {None}


@pytest.mark.parametrize("kind", ["request", "control"])
async def test_a_frame_that_is_longer_than_a_head_may_be_is_not_kept(autojump_clock, kind):
    sides = await Sides(header_bytes=20_000).shaken()
    id = sides.quic.get_next_available_stream_id() if kind == "request" else sides.h3._local_control_stream_id
    frame = FrameType.HEADERS if kind == "request" else FrameType.MAX_PUSH_ID
    sides.quic.send_stream_data(id, encode_uint_var(frame) + encode_uint_var(TIB))
    most = 0
    for _ in range(100):
        sides.quic.send_stream_data(id, b"x" * 1000)
        await sides.pass_on(2)
        most = max([most, *(len(one.buffer) for one in sides.session._h3._stream.values())])
        if sides.code is not None:
            break
    assert sides.code == BUSY
    assert 15_000 < most < 25_000


async def test_a_body_s_frame_may_be_of_any_length(autojump_clock):
    sides = await Sides(header_bytes=20_000).shaken()
    id = sides.ask(end=False)
    sides.quic.send_stream_data(id, encode_uint_var(FrameType.DATA) + encode_uint_var(TIB))
    got = 0
    for _ in range(40):
        sides.quic.send_stream_data(id, b"x" * 5_000)
        await sides.pass_on()
        got += len(await sides.streams[0].receive())
    assert got == 200_000
    assert sides.code is None


async def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(autojump_clock):
    sides = await Sides(header_s=30.0).shaken()
    id = sides.quic.get_next_available_stream_id()
    sides.quic.send_stream_data(id, encode_uint_var(FrameType.HEADERS) + encode_uint_var(1000))
    for _ in range(29):
        sides.quic.send_stream_data(id, b"x")
        await sides.pass_on()
        await trio.sleep(1)
    assert sides.code is None
    for _ in range(3):
        sides.quic.send_ping(1)
        await sides.pass_on()
        await trio.sleep(1)
    assert sides.code == BUSY


async def test_a_byte_stands_for_no_more_than_the_standard_s_own_table(autojump_clock):
    sides = await Sides().shaken()
    assert sides.h3.received_settings is not None
    assert sides.h3.received_settings[0x01] == sides.h3.received_settings[0x07] == 0
    encoder = pylsqpack.Encoder()
    grown = encoder.apply_settings(4096, 16)
    sides.quic.send_stream_data(sides.h3._local_encoder_stream_id, grown)
    await sides.pass_on()
    assert sides.code == ErrorCode.QPACK_ENCODER_STREAM_ERROR


async def test_what_a_reset_ends_is_told_to_whoever_waits(autojump_clock):
    sides = await Sides().shaken()
    id = sides.ask(end=False)
    await sides.pass_on()
    sides.give_up(id)
    await sides.pass_on()
    with pytest.raises(Reset):
        await sides.streams[0].receive()
    assert repr(sides.session) == "<H3Session open [0 streams, 1 requests]>"


async def test_a_fault_in_a_timer_ends_one_connection_and_nobody_else_s(autojump_clock, caplog):
    sides = await Sides().shaken()

    def broken(now: float) -> None:
        raise AssertionError("inconsistent")

    sides.peer.quic.handle_timer = broken
    endpoint = SimpleNamespace(live={sides.peer}, changed=sides.changed, unname=lambda peer, cid: None)
    with trio.fail_after(3600):
        await Endpoint._keep(endpoint, sides.peer)
    assert sides.peer.over
    assert endpoint.live == set()
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert "A bug in HTTP/3" in record.getMessage()


async def test_bytes_behind_a_gap_are_not_taken_for_read(autojump_clock):
    sides = await Sides(window_bytes=12_000).shaken()
    id = sides.ask(end=False)
    await sides.pass_on()
    sides.quic.send_stream_data(id, encode_uint_var(FrameType.DATA) + encode_uint_var(TIB) + b"x" * 10_000)
    _, *rest = sides.quic.datagrams_to_send(now=trio.current_time())
    assert rest
    for data, address in rest:
        sides.peer.receive(data, address)
    stream = sides.peer.quic._streams[id]
    assert stream.receiver.highest_offset > 3_000
    assert stream.max_stream_data_local == 12_000
