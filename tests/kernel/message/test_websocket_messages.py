"""WebSocket's messages, cut out of the bytes in which they came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.message.websocket import BINARY, CONTINUATION, PING, TEXT, BadFrame, frame
from headgate.message.websocket_messages import Messages

MASK = b"\x01\x80\xff\x10"


def part(kind: int, payload: bytes, *, last: bool) -> bytes:
    whole = bytearray(frame(kind, payload, mask=MASK))
    whole[0] = (128 if last else 0) | kind
    return bytes(whole)


@given(
    said=st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING]), st.binary(max_size=120)), max_size=8),
    size=st.integers(1, 40),
)
def test_messages_come_out_as_they_went_in_wherever_the_bytes_are_cut(said: list[tuple[int, bytes]], size: int) -> None:
    raw = b"".join(frame(kind, payload, mask=MASK) for kind, payload in said)
    messages = Messages(masked=True, most=200)
    found = [one for at in range(0, len(raw), size) for one in messages.feed(raw[at : at + size])]
    assert [(one.kind, one.content) for one in found] == said
    assert b"".join(one.raw for one in found) == raw


def test_a_message_in_parts_comes_out_whole_and_what_controls_it_before() -> None:
    first, second = part(TEXT, b"hel", last=False), part(CONTINUATION, b"lo", last=True)
    ping = frame(PING, b"?", mask=MASK)
    found = Messages(masked=True, most=10).feed(first + ping + second)
    assert [(one.kind, one.content, one.says) for one in found] == [(PING, b"?", False), (TEXT, b"hello", True)]
    assert found[1].raw == first + second


@pytest.mark.parametrize(
    "raw",
    [
        bytes([0xC1, 0x80]) + MASK,  # compressed
        part(TEXT, b"x" * 6, last=False) + part(CONTINUATION, b"y" * 6, last=True),
        frame(TEXT, b"x" * 200, mask=MASK)[:8],
        frame(TEXT, b"hello"),
        part(TEXT, b"x", last=False) + part(CONTINUATION, b"", last=False) * 1000,
    ],
)
def test_what_cannot_be_read_is_no_frame(raw: bytes) -> None:
    with pytest.raises(BadFrame):
        Messages(masked=True, most=10).feed(raw)


def test_a_long_message_may_be_in_many_frames_and_what_controls_it_does_not_count() -> None:
    whole = (
        part(TEXT, b"", last=False) + (part(CONTINUATION, b"x" * 100, last=False) + frame(PING, b"", mask=MASK)) * 1000
    )
    found = Messages(masked=True, most=100_000).feed(whole + part(CONTINUATION, b"", last=True))
    assert len(found[-1].content) == 100_000
    assert len(found) == 1001
