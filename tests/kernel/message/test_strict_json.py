"""JSON that can be read in one way only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.message import strict_json
from headgate.message.strict_json import NotStrict, decode_strictly

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BLANKS = st.text(" \t\r\n", max_size=3)


@given(VALUES, BLANKS, BLANKS)
def test_what_is_json_is_read_as_everybody_reads_it(value: Any, before: str, behind: str) -> None:
    text = before + json.dumps(value) + behind
    assert decode_strictly(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": 1, "a": 2}', "The key `a` is given twice"), (b'[{"a": {"b": 1, "b": 1}}]', "The key `b` is given twice"),
        (b'{"a": NaN}', "NaN is not JSON"), (b'{"a": 1e999}', "too large"), (b'{"a": 12345678901234567890}', "64 bits"),
        (b'{"a": "\\ud800"}', "not valid UTF-8"), (b'{"a": "\xff"}', "not valid UTF-8"), (b"[" * 100_000, "nested too deeply"),
        (b"{} {}", "not valid JSON"), (b"{}\x0b", "not valid JSON"), (b"", "not valid JSON"), (b'{"a": 1,}', "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
    ],
)  # fmt: skip
def test_what_others_could_read_otherwise_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(NotStrict, match=says):
        decode_strictly(data)


@pytest.mark.parametrize("behind", [b"", b"\n", b" \r\n\t"])
def test_a_body_is_decoded_once_whatever_blanks_are_behind_it(behind: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(text: str, at: int) -> Any:
        asked.append(at)
        return plain(text, at)

    plain = strict_json._scan
    monkeypatch.setattr(strict_json, "_scan", counting)
    monkeypatch.setattr(strict_json._decoder, "scan_once", lambda text, at: pytest.fail("it is decoded again"))
    assert decode_strictly(b'{"a": {"b": 1}}' + behind) == {"a": {"b": 1}}
    assert asked == [0]
