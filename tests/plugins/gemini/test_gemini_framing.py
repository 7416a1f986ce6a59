"""The two forms of Google's streams, split: the work grows as the stream does, and one block has a bound."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linear import growth

from headgate.api import EventTooLarge
from headgate_gemini import framing
from headgate_gemini.framing import ArraySplitter, Framing

LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab"\\[]{},é'), max_size=12)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=5),
    st.sampled_from([None, 1]),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_an_array_in_any_pieces_gives_its_elements(elements: list[Any], indent: int | None, cuts: list[int]) -> None:
    data = json.dumps(elements, indent=indent).encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    splitter = ArraySplitter()
    found = [one for start, end in itertools.pairwise(places) for one in splitter.feed(data[start:end])]
    assert b"".join(block for block, _ in found) == data
    assert [json.loads(element) for _, element in found if element is not None] == elements


@pytest.mark.parametrize(("unit", "size"), [(1 << 15, 1), (1 << 20, 100)])
@pytest.mark.parametrize("inside", [b"0123456789abcdef", b'ab\\"cdefghijklmn'])
def test_a_large_element_in_small_pieces_takes_time_as_its_length(inside: bytes, unit: int, size: int) -> None:
    def made(length: int) -> bytes:
        return b'[{"a":"' + inside * (length // 16) + b'"}]'

    assert growth(lambda: Framing().feed, made, unit, size) < 9


def test_many_elements_at_once_take_time_as_their_length() -> None:
    assert (
        growth(lambda: Framing().feed, lambda length: b'[{"a":1}' + b',{"a":1}' * (length // 8), 1 << 17, 1 << 30) < 9
    )


def test_space_in_front_takes_time_as_its_length() -> None:
    assert growth(lambda: Framing().feed, lambda length: b" " * length, 1 << 17, 7) < 9


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("data", [b"[{" + b'"a":"bcdefgh"}]', b" " * 20, b"data: 0123456789abcdef\n\n"])
def test_a_block_has_a_bound(data: bytes, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_BLOCK", 10)
    reader = Framing()
    with pytest.raises(EventTooLarge, match="10 bytes"):
        [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
