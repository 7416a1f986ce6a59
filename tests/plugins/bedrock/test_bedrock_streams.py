"""Bedrock's binary streams: frames as AWS's own client reads and refuses them, and what happens in them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import botocore.eventstream
import botocore.session
import pytest
from botocore.parsers import EventStreamJSONParser
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import growth

from headgate.api import EventTooLarge, FakeChat
from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    Citation,
    CitationDelta,
    Closed,
    Counted,
    Ended,
    Failed,
    Garbled,
    Happening,
    Image,
    Media,
    Opened,
    Reasoning,
    ReasoningDelta,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
    Written,
)
from headgate_bedrock.dialect import BedrockOut
from headgate_bedrock.eventstream import FrameSplitter, encode

OUT = BedrockOut()
SHAPE = (
    botocore.session.get_session()
    .get_service_model("bedrock-runtime")
    .operation_model("ConverseStream")
    .output_shape.members["stream"]
)


def event(kind: str, value: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode(headers, json.dumps(value).encode())


def delta(block: int, value: dict[str, Any]) -> bytes:
    return event("contentBlockDelta", {"delta": value, "contentBlockIndex": block, "p": "abcdef"})


def stop(block: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": block})


def call(block: int, ident: str, name: str) -> bytes:
    start = {"toolUse": {"toolUseId": ident, "name": name}}
    return event("contentBlockStart", {"start": start, "contentBlockIndex": block})


USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 45,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 10,
}
COUNTED = Counted(input_tokens=40, output_tokens=5, cached_tokens=20, cache_write_tokens=10)
START = event("messageStart", {"role": "assistant"})
END = event("messageStop", {"stopReason": "tool_use"})
METADATA = event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})
FRAMES = [
    START,
    delta(0, {"reasoningContent": {"text": "H"}}), delta(0, {"reasoningContent": {"text": "m"}}),
    delta(0, {"reasoningContent": {"signature": "sig"}}), stop(0),
    delta(1, {"reasoningContent": {"redactedContent": "c2Vj"}}), stop(1),
    delta(2, {"text": "Zü"}), delta(2, {"text": "rich"}),
    delta(2, {"citation": {"title": "T", "location": {"web": {"url": "https://a"}}}}), stop(2),
    call(3, "a", "f"), delta(3, {"toolUse": {"input": '{"x"'}}),
    call(4, "b", "g"), delta(4, {"toolUse": {"input": ""}}), delta(3, {"toolUse": {"input": ": 1}"}}), stop(3), stop(4),
    event("contentBlockStart", {"start": {"image": {"format": "png"}}, "contentBlockIndex": 5}),
    delta(5, {"image": {"source": {"bytes": "iVBO"}}}), stop(5),
    END, METADATA,
]  # fmt: skip
HAPPENED: list[Happening] = [
    Began(),
    Opened(Reasoning(maker="bedrock")), ReasoningDelta("H"), ReasoningDelta("m"), SignatureDelta("sig"), Closed(),
    Opened(Reasoning(sealed="c2Vj", maker="bedrock"), 1), Closed(1),
    Opened(Text(text=""), 2), TextDelta("Zü", 2), TextDelta("rich", 2),
    CitationDelta(Citation(title="T", url="https://a", extra={"location": {"web": {"url": "https://a"}}}), 2), Closed(2),
    Opened(ToolCall(id="a", name="f"), 3), ArgumentsDelta('{"x"', 3),
    Opened(ToolCall(id="b", name="g"), 4), ArgumentsDelta("", 4), ArgumentsDelta(": 1}", 3), Closed(3), Closed(4),
    Opened(Image(media=Media(mime="image/png", data="iVBO")), 5), Closed(5),
    Stopped("tools"), Used(COUNTED), Ended(),
]  # fmt: skip


def events(data: bytes, *cuts: int) -> list[Happening]:
    reader, found = OUT.reader(), list[Happening]()
    places = [0, *cuts, len(data)]
    for begin, end in itertools.pairwise(places):
        for _, happened in reader.feed(data[begin:end]):
            found += happened
    return found + ([] if found[-1:] == [Ended()] else reader.finish())


def test_a_stream_is_read_one_for_one() -> None:
    assert events(b"".join(FRAMES)) == HAPPENED


def test_every_cut_gives_the_same() -> None:
    data = b"".join(FRAMES)
    for cut in range(1, len(data)):
        assert events(data, cut) == HAPPENED, cut
    assert events(data, *range(1, len(data))) == HAPPENED


def test_aws_s_own_parser_reads_the_same_frames() -> None:
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(b"".join(FRAMES))
    parser = EventStreamJSONParser()
    kinds = [next(iter(parser.parse(frame.to_response_dict(), SHAPE))) for frame in buffer]
    assert len(kinds) == len(FRAMES)
    assert kinds[0] == "messageStart"


@settings(deadline=None, max_examples=200)
@given(
    frames=st.lists(
        st.tuples(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=30), max_size=4), st.binary(max_size=99)),
        min_size=1, max_size=5,
    ),
    data=st.data(),
)  # fmt: skip
def test_frames_are_those_of_aws_s_own_client(frames: list[tuple[dict[str, str], bytes]], data: st.DataObject) -> None:
    whole = b"".join(encode(headers, payload) for headers, payload in frames)
    cut = data.draw(st.integers(0, len(whole)))
    splitter, theirs = FrameSplitter(), botocore.eventstream.EventStreamBuffer()
    ours = [*splitter.feed(whole[:cut]), *splitter.feed(whole[cut:])]
    theirs.add_data(whole)
    assert [(frame.headers, frame.payload) for _, frame in ours] == [(one.headers, one.payload) for one in theirs]
    assert b"".join(block for block, _ in ours) == whole
    assert splitter.rest == b""


@settings(deadline=None, max_examples=300)
@given(place=st.integers(0, len(FRAMES[1]) - 1), bit=st.integers(0, 7))
def test_no_bit_that_fell_over_goes_unseen(place: int, bit: int) -> None:
    data = bytearray(FRAMES[1])
    data[place] ^= 1 << bit
    with pytest.raises(Garbled):
        events(bytes(data) + METADATA)


def test_headers_that_are_no_texts_are_stepped_over() -> None:
    """The eight other types, as botocore reads them."""
    import struct
    from binascii import crc32

    values = [b"\x00", b"\x01", b"\x02\x07", b"\x03\x00\x07", b"\x04" + b"\x00" * 4, b"\x05" + b"\x00" * 8,
              b"\x06\x00\x02ab", b"\x08" + b"\x00" * 8, b"\x09" + b"\x00" * 16, b"\x07\x00\x01z"]  # fmt: skip
    headers = b"".join(b"\x01" + bytes([97 + at]) + value for at, value in enumerate(values))
    prelude = struct.pack(">II", len(headers) + 16, len(headers))
    frame = prelude + crc32(prelude).to_bytes(4) + headers
    frame += crc32(frame).to_bytes(4)
    [(_, read)] = FrameSplitter().feed(frame)
    assert read.headers == {"j": "z"}
    theirs = botocore.eventstream.EventStreamBuffer()
    theirs.add_data(frame)
    assert len(next(iter(theirs)).headers) == 10


def test_a_length_beyond_the_bound_is_refused_at_once() -> None:
    import struct
    from binascii import crc32

    prelude = struct.pack(">II", 1 << 30, 0)
    with pytest.raises(EventTooLarge):
        FrameSplitter().feed(prelude + crc32(prelude).to_bytes(4))


def test_a_stream_that_breaks_off_has_no_end() -> None:
    for last in range(1, len(FRAMES) - 1):
        assert Ended() not in events(b"".join(FRAMES[:last]))
    whole = b"".join(FRAMES[:-1])
    assert events(whole)[-1] == Ended()
    assert Ended() not in events(whole + METADATA[:9])


@pytest.mark.parametrize(
    ("headers", "payload", "failed"),
    [
        (
            {":message-type": "exception", ":exception-type": "throttlingException"},
            {"message": "Slow down."},
            Failed("Slow down.", {"code": "ThrottlingException"}, 429),
        ),
        (
            {":message-type": "exception", ":exception-type": "modelStreamErrorException"},
            {"message": "Broken.", "originalStatusCode": 500},
            Failed("Broken.", {"code": "ModelStreamErrorException"}, 424),
        ),
        (
            {":message-type": "error", ":error-code": "InternalError", ":error-message": "Oh."},
            {},
            Failed("Oh.", {"code": "InternalError"}, 500),
        ),
    ],
)
def test_an_error_in_mid_stream_is_told(headers: dict[str, str], payload: dict[str, Any], failed: Failed) -> None:
    assert events(START + encode(headers, json.dumps(payload).encode()))[-1] == failed


@pytest.mark.parametrize(
    "frame",
    [event("contentBlockDelta", {}), delta(0, {"toolUse": {"input": "a"}}), encode({":event-type": "metadata"}, b"{")],
)
def test_what_is_no_event_is_garbled(frame: bytes) -> None:
    with pytest.raises(Garbled):
        events(START + frame)


async def test_what_a_test_gives_is_an_answer_of_bedrock_s() -> None:
    fake = FakeChat("Hello.", 10, 2, pieces=("Hel", "lo."))
    counted = Counted(input_tokens=10, output_tokens=2)
    one = OUT.render(fake, Written(b"/model/m/converse", b"{}"), 0)
    assert isinstance(one.body, bytes)
    assert OUT.answer(one.body).choices[0].parts == [Text(text="Hello.")]
    assert OUT.count(one.body) == counted
    body = OUT.render(fake, Written(b"/model/m/converse-stream", b"{}"), 0).body
    assert not isinstance(body, bytes)
    data = b""
    while piece := await body.read():
        data += piece
    assert events(data) == [
        Began(), Opened(Text(text="")), TextDelta("Hel"), TextDelta("lo."), Closed(), Stopped("stop"), Used(counted),
        Ended(),
    ]  # fmt: skip


@pytest.mark.parametrize(("unit", "size"), [(1 << 15, 1), (1 << 20, 100)])
def test_a_large_frame_in_small_pieces_takes_time_as_its_length(unit: int, size: int) -> None:
    assert growth(lambda: FrameSplitter().feed, lambda length: encode({}, b"x" * length), unit, size) < 9


def test_many_frames_at_once_take_time_as_their_length() -> None:
    one = encode({}, b"x" * 48)
    assert growth(lambda: FrameSplitter().feed, lambda length: one * (length // 64), 1 << 18, 1 << 30) < 9
