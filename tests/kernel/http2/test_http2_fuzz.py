"""Whatever a client sends over HTTP/2: no bug shows, and the connection ends within its times."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.message.request import Client
from headgate.message.response import Response
from headgate.wire.h2 import PREFACE
from headgate.wire.limits import Limits
from headgate.wire.table import Connections

IDS = st.sampled_from([0, 1, 2, 3, 5, 7, 101, 2**31 - 1])
NAMES = st.sampled_from(
    [b":method", b":path", b":scheme", b":authority", b":protocol", b":status", b"host", b"content-length", b"cookie",
     b"te", b"connection", b"x", b"X", b"expect", b"", b"a b"]
)  # fmt: skip
VALUES = st.sampled_from(
    [b"GET", b"POST", b"CONNECT", b"/", b"/a?b", b"*", b"http", b"https", b"a.test", b"websocket", b"5", b"-1", b"trailers",
     b"a\r\nb", b"\x00", b"", b"a" * 5000, b"100-continue"]
)  # fmt: skip
GOOD = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a.test")]


@st.composite
def headers(draw):
    lines = draw(
        st.one_of(
            st.just(GOOD),
            st.lists(st.tuples(NAMES, VALUES), max_size=8),
            st.lists(st.tuples(NAMES, VALUES), max_size=3).map(lambda more: GOOD + more),
        )
    )
    return Encoder().encode(lines)


FLAGS = st.lists(st.sampled_from(["END_STREAM", "END_HEADERS"]), unique=True)


@st.composite
def frames(draw):
    kind, id = draw(st.integers(0, 9)), draw(IDS)
    if kind == 0:
        return DataFrame(
            id or 1, draw(st.binary(max_size=300)), flags=draw(st.sampled_from([[], ["END_STREAM"]]))
        ).serialize()
    if kind in (1, 2):
        return HeadersFrame(id or 1, draw(headers()), flags=draw(FLAGS)).serialize()
    if kind == 3:
        return ContinuationFrame(
            id or 1, draw(headers()), flags=draw(st.sampled_from([[], ["END_HEADERS"]]))
        ).serialize()
    if kind == 4:
        return SettingsFrame(0, {draw(st.integers(1, 9)): draw(st.integers(0, 2**32 - 1))}).serialize()
    if kind == 5:
        return PingFrame(0, b"12345678").serialize()
    if kind == 6:
        return RstStreamFrame(id or 1, draw(st.integers(0, 20))).serialize()
    if kind == 7:
        return WindowUpdateFrame(id, draw(st.integers(1, 2**31 - 1))).serialize()
    if kind == 8:
        return draw(st.sampled_from([GoAwayFrame(0).serialize(), PriorityFrame(id or 1).serialize()]))
    return draw(st.binary(max_size=40))


class Echo:
    """Answers with what it reads; its own failures are the client's."""

    async def __call__(self, request, client, reply):
        pieces = []
        while piece := await request.body.read():
            pieces.append(piece)
        await reply.send(Response(200, [(b"x-method", request.method.encode())], b"".join(pieces)))


def spoken(data: bytes, caplog):
    """Say it to a node, and read until it closes."""

    async def main():
        one, two = trio.testing.memory_stream_pair()
        table = Connections(Echo(), Limits(idle_s=20, header_s=10, body_idle_s=10, body_rate=None, linger_s=2))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(table.sweep)
            nursery.start_soon(table.serve_stream, two, Client("127.0.0.1", 1))
            with trio.fail_after(200):
                try:
                    await one.send_all(data)
                    while await one.receive_some():
                        pass
                except trio.BrokenResourceError:
                    pass
                while table.live:
                    await trio.sleep(1)
            nursery.cancel_scope.cancel()

    caplog.clear()
    with caplog.at_level(logging.ERROR):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert [record.getMessage() for record in caplog.records] == []


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(frames(), max_size=14))
def test_no_frames_show_a_bug_or_hang_a_connection(caplog, made):
    spoken(PREFACE + SettingsFrame(0).serialize() + b"".join(made), caplog)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(frames(), min_size=1, max_size=6), st.integers(0, 400), st.binary(max_size=3))
def test_nor_do_frames_with_bytes_changed(caplog, made, place, instead):
    data = b"".join(made)
    place %= len(data) or 1
    spoken(PREFACE + SettingsFrame(0).serialize() + data[:place] + instead + data[place + len(instead) :], caplog)


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_client_that_says_half_is_not_waited_for_for_ever(caplog, cut):
    whole = (
        PREFACE
        + SettingsFrame(0).serialize()
        + HeadersFrame(1, Encoder().encode(GOOD), flags=["END_HEADERS"]).serialize()
    )
    whole += DataFrame(1, b"hello").serialize()
    spoken(whole[:cut], caplog)


async def test_what_is_right_is_answered_in_this_bed(autojump_clock):
    one, two = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        table = Connections(Echo())
        nursery.start_soon(table.serve_stream, two, Client("127.0.0.1", 1))
        head = HeadersFrame(1, Encoder().encode(GOOD), flags=["END_HEADERS"]).serialize()
        await one.send_all(
            PREFACE + SettingsFrame(0).serialize() + head + DataFrame(1, b"hello", flags=["END_STREAM"]).serialize()
        )
        got = b""
        while b"hello" not in got:
            got += await one.receive_some()
        nursery.cancel_scope.cancel()
