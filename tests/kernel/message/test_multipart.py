"""Forms: what is read, what is refused, and that what is written is read again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.message.multipart import FormPart, read_form, write_form
from headgate.message.strict_json import NotStrict

KIND = "multipart/form-data; boundary=x"


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


def field(name: str, value: bytes = b"v", more: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="%b"%b\r\n\r\n%b' % (name.encode(), more, value)


def test_fields_and_files_are_read_in_their_order() -> None:
    file = b'Content-Disposition: form-data; name="file"; filename="a \\"b\\".wav"\r\nContent-Type: audio/wav\r\n\r\n\x00\r\n\xff'
    assert read_form(form(field("model", b"m"), file), KIND) == [
        FormPart("model", b"m"),
        FormPart("file", b"\x00\r\n\xff", 'a "b".wav', "audio/wav"),
    ]


def test_a_list_may_be_given_in_several_fields() -> None:
    assert [part.text for part in read_form(form(field("n[]", b"1"), field("n[]", b"2")), KIND)] == ["1", "2"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (form(field("a"), field("a")), KIND),
        (b"preamble\r\n" + form(field("a")), KIND),
        (form(field("a"), end=b""), KIND),
        (form(field("a"), end=b"--x--\r\nmore"), KIND),
        (form(field("a")), "multipart/form-data"),
        (form(field("a")), "multipart/form-data; boundary=x; charset=utf-8"),
        (form(field("a")), "multipart/mixed; boundary=x"),
        (form(field("a")), "application/json"),
        (form(b'Content-Disposition: attachment; name="a"\r\n\r\nv'), KIND),
        (form(field("")), KIND),
        (form(field("a", more=b"; filename*=utf-8''b")), KIND),
        (form(field("a", more=b'; name="b"')), KIND),
        (form(b"Content-Transfer-Encoding: base64\r\n" + field("a")), KIND),
        (form(b"X: 1\r\nx: 2\r\n" + field("a")), KIND),
        (form(b"X: \x00\r\n" + field("a")), KIND),
        (form(b"X: \xff\r\n" + field("a")), KIND),
        (form(b"X: " + b"y" * 5000 + b"\r\n" + field("a")), KIND),
        (form(b"no head"), KIND),
        (form(*[field(f"f{place}") for place in range(65)]), KIND),
        (b"", KIND),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data: bytes, kind: str) -> None:
    with pytest.raises(NotStrict):
        read_form(data, kind)


def test_a_field_that_is_no_text_is_refused_by_name() -> None:
    part = FormPart("a", b"\xff")
    with pytest.raises(NotStrict) as caught:
        _ = part.text
    assert caught.value.where == "a"


NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters='"\\\r\n'), min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.tuples(st.binary(max_size=200), st.none() | NAMES), min_size=1, max_size=5))
def test_what_is_written_is_read_again(fields: dict[str, tuple[bytes, str | None]]) -> None:
    parts = [FormPart(name, data, file) for name, (data, file) in fields.items()]
    body, kind = write_form(parts)
    assert read_form(body, kind.decode()) == parts


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with suppress(NotStrict):
        assert read_form(b"--x\r\n" + data, KIND)
