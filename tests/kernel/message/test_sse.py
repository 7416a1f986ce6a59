"""Events out of bytes: where the bytes were cut makes no difference."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linear import growth

from headgate.message.sse import Event, EventSplitter, EventTooLarge, parse_event, render_event

STREAMS = [
    b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
    b"data: a\r\n\r\ndata: b\r\n\r\n",
    b"data: a\r\rdata: b\r\rdata: c\r\r\n",
    b": ping\n\ndata: a\ndata: b\n\n\n\nevent: x\nid: 7\ndata:c\n\n",
    b"data: a\n\r\ndata: b\r\n\ndata: c\r\r\ndata: d\n\n",
    b"\n\n\ndata: a\n\n\ndata: b\n\n",
    b"\xef\xbb\xbfdata: \xc3\xa4\n\nretry: 10\n\ndata\n\n",
]
LINE_ENDS = re.compile(rb"\r\n|\n|\r")
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from([b"data: x", b"data", b": comment", b"event: e", b"id: 1", b"data:y:z", b""])


def blocks_of(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = EventSplitter()
    return [block for piece in pieces for block in splitter.feed(piece)], splitter.rest


def events_of(blocks: list[bytes]) -> list[Event]:
    return [event for event in map(parse_event, blocks) if event is not None]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_split_gives_the_same_blocks(stream: bytes) -> None:
    blocks, rest = blocks_of([stream])
    assert b"".join(blocks) + rest == stream
    for at in range(len(stream) + 1):
        assert blocks_of([stream[:at], stream[at:]]) == (blocks, rest), at
    singles = blocks_of([stream[at : at + 1] for at in range(len(stream))])
    assert singles == (blocks, rest)


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 300), max_size=8))
def test_any_stream_in_any_pieces_gives_the_same_events(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(places)]
    blocks, rest = blocks_of(pieces)
    assert b"".join(blocks) + rest == stream
    assert (events_of(blocks), rest) == (events_of(blocks_of([stream])[0]), blocks_of([stream])[1])


def plain_events(stream: bytes) -> list[Event]:
    """Line by line, as the standard says it, of a stream that is all there."""
    found: list[Event] = []
    block: list[bytes] = []
    for line in LINE_ENDS.split(stream)[:-1]:
        if line:
            block.append(line)
        else:
            event = parse_event(b"".join(one + b"\n" for one in block) + b"\n")
            found += [event] if event is not None else []
            block = []
    return found


@given(
    st.lists(st.tuples(LINES, ENDS), max_size=30),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_any_line_ends_in_any_pieces_give_the_events_of_the_standard(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    # A comment behind it decides what a last CR is.
    stream = b"".join(line + end for line, end in lines) + b":"
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    blocks, _ = blocks_of([stream[start:end] for start, end in itertools.pairwise(places)])
    assert events_of(blocks) == plain_events(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(("unit", "size"), [(1 << 15, 1), (1 << 17, 7), (1 << 20, 100)])
def test_a_large_event_in_small_pieces_takes_time_as_its_length(end: bytes, unit: int, size: int) -> None:
    def made(length: int) -> bytes:
        return (b"data: 0123456789" + end) * (length // 16)

    assert growth(lambda: EventSplitter().feed, made, unit, size) < 9


def test_an_event_with_lf_before_one_with_crlf_stays_apart() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\n\ndata: b") == [b"data: a\n\n"]
    assert splitter.feed(b"\n\n") == [b"data: b\n\n"]
    assert splitter.feed(b"a\r\n\r\nb\r\n\r\n") == [b"a\r\n\r\n", b"b\r\n\r\n"]


def test_two_crs_end_a_block_at_once() -> None:
    assert blocks_of([b"data: a\r\r", b"data: [DONE]\r\r"]) == ([b"data: a\r\r", b"data: [DONE]\r\r"], b"")
    assert blocks_of([b"data: a\r\r\ndata: b\n\n"])[0] == [b"data: a\r\r", b"\ndata: b\n\n"]


def test_line_ends_do_not_change_the_events() -> None:
    stream = b"event: e\ndata: a\ndata: b\n\n: c\n\ndata: d\n\n"
    expected = [Event(b"a\nb", b"e"), Event(b"d")]
    for end in (b"\n", b"\r\n"):
        assert events_of(blocks_of([stream.replace(b"\n", end)])[0]) == expected


def test_what_has_no_end_is_no_event() -> None:
    assert blocks_of([b"data: a\n\ndata: b\n"]) == ([b"data: a\n\n"], b"data: b\n")


def test_comments_and_empty_frames_are_no_events() -> None:
    assert parse_event(b": ping\n\n") is None
    assert parse_event(b"\n\n") is None


def test_a_block_without_end_is_given_up() -> None:
    splitter = EventSplitter(max_block=10)
    with pytest.raises(EventTooLarge, match="more than 10 bytes"):
        splitter.feed(b"data: 0123456789")


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_bound_holds_however_a_block_is_cut(size: int, end: bytes) -> None:
    for length, too_large in ((10, False), (11, True)):
        stream = (b"x" * (length - 2 * len(end))) + end + end
        splitter = EventSplitter(max_block=10)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        if too_large:
            with pytest.raises(EventTooLarge):
                [splitter.feed(piece) for piece in pieces]
        else:
            assert [block for piece in pieces for block in splitter.feed(piece)] == [stream]


def test_what_is_rendered_is_parsed_again() -> None:
    assert render_event(b"a\nb", b"e") == b"event: e\ndata: a\ndata: b\n\n"
    assert parse_event(render_event(b"a\r\nb")) == Event(b"a\nb")


def test_a_repr_tells_what_waits() -> None:
    splitter = EventSplitter()
    splitter.feed(b"data")
    assert repr(splitter) == "<EventSplitter [4 bytes wait for their end]>"


@pytest.mark.parametrize(
    "block",
    [
        b"event: ping\ndata: {}\n\n", b"event: \ndata: {}\n\n", b"event: a\ndata: \n\n", b"event: a\ndata:x\n\n",
        b"event: a\nevent: b\n\n", b"event: a\ndata\n\n", b"event: a\nid: 7\n\n", b"event:  a\ndata:  x\n\n", b"data: x\n\n",
        b"data: event: a\n\n", b"data: x\nevent: a\n\n", b"event: a: b\ndata: c: d\n\n",
    ],
)  # fmt: skip
def test_the_usual_blocks_are_read_as_all_others_are(block: bytes) -> None:
    """These have a short way, which no block with CRs takes."""
    assert parse_event(block) == parse_event(block.replace(b"\n", b"\r\n"))
