"""A connection of HTTP/2, both sides of it ours, over memory; and raw frames where the other side misbehaves."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from h2_sides import GET, OK, PREFACE, echo, pair, raw, whole
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from headgate.http2 import Lost, Refused, Reset, Stalled, Stream


async def test_bodies_and_trailers_pass_both_ways():
    async with pair(echo) as (client, _):
        stream = client.open(GET, end=False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: client.send(stream, b"x" * 1_000_000, end=True))
            assert await stream.answered() == OK
            assert len(await whole(stream)) == 1_000_000
        assert stream.trailers == [(b"x-trail", b"1")]
        await stream.wait_closed()
        await trio.testing.wait_all_tasks_blocked()
        assert repr(client) == "<Session open [0 streams, 0 bytes to write]>"


async def test_a_stream_that_nobody_reads_stalls_itself_alone(autojump_clock):
    held: list[Stream] = []

    async def handle(session, stream):
        if stream.id == 1:
            held.append(stream)
            await stream.wait_closed()
        else:
            await echo(session, stream)

    async with pair(handle, window_bytes=65536) as (client, _):
        stalled = client.open(GET, end=False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: client.send(stalled, b"x" * 10_000_000))
            for _ in range(50):
                stream = client.open(GET, end=False)
                await client.send(stream, b"y" * 100_000, end=True)
                assert len(await whole(stream)) == 100_000
            await trio.sleep(5)
            assert 0 < sum(map(len, held[0]._arrived)) <= 65536
            nursery.cancel_scope.cancel()


async def test_who_gives_no_room_is_not_waited_for_for_ever(autojump_clock):
    outcome = []

    async def handle(session, stream):
        session.send_head(stream, OK)
        with pytest.raises(Stalled):
            await session.send(stream, b"x" * 10_000_000)
        outcome.append(trio.current_time())

    async with pair(handle, stall_s=7) as (client, _):
        began = trio.current_time()
        stream = client.open(GET, end=True)
        await stream.answered()
        await trio.sleep(20)
        assert outcome[0] - began == pytest.approx(7, abs=0.1)
        assert isinstance(stream.fault, Reset)


async def test_a_sender_that_is_cancelled_leaves_the_connection_to_the_others(autojump_clock):
    async with pair(echo) as (client, _):
        one = client.open(GET, end=False)
        with trio.move_on_after(1):
            while True:
                await client.send(one, b"x" * 100_000)
        client.reset(one)
        two = client.open(GET, end=False)
        await client.send(two, b"hello", end=True)
        assert await whole(two) == b"hello"


async def test_a_reset_is_told_to_reader_and_sender(autojump_clock):
    async def handle(session, stream):
        session.send_head(stream, OK)
        session.reset(stream, 2)

    async with pair(handle) as (client, _):
        stream = client.open(GET, end=False)
        with pytest.raises(Reset, match="INTERNAL_ERROR"):
            await whole(stream)
        with pytest.raises(Reset):
            await client.send(stream, b"more")


async def test_what_came_before_a_fault_is_read_first(autojump_clock):
    async def handle(session, stream):
        session.send_head(stream, OK)
        await session.send(stream, b"some")
        session.reset(stream, 2)

    async with pair(handle) as (client, _):
        stream = client.open(GET, end=True)
        await trio.sleep(1)
        assert await stream.receive() == b"some"
        with pytest.raises(Reset):
            await stream.receive()


async def test_winding_up_lets_streams_end_and_opens_no_more(autojump_clock):
    async with pair(echo) as (client, server):
        stream = client.open(GET, end=False)
        await stream.answered()
        server.wind_up()
        await trio.sleep(0.1)
        assert client.room == 0
        with pytest.raises(Refused):
            client.open(GET, end=True)
        server.close_door()
        await client.send(stream, b"hello", end=True)
        assert await whole(stream) == b"hello"
        await trio.sleep(0.1)
        assert client.ended
        assert server.ended


async def test_a_connection_without_streams_is_closed_when_its_time_is_over(autojump_clock):
    async with pair(echo, idle_s=30) as (client, server):
        stream = client.open(GET, end=False)
        await trio.sleep(100)
        assert not server.ended, "a stream keeps it"
        await client.send(stream, b"", end=True)
        await trio.sleep(29)
        assert not server.ended
        await trio.sleep(2)
        assert server.ended


async def test_who_opens_and_resets_again_and_again_is_disconnected(autojump_clock):
    async with pair(echo) as (client, server):
        for _ in range(1000):
            if server.ended or client.room <= 0:
                break
            stream = client.open(GET, end=False)
            client.reset(stream)
            await trio.sleep(0.001)
        await trio.sleep(1)
        assert server.ended
        assert server.calm.left < 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 10,
        PREFACE + b"\xff" * 100,
        PREFACE + SettingsFrame(0).serialize() + DataFrame(1, b"x").serialize(),
        PREFACE + SettingsFrame(0).serialize() + HeadersFrame(1, b"\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        PREFACE + SettingsFrame(0).serialize() + HeadersFrame(2, b"", flags=["END_HEADERS"]).serialize(),
        PREFACE + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + b"x" * 16385,
    ],
)
async def test_what_breaks_the_framing_ends_the_connection_with_a_word(garbage, autojump_clock):
    async with raw() as (session, other):
        await other.send_all(garbage)
        said = b""
        with trio.fail_after(10):
            while b"\x07\x00\x00\x00\x00\x00" not in said:  # a GOAWAY
                said += await other.receive_some()
            await trio.sleep(2)
        assert session.ended


async def test_streams_behind_a_goaway_are_refused_and_those_before_it_go_on(autojump_clock):
    async with raw(client=True) as (session, other):
        one, two = session.open(GET, end=True), session.open(GET, end=True)
        await other.receive_some()
        goaway = GoAwayFrame(0, last_stream_id=1)
        await other.send_all(SettingsFrame(0).serialize() + goaway.serialize())
        with pytest.raises(Refused):
            await two.answered()
        await other.send_all(HeadersFrame(1, b"\x88", flags=["END_HEADERS"]).serialize())  # :status 200
        assert await one.answered() == OK
        await other.send_all(DataFrame(1, b"hello", flags=["END_STREAM"]).serialize())
        assert await whole(one) == b"hello"
        await trio.sleep(0.1)
        assert session.ended


async def test_a_connection_that_is_lost_is_told_to_every_stream(autojump_clock):
    async with raw(client=True) as (session, other):
        streams = [session.open(GET, end=True) for _ in range(3)]
        await other.aclose()
        for stream in streams:
            with pytest.raises(Lost):
                await stream.answered()


async def test_a_stream_that_is_refused_says_so(autojump_clock):
    async with raw(client=True) as (session, other):
        stream = session.open(GET, end=True)
        await other.send_all(SettingsFrame(0).serialize() + RstStreamFrame(1, error_code=7).serialize())
        with pytest.raises(Refused):
            await stream.answered()


async def test_more_streams_than_granted_are_refused(autojump_clock):
    async def hold(session, stream):
        await stream.wait_closed()

    async with raw(hold, streams=2) as (session, other):
        frames = [HeadersFrame(at, b"\x82\x84\x86\x41\x01a", flags=["END_HEADERS"]).serialize() for at in (1, 3)]
        await other.send_all(PREFACE + SettingsFrame(0).serialize() + b"".join(frames))
        await trio.sleep(0.1)
        assert len(session.streams) == 2
        await other.send_all(HeadersFrame(5, b"\x82\x84\x86\x41\x01a", flags=["END_HEADERS"]).serialize())
        await trio.sleep(0.1)
        assert len(session.streams) <= 2
