"""WebSocket's frames, read along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from headgate.message.websocket import BINARY, CLOSE, PING, TEXT, BadFrame, Frames, close_frame, frame, unmasked

MASK = b"\x01\x02\x03\x04"


def fed(data, *, masked=False, step=None, **more):
    frames = Frames(masked=masked, **more)
    step = step or len(data) or 1
    for at in range(0, len(data), step):
        frames.feed(data[at : at + step])
    return frames


@given(
    st.lists(
        st.tuples(st.sampled_from([TEXT, BINARY, PING]), st.integers(0, 130), st.booleans()).filter(
            lambda one: one[0] != PING or one[1] <= 125
        )
    ),
    st.integers(1, 50),
)
def test_messages_are_counted_wherever_they_are_cut(made, step):
    texts = []
    data = b"".join(frame(kind, b"x" * size) for kind, size, _ in made)
    frames = fed(data, step=step, message=lambda kind, said: texts.append(said) if kind == TEXT else None, most=1000)
    assert frames.messages == sum(kind != PING for kind, _, _ in made)
    assert texts == [b"x" * size for kind, size, _ in made if kind == TEXT]
    assert frames.between
    assert frames.closed is None


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4), st.integers(1, 9))
def test_a_mask_comes_off_wherever_it_is_cut(payload, mask, step):
    seen = []
    fed(
        frame(TEXT, payload, mask=mask), masked=True, step=step, message=lambda kind, said: seen.append(said), most=1000
    )
    assert seen == [payload]
    assert unmasked(unmasked(payload, mask), mask) == payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_what_we_write_is_what_others_read(size):
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(frame(BINARY, b"x" * size))
    got = [(one.opcode, bytes(one.payload)) for one in protocol.received_frames()]
    assert [kind for kind, _ in got] == [Opcode.BINARY] * len(got)
    assert b"".join(payload for _, payload in got) == b"x" * size


def test_a_message_in_parts_is_one():
    seen = []
    data = bytes((1, 3)) + b"abc" + frame(PING, b"!") + bytes((0, 2)) + b"de" + bytes((128, 1)) + b"f"
    frames = fed(data, step=1, message=lambda kind, said: seen.append(said), most=100)
    assert (frames.messages, seen) == (1, [b"abcdef"])


def test_a_text_that_is_too_long_or_compressed_is_counted_and_not_kept():
    seen = []
    compressed = bytes((0x80 | 0x40 | TEXT, 3)) + b"abc"
    frames = fed(
        frame(TEXT, b"x" * 101) + compressed + frame(TEXT, b"ok"),
        message=lambda kind, said: seen.append(said),
        most=100,
    )
    assert (frames.messages, seen) == (3, [b"ok"])


@pytest.mark.parametrize(("data", "code"), [(close_frame(4001, "bye"), 4001), (frame(CLOSE, b""), 1005)])
def test_the_code_of_a_close_is_read(data, code):
    assert fed(data, step=1).closed == code


@pytest.mark.parametrize(
    ("data", "masked", "why"),
    [
        (bytes((0x83, 0)), False, "unknown kind 3"),
        (frame(TEXT, b"x"), True, "not masked"),
        (frame(TEXT, b"x", mask=MASK), False, "masked a frame"),
        (bytes((0x89, 126, 0, 126)), False, "control frame"),
        (bytes((0x09, 0)), False, "control frame"),
        (bytes((1, 1)) + b"a" + frame(TEXT, b"b"), False, "within another"),
        (bytes((0x80, 0)), False, "has not begun"),
        (bytes((0x82, 127)) + b"\xff" * 8, False, "impossible size"),
    ],
)
def test_what_breaks_the_framing_is_refused(data, masked, why):
    with pytest.raises(BadFrame, match=why):
        fed(data, masked=masked)


@given(st.binary(max_size=200), st.booleans())
def test_nothing_else_is_raised_for_any_bytes(data, masked):
    try:
        fed(data, masked=masked, step=3)
    except BadFrame:
        return
