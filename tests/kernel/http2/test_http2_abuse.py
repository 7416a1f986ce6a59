"""What a hostile other side may cost a connection of HTTP/2, and what an honest one may do without being taken for it."""

from __future__ import annotations

import struct

import pytest
import trio
from h2_sides import GET, OK, PREFACE, pair, raw, whole
from hpack import Encoder
from hyperframe.frame import HeadersFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from headgate.http2 import Refused, Stalled


async def head_only(session, stream):
    session.send_head(stream, OK)
    await stream.wait_closed()


async def read_on(other) -> None:
    while await other.receive_some(65536):
        pass


async def test_settings_that_nobody_knows_are_not_kept(autojump_clock):
    async with raw() as (session, other), trio.open_nursery() as nursery:
        nursery.start_soon(read_on, other)
        many = b"".join(struct.pack(">HL", code, 1) for code in range(100, 2600))
        frame = len(many).to_bytes(3, "big") + b"\x04\x00\x00\x00\x00\x00" + many
        await other.send_all(PREFACE + SettingsFrame(0).serialize() + frame)
        await trio.sleep(1)
        assert not session.ended
        assert len(session.machine.remote_settings) < 10
        nursery.cancel_scope.cancel()


async def test_who_sends_settings_without_end_is_disconnected(autojump_clock):
    async with raw() as (session, other), trio.open_nursery() as nursery:
        nursery.start_soon(read_on, other)
        await other.send_all(PREFACE + SettingsFrame(0).serialize() * 1000)
        await trio.sleep(1)
        assert session.ended
        nursery.cancel_scope.cancel()


async def test_who_sends_them_now_and_then_is_not(autojump_clock):
    async with raw() as (session, other), trio.open_nursery() as nursery:
        nursery.start_soon(read_on, other)
        await other.send_all(PREFACE)
        for _ in range(1000):
            await other.send_all(SettingsFrame(0).serialize())
            await trio.sleep(0.5)
        assert not session.ended
        nursery.cancel_scope.cancel()


async def test_answers_that_their_reader_breaks_off_are_no_attack(autojump_clock):
    async with pair(head_only) as (client, server):
        for _ in range(600):
            stream = client.open(GET, end=True)
            await stream.answered()
            client.reset(stream)
        await trio.sleep(1)
        assert not server.ended
        assert not client.ended


async def test_resets_before_an_answer_are_forgotten_with_time(autojump_clock):
    async def never(session, stream):
        await stream.wait_closed()

    async with pair(never) as (client, server):
        for _ in range(600):
            client.reset(client.open(GET, end=True))
            await trio.sleep(0.2)
        assert not server.ended


async def test_an_honest_client_that_reads_slowly_gets_all_of_its_many_answers(autojump_clock):
    async def answer(session, stream):
        session.send_head(stream, OK)
        await session.send(stream, b"x" * 65536, end=True)

    async with pair(answer) as (client, _):
        streams = [client.open(GET, end=True) for _ in range(100)]
        for stream in streams:
            await trio.sleep(0.01)
            assert len(await whole(stream)) == 65536


async def test_a_frame_is_never_longer_than_a_turn(autojump_clock):
    async def answer(session, stream):
        session.send_head(stream, OK)
        await session.send(stream, b"x" * 200_000, end=True)

    async with raw(answer) as (_, other), trio.open_nursery() as nursery:
        large = SettingsFrame(0, settings={4: 1 << 20, 5: 1 << 22})
        request = HeadersFrame(1, Encoder().encode(GET), flags=["END_HEADERS", "END_STREAM"])
        widened = WindowUpdateFrame(0, window_increment=1 << 20)
        await other.send_all(PREFACE + large.serialize() + widened.serialize() + request.serialize())
        data, longest, sizes = b"", 0, 0
        while sizes < 200_000:
            data += await other.receive_some(65536)
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size, kind = int.from_bytes(data[:3], "big"), data[3]
                data = data[9 + size :]
                if kind == 0:
                    longest, sizes = max(longest, size), sizes + size
        assert longest == 16384
        nursery.cancel_scope.cancel()


async def test_a_window_of_the_connection_alone_prolongs_no_stall(autojump_clock):
    outcome = []

    async def handle(session, stream):
        session.send_head(stream, OK)
        with pytest.raises(Stalled):
            await session.send(stream, b"x" * 100)
        outcome.append(trio.current_time())

    async with raw(handle, stall_s=7) as (_, other), trio.open_nursery() as nursery:
        nursery.start_soon(read_on, other)
        request = HeadersFrame(1, Encoder().encode(GET), flags=["END_HEADERS", "END_STREAM"])
        await other.send_all(PREFACE + SettingsFrame(0, settings={4: 0}).serialize() + request.serialize())
        began = trio.current_time()
        for _ in range(40):
            await other.send_all(WindowUpdateFrame(0, window_increment=1).serialize())
            await trio.sleep(0.5)
        assert outcome[0] - began == pytest.approx(7, abs=0.6)
        nursery.cancel_scope.cancel()


async def test_a_stream_beyond_the_limit_is_refused_and_the_others_go_on(autojump_clock):
    heads, block = [], Encoder()

    async def hold(session, stream):
        heads.append(stream)
        await stream.wait_closed()

    async with raw(hold, streams=10) as (session, other), trio.open_nursery() as nursery:
        frames = b"".join(
            HeadersFrame(1 + 2 * at, block.encode(GET), flags=["END_HEADERS", "END_STREAM"]).serialize()
            for at in range(18)
        )
        nursery.start_soon(read_on, other)
        await other.send_all(PREFACE + SettingsFrame(0).serialize() + frames)
        await trio.sleep(1)
        assert len(heads) == 10
        assert not session.ended
        nursery.cancel_scope.cancel()


async def test_an_upstream_that_has_said_nothing_yet_is_not_given_more_than_a_hundred_calls(autojump_clock):
    async with raw(client=True) as (session, other):
        assert session.room == 100
        await other.send_all(SettingsFrame(0, settings={3: 250}).serialize())
        await trio.sleep(1)
        assert session.room == 250


async def test_calls_that_an_upstream_refuses_are_not_held_against_it(autojump_clock):
    async with raw(client=True) as (session, other), trio.open_nursery() as nursery:
        nursery.start_soon(read_on, other)
        await other.send_all(SettingsFrame(0, settings={3: 1000}).serialize())
        await trio.sleep(1)
        refused = 0
        for at in range(500):
            stream = session.open(GET, end=True)
            await other.send_all(RstStreamFrame(1 + 2 * at, error_code=7).serialize())
            try:
                await stream.answered()
            except Refused:
                refused += 1
        assert (refused, session.ended) == (500, False)
        nursery.cancel_scope.cancel()
