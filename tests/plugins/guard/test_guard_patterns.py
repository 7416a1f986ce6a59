"""An operator's patterns, on texts that come whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate_guard.editing import Cut, Edit, changed
from headgate_guard.finding import OPEN
from headgate_guard.patterns import Outside, Patterns
from headgate_guard.patterns.beginnings import read
from headgate_guard.patterns.finding import compiled

PATTERNS = [
    "abc", "ab?c", "a{2,4}b", "(?i)secret", r"\bkey\b", "a(b|cd)e", "(?:ab){1,3}", "[a-c]{1,3}d$", "a.{0,4}b", "^ab", "ab|abcd",
    r"k\x{65}y", "a(?i:B)c", r"\p{Greek}b", "(?P<n>a)b{2}", r"[]a]b", "a{0,3}b", "a??b", r"a\.b", "(a|b){2,3}c", r"[[:alpha:]]{2}1",
]  # fmt: skip
texts = st.text(alphabet="abcdekyβ1.s ]", max_size=24) | st.lists(
    st.sampled_from(["secret", "SECRET", "key", " ", "ab", "cd", "abcd", "aab", "e", "b"]), max_size=8
).map("".join)


def masking(pattern: str) -> Edit:
    return Edit(Patterns([pattern], streams=True), lambda kind, found: "#")


@settings(max_examples=600)
@given(st.sampled_from(PATTERNS), texts, st.data())
def test_a_text_in_pieces_is_masked_as_the_whole_is(pattern: str, text: str, data: st.DataObject) -> None:
    whole = changed(masking(pattern), text)
    assert whole == compiled(pattern).sub("#", text)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    cut = Cut(masking(pattern))
    pieces = [text[start:stop] for start, stop in zip([0, *places], [*places, len(text)], strict=True)]
    assert "".join(map(cut.take, pieces)) + cut.take("", final=True) == whole
    cut = Cut(masking(pattern))
    assert "".join(map(cut.take, text)) + cut.take("", final=True) == whole


@settings(max_examples=300)
@given(st.sampled_from(PATTERNS), st.data())
def test_every_beginning_of_a_match_is_a_beginning(pattern: str, data: st.DataObject) -> None:
    text = data.draw(texts)
    begin = compiled(read(pattern).begin)
    for match in compiled(pattern).finditer(text):
        found = match.group()
        assert all(begin.fullmatch(found[:length]) for length in range(len(found)))


@pytest.mark.parametrize(("pattern", "pieces", "outs"), [
    ("secret", ["a sec", "ond s", "ecre", "t!"], ["a ", "second ", "", "#!"]),
    ("secret", ["nothing", " of", " it"], ["nothing", " of", " it"]),
    ("a.{0,3}b", ["a", "xxx", "x"], ["", "", "axxxx"]),
    (r"\bkey\b", ["monkey", " key", "s", " key", "."], ["monkey", " ", "keys", " ", "#."]),
])  # fmt: skip
def test_only_what_may_become_a_match_is_held_back(pattern: str, pieces: list[str], outs: list[str]) -> None:
    cut = Cut(masking(pattern))
    assert [cut.take(piece) for piece in pieces] == outs


@given(texts)
def test_no_more_is_held_back_than_the_longest_match(text: str) -> None:
    cut = Cut(masking("a.{0,4}b"))
    for sign in text:
        cut.take(sign)
        assert cut.held <= 6


@pytest.mark.parametrize(("pattern", "said"), [
    ("a.*b", "no bound"), ("a+", "no bound"), ("a{2,}", "no bound"), ("(?:a{100}){100}", "is no pattern"),
    ("a*?", "no length"), (r"\b", "no length"), ("", "no length"), ("a(", "is no pattern"), (r"\Qa\E", "does not know"),
    ("a(?i)b", "does not know"), ("a.{0,999}bc", "no bound"),
])  # fmt: skip
def test_a_pattern_that_cannot_guard_a_stream_is_refused_by_name(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Patterns([pattern], streams=True)


def test_several_patterns_are_one() -> None:
    hits = list(Patterns(["(?i)a", "b{2}"], streams=True).hits("xAbb b", 0, final=False))
    assert [(hit.start, hit.end) for hit in hits] == [(1, 2), (2, 4), (5, OPEN)]


def test_a_text_is_outside_unless_all_of_it_matches() -> None:
    outside = Outside(["[a-z]+", "1+"])
    assert [bool(list(outside.hits(text, 0, final=True))) for text in ("abc", "11", "a1")] == [False, False, True]
