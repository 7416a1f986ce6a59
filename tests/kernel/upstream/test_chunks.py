"""Where a body ends, byte by byte."""

from __future__ import annotations

import itertools
from collections import deque

import pytest

from headgate.upstream.chunks import CHUNK_HEAD_BYTES, TRAILER_BYTES, Chunked, Counted, Malformed, UntilEnd

WHOLE = b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n"


def pieces(data: bytes, *cuts: int) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
@pytest.mark.parametrize("second", [None, 3, 12, 20])
def test_a_chunked_body_is_the_same_however_it_is_split(cut: int, second: int | None) -> None:
    decoder = Chunked()
    body = b"".join(decoder.feed(piece) for piece in pieces(WHOLE, cut, *([] if second is None else [second])))
    assert (body, decoder.done, decoder.surplus) == (b"hello world", True, False)


def test_a_chunked_body_is_the_same_byte_by_byte() -> None:
    decoder = Chunked()
    assert b"".join(decoder.feed(WHOLE[at : at + 1]) for at in range(len(WHOLE))) == b"hello world"
    assert decoder.done


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_a_chunked_body_cut_anywhere_is_never_whole(end: int) -> None:
    decoder = Chunked()
    decoder.feed(WHOLE[:end])
    assert not decoder.done
    with pytest.raises(Malformed, match="before the last chunk"):
        decoder.end()


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1\n",
        b"1\r\rn\n",
        b"5\r\nhello!\r\n",
        b"5\r\nhello\n",
        b"5\r\nhelloX",
        b"5;a\nb\r\n",
        b"11111111111111111\r\n",
        b";x\r\n",
        b"0\r\nx: y\n\r\n",
        b"1_0\r\n",
        b"\xd9\xa1\r\n",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Chunked().feed(data)


@pytest.mark.parametrize("split", [1, 4096])
def test_a_chunk_header_without_end_is_refused(split: int) -> None:
    decoder = Chunked()
    endless = b"1;" + b"x" * 2 * CHUNK_HEAD_BYTES
    with pytest.raises(Malformed, match="chunk header"):
        deque(map(decoder.feed, (endless[at : at + split] for at in range(0, len(endless), split))), maxlen=0)


def test_trailers_without_end_are_refused() -> None:
    decoder = Chunked()
    decoder.feed(b"0\r\n")
    with pytest.raises(Malformed, match="trailers"):
        deque(map(decoder.feed, [b"x: yz\r\n"] * TRAILER_BYTES), maxlen=0)


def test_bytes_behind_the_end_are_surplus() -> None:
    chunked, counted = Chunked(), Counted(2)
    assert chunked.feed(b"0\r\n\r\nH") == b""
    assert counted.feed(b"abc") == b"ab"
    assert chunked.done
    assert chunked.surplus
    assert counted.done
    assert counted.surplus


def test_a_counted_body_that_is_short_is_never_whole() -> None:
    decoder = Counted(5)
    assert decoder.feed(b"four") == b"four"
    with pytest.raises(Malformed, match="1 bytes short of the declared 5"):
        decoder.end()


def test_the_end_of_the_connection_ends_a_body_without_a_length() -> None:
    decoder = UntilEnd()
    assert decoder.feed(b"x") == b"x"
    decoder.end()
    assert decoder.done
