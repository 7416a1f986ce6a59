"""Streams in Anthropic's dialect: read from a provider however they are cut, and put together by Anthropic's own client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api import FakeChat, UpstreamFault
from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    Chat,
    Citation,
    CitationDelta,
    Closed,
    Content,
    Counted,
    Ended,
    Endpoint,
    Failed,
    Garbled,
    Happening,
    Image,
    Media,
    Message,
    Opaque,
    Opened,
    Passing,
    Pinged,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut

IN, OUT = AnthropicIn(), AnthropicOut()
CHAT = Chat.made("claude-x", Content([Message("user", [Text("Hi")])]), stream=True)
CHAR = {
    "type": "char_location", "cited_text": "it is", "document_index": 0, "document_title": "A book", "file_id": None,
    "start_char_index": 2, "end_char_index": 7,
}  # fmt: skip
BEGIN = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "stop_reason": None,
    "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 4},
}  # fmt: skip


def event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": BEGIN},
    {"type": "ping"},
    *block(
        0, {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm"}, {"type": "signature_delta", "signature": "c2ln"},
    ),
    *block(1, {"type": "redacted_thinking", "data": "ZGF0YQ=="}),
    *block(
        2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "So "}, {"type": "ping_of_the_future"},
        {"type": "citations_delta", "citation": CHAR}, {"type": "text_delta", "text": "é"},
    ),
    *block(
        3, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"query":'}, {"type": "input_json_delta", "partial_json": '"x"}'},
    ),
    {"type": "event_of_the_future", "x": 1},
    *block(4, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
    *block(
        5, {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
        {"type": "input_json_delta", "partial_json": ""}, {"type": "input_json_delta", "partial_json": '{"city":'},
        {"type": "input_json_delta", "partial_json": '"Oslo"}'},
    ),
    {
        "type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 9}},
    },
    {"type": "message_stop"},
]  # fmt: skip
STREAM = b"".join(map(event, EVENTS))
HAPPENINGS: list[Happening] = [
    Began("msg_1", "claude-x", counted=Counted(input_tokens=9, output_tokens=1, cached_tokens=4)),
    Used(Counted(input_tokens=9, output_tokens=1, cached_tokens=4)),
    Pinged(),
    Opened(Reasoning(maker="anthropic"), 0), ReasoningDelta("Hm", 0), SignatureDelta("c2ln", 0), Closed(0),
    Opened(Reasoning(sealed="ZGF0YQ==", maker="anthropic"), 1), Closed(1),
    Opened(Text(""), 2), TextDelta("So ", 2),
    CitationDelta(Citation("it is", "A book", document="0", extra={"anthropic": CHAR}), 2), TextDelta("é", 2), Closed(2),
    Opened(Opaque("anthropic", {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}), 3),
    Closed(3),
    Opened(Opaque("anthropic", {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}), 4), Closed(4),
    Opened(ToolCall("toolu_1", "weather"), 5), ArgumentsDelta('{"city":', 5), ArgumentsDelta('"Oslo"}', 5), Closed(5),
    Used(Counted(input_tokens=9, output_tokens=30, cached_tokens=4, reasoning_tokens=9)),
    Stopped("tools"),
    Ended(),
]  # fmt: skip


def happenings(pieces: Iterable[bytes]) -> list[Happening]:
    reader = OUT.reader()
    told = [each for piece in pieces for _, happened in reader.feed(piece) for each in happened]
    return told + reader.finish()


def written(told: Iterable[Happening]) -> bytes:
    writer = IN.writer(CHAT, 0.0)
    return b"".join(map(writer.write, told))


def parsed(stream: bytes) -> Any:
    """The message that Anthropic's own client puts together."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    transport = httpx2.MockTransport(answer)
    with (
        httpx2.Client(transport=transport) as http,
        anthropic.Anthropic(api_key="k", http_client=http, max_retries=0) as client,
        client.messages.stream(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as said,
    ):
        return said.get_final_message()


# --- read ------------------------------------------------------------------------------------------------------------


def test_each_event_is_told_as_it_comes() -> None:
    assert happenings([STREAM]) == HAPPENINGS


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_every_way_to_cut_the_bytes_tells_the_same(ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    assert happenings(stream[at : at + 1] for at in range(len(stream))) == HAPPENINGS
    for at in range(len(stream)):
        assert happenings([stream[:at], stream[at:]]) == HAPPENINGS


def test_comments_and_empty_frames_say_nothing() -> None:
    assert (
        happenings([b": hi\n\n\n\ndata:\n\n".replace(b"data:\n\n", b"") + STREAM.replace(b"\n\n", b"\n\n: x\n\n")])
        == HAPPENINGS
    )


def test_blocks_put_together_are_the_stream() -> None:
    reader = OUT.reader()
    assert b"".join(block for block, _ in reader.feed(STREAM)) == STREAM


def test_a_stream_without_its_end_mark_does_not_end() -> None:
    told = happenings([b"".join(map(event, EVENTS[:-1]))])
    assert told == HAPPENINGS[:-1]


def test_an_error_in_mid_stream_fails_with_its_status() -> None:
    failed = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert happenings([failed]) == [Failed("Overloaded", {"code": "overloaded_error"}, 529)]


def test_why_a_model_declined_is_a_refusal() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "It could harm."}
    delta = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal", "stop_details": details},
        "usage": {"output_tokens": 1},
    }
    told = happenings([event(EVENTS[0]), event(delta), event({"type": "message_stop"})])
    assert RefusalDelta("It could harm.", 0) in told
    assert Stopped("refusal") in told
    assert parsed(written(told)).stop_details.explanation == "It could harm."


def test_a_stream_that_leaves_things_out_is_put_in_order() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hi"}}
    assert happenings([event(start), event({"type": "message_stop"})]) == [
        Began(), Opened(Text(""), 0), TextDelta("Hi", 0), Closed(0), Stopped("other"), Ended(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"data: <html>\n\n",
        b'data: {"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"x"}}\n\n',
        b'data: {"type":"content_block_start","index":0,"content_block":5}\n\n',
        b'data: {"type":"message_start"}\n\n',
        b'data: {"type":"message_delta","usage":{"output_tokens":"x"},"delta":{}}\n\n',
        b"data: \xff\n\n",
    ],
)
def test_what_is_no_event_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        happenings([data])


# --- written ---------------------------------------------------------------------------------------------------------


def test_what_is_read_is_written_and_put_together_by_anthropics_client() -> None:
    said = parsed(written(HAPPENINGS))
    assert said.to_dict() == {**parsed(STREAM).to_dict(), "usage": said.usage.to_dict()}
    assert (said.usage.input_tokens, said.usage.cache_read_input_tokens, said.usage.output_tokens) == (5, 4, 30)
    assert said.usage.output_tokens_details.thinking_tokens == 9


def test_what_is_written_is_read_again_as_it_was() -> None:
    assert happenings([written(HAPPENINGS)]) == HAPPENINGS


def test_tools_that_are_called_at_once_come_one_after_the_other() -> None:
    told: list[Happening] = [
        Began(), Opened(Text(""), 0), Opened(ToolCall("a", "f"), 1), TextDelta("Let me see.", 0),
        ArgumentsDelta('{"x"', 1), Opened(ToolCall("b", "g"), 2), ArgumentsDelta("{}", 2), Closed(2), Closed(0),
        ArgumentsDelta(":1}", 1), Closed(1), Stopped("tools"), Ended(),
    ]  # fmt: skip
    said = parsed(written(told))
    assert [each.type for each in said.content] == ["text", "tool_use", "tool_use"]
    assert [(each.id, each.input) for each in said.content[1:]] == [("a", {"x": 1}), ("b", {})]
    assert said.stop_reason == "tool_use"


def test_what_is_open_is_never_held() -> None:
    writer = IN.writer(CHAT, 0.0)
    for happening in (Began(), Opened(ToolCall("a", "f"), 0), Opened(ToolCall("b", "g"), 1)):
        writer.write(happening)
    assert b'"partial_json":"{"' in writer.write(ArgumentsDelta("{", 0))
    assert writer.write(ArgumentsDelta("{", 1)) == b""
    assert writer.write(Closed(0)).count(b"event: ") == 3
    assert b'"index":1' in writer.write(ArgumentsDelta("}", 1))


OPENABLE = st.sampled_from(["text", "call", "thought"])


@given(st.lists(OPENABLE, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_whatever_is_open_at_once_nothing_is_lost(kinds: list[str], random: Any) -> None:
    parts: dict[str, Any] = {"text": Text(""), "call": ToolCall("c", "f"), "thought": Reasoning()}
    deltas: dict[str, Any] = {"text": TextDelta, "call": ArgumentsDelta, "thought": ReasoningDelta}
    queues: list[list[Happening]] = []
    for index, kind in enumerate(kinds):
        words = [deltas[kind](f'{{"n":{index}}}' if kind == "call" else f"{index}", index)]
        queues.append([Opened(parts[kind], index), *words, Closed(index)])
    told: list[Happening] = [Began()]
    opened = 0
    while any(queues):
        ready = [queue for queue in queues[: opened + 1] if queue]
        queue = random.choice(ready)
        opened += isinstance(queue[0], Opened)
        told.append(queue.pop(0))
    said = parsed(written([*told, Stopped("stop"), Ended()]))
    names = {"text": "text", "call": "tool_use", "thought": "thinking"}
    assert [each.type for each in said.content] == [names[kind] for kind in kinds]
    for index, each in enumerate(said.content):
        assert getattr(each, "text", None) or getattr(each, "thinking", None) or str(each.input["n"]) == str(index)


def test_what_other_dialects_stream_has_a_place() -> None:
    told: list[Happening] = [
        Began(), Opened(Reasoning(id="rs_1", maker="openai-responses"), 0), ReasoningDelta("Hm", 0), SignatureDelta("x", 0), Closed(0),
        Opened(Refused(""), 1), RefusalDelta("No.", 1), Closed(1), Opened(Image(Media(url="http://x")), 2), Closed(2),
        Opened(Opaque("gemini", {}), 3), Closed(3), Opened(Text(""), 0, choice=1), TextDelta("Other", 0, choice=1),
        Closed(0, choice=1), Stopped("stop", choice=1), Opened(ToolCall("c", "f", "{}"), 4), Closed(4), Stopped("filter"), Ended(),
    ]  # fmt: skip
    said = parsed(written(told))
    assert [each.type for each in said.content] == ["thinking", "text", "text", "tool_use"]
    assert said.content[0].signature.startswith("headgate.")
    assert [each.text for each in said.content[1:3]] == ["No.", "![](http://x)"]
    assert said.stop_reason == "refusal"
    assert said.model == "claude-x"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (written([Began(), Failed("Too much.", status=529)]), "overloaded_error"),
        (written([Began(), Failed("Too much.")]), "api_error"),
        (written([Began()]) + IN.broken_off("It broke off.", "upstream.protocol"), "api_error"),
        (written([Began()]) + IN.broken_off("Too late.", "upstream.timeout"), "timeout_error"),
    ],
)
def test_anthropics_client_raises_for_an_error_in_mid_stream(data: bytes, status: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        parsed(data)
    assert caught.value.type == status


def test_a_ping_keeps_the_client() -> None:
    assert written([Pinged()]) == b'event: ping\ndata: {"type":"ping"}\n\n'


# --- passed ----------------------------------------------------------------------------------------------------------


def test_a_stream_passes_as_it_is_and_is_counted() -> None:
    passing = OUT.passing(hides_counts=False)
    assert isinstance(passing, Passing)
    out, begun = b"", []
    for piece, _ in OUT.reader().feed(STREAM):
        out += passing.take(piece)
        begun.append(passing.started)
    assert out == STREAM
    assert passing.ended
    assert begun.index(True) == 3
    assert passing.counted == Counted(input_tokens=9, output_tokens=30, cached_tokens=4, reasoning_tokens=9)
    assert passing.relayed_bytes >= len("HmSo é" + '{"city":"Oslo"}')
    assert repr(passing).startswith("<MessagePassing ended")


def test_a_passing_stream_that_fails_says_so() -> None:
    passing = OUT.passing(hides_counts=False)
    passing.take(event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
    assert passing.refusal is not None
    assert passing.refusal.message == "Overloaded"
    with pytest.raises(Garbled):
        passing.take(b"data: <html>\n\n")


# --- faked -----------------------------------------------------------------------------------------------------------


async def streamed(fake: FakeChat) -> bytes:
    body = OUT.render(fake, OUT.write(CHAT, Endpoint("claude-x")), 0.0).body
    assert not isinstance(body, bytes)
    data = b""
    while piece := await body.read():
        data += piece
    return data


async def test_a_fake_streams_what_it_is_told() -> None:
    said = parsed(await streamed(FakeChat("", 10, 2, ("Hel", "lo."))))
    assert (said.content[0].text, said.usage.input_tokens, said.usage.output_tokens) == ("Hello.", 10, 2)


async def test_a_fake_breaks_off_where_it_is_told() -> None:
    with pytest.raises(UpstreamFault):
        await streamed(FakeChat("", pieces=("a", "b", "c"), dies_after=1))


def test_a_fake_answers_whole() -> None:
    chat = Chat.made("claude-x", Content([Message("user", [Text("Hi")])]))
    body = OUT.render(FakeChat("Hello.", 10, 2), OUT.write(chat, Endpoint("claude-x")), 0.0).body
    assert isinstance(body, bytes)
    assert OUT.count(body) == Counted(input_tokens=10, output_tokens=2)
