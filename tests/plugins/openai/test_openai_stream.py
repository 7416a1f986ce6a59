"""Streams of chat completions, read as what happens in them, and written for OpenAI's own client."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from happenings import every_cut, happenings

from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    Chat,
    Closed,
    Counted,
    Ended,
    Failed,
    Garbled,
    Gatherer,
    Happening,
    Opened,
    Reasoning,
    ReasoningDelta,
    Refused,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.chat import OpenAiChat
from headgate_openai.chat.reader import ChunkReader

IN = OpenAiChat()


def chunk(delta: dict[str, Any] | None = None, reason: str | None = None, index: int = 0, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": reason}]
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": choices, **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}


def call(
    index: int | None, ident: str | None = None, name: str | None = None, arguments: str | None = None
) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    found: dict[str, Any] = {"function": function}
    if index is not None:
        found["index"] = index
    if ident is not None:
        found.update(id=ident, type="function")
    return found


TOOLS = b"".join([
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Let me "}),
    chunk({"content": "see."}),
    chunk({"tool_calls": [call(0, "call_a", "weather", "")]}),
    chunk({"tool_calls": [call(0, arguments='{"pl')]}),
    chunk({"tool_calls": [call(1, "call_b", "time", "")]}),
    chunk({"tool_calls": [call(0, arguments='ace":"Köln"}'), call(1, arguments='{"zone"')]}),
    chunk({"tool_calls": [call(1, arguments=':"CET"}')]}),
    chunk({}, "tool_calls"),
    chunk(None, usage=USAGE),
    DONE,
])  # fmt: skip


def gathered(found: list[Happening]) -> Any:
    gatherer = Gatherer()
    for one in found:
        gatherer.take(one)
    return gatherer.answer()


def test_text_and_parallel_tools_are_read_part_by_part() -> None:
    found = happenings(ChunkReader(), [TOOLS])
    assert found[:4] == [Began("c1", "m", 7), Opened(Text("")), TextDelta("Let me "), TextDelta("see.")]
    assert found[4:7] == [Closed(0), Opened(ToolCall("call_a", "weather"), 1), ArgumentsDelta('{"pl', 1)]
    answer = gathered(found)
    assert answer.choices[0].parts[1:] == [
        ToolCall("call_a", "weather", '{"place":"Köln"}'),
        ToolCall("call_b", "time", '{"zone":"CET"}'),
    ]
    assert (answer.choices[0].stop, answer.counted.input_tokens, answer.counted.cached_tokens) == ("tools", 9, 3)
    assert isinstance(found[-1], Ended)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_where_the_bytes_are_cut_makes_no_difference(end: bytes) -> None:
    stream = (b": hello\n\n\n\n" + TOOLS).replace(b"\n", end)
    whole = happenings(ChunkReader(), [stream])
    for pieces in every_cut(stream):
        assert happenings(ChunkReader(), pieces) == whole


def test_without_its_end_mark_a_stream_that_stopped_is_whole_and_one_that_did_not_is_not() -> None:
    stopped = chunk({"content": "a"}) + chunk({}, "stop")
    assert isinstance(happenings(ChunkReader(), [stopped])[-1], Ended)
    assert not any(isinstance(one, Ended) for one in happenings(ChunkReader(), [chunk({"content": "a"})]))


def test_calls_without_an_index_are_told_apart_by_their_names() -> None:
    stream = b"".join([
        chunk({"tool_calls": [call(None, "a", "one", "{}")]}),
        chunk({"tool_calls": [call(None, "b", "two", '{"x"')]}),
        chunk({"tool_calls": [call(None, arguments=":1}")]}),
        chunk({}, "tool_calls"),
    ])  # fmt: skip
    answer = gathered(happenings(ChunkReader(), [stream]))
    assert answer.choices[0].parts == [ToolCall("a", "one", "{}"), ToolCall("b", "two", '{"x":1}')]


def test_thoughts_come_before_words_with_their_proof() -> None:
    detail = {"type": "reasoning.text", "index": 0}
    stream = b"".join([
        chunk({"reasoning_details": [{**detail, "text": "Hm"}]}),
        chunk({"reasoning_details": [{**detail, "text": "m."}]}),
        chunk({"reasoning_details": [{**detail, "signature": "sig"}]}),
        chunk({"content": "Yes."}),
        chunk({}, "stop"),
    ])  # fmt: skip
    assert gathered(happenings(ChunkReader(), [stream])).choices[0].parts == [
        Reasoning("Hmm.", signature="sig"),
        Text("Yes."),
    ]
    plain = chunk({"reasoning_content": "Hm"}) + chunk({"content": "Yes."}) + chunk({}, "stop")
    assert gathered(happenings(ChunkReader(), [plain])).choices[0].parts == [Reasoning("Hm"), Text("Yes.")]


def test_a_refusal_is_told_as_one() -> None:
    found = happenings(ChunkReader(), [chunk({"refusal": "I can"}) + chunk({"refusal": "not."}) + chunk({}, "stop")])
    assert gathered(found).choices[0].parts == [Refused("I cannot.")]
    assert Stopped("refusal") in found


def test_an_error_in_mid_stream_and_what_is_no_chunk() -> None:
    reader = ChunkReader()
    reader.feed(chunk({"content": "a"}))
    assert reader.feed(b'data: {"error":{"message":"No more.","code":"overloaded"}}\n\n')[0][1] == [
        Failed("No more.", {"code": "overloaded"})
    ]
    with pytest.raises(Garbled, match="no chunk in JSON"):
        ChunkReader().feed(b"data: {\n\n")


# --- writing ---------------------------------------------------------------------------------------------------------


def told(found: list[Happening], **options: Any) -> bytes:
    data = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True, **options}
    ).encode()
    writer = IN.writer(IN.read(data, "/v1/chat/completions", {}), 7.0)
    return b"".join(writer.write(one) for one in found)


def through_the_sdk(stream: bytes) -> Any:
    """What OpenAI's own client makes of a stream: the message that its helper puts together."""
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    http = httpx.Client(transport=httpx.MockTransport(lambda request: answer))
    with openai.OpenAI(api_key="k", base_url="http://test/v1", http_client=http) as client:
        ask: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        with client.chat.completions.stream(**ask) as events:
            for _ in events:
                pass
            return events.get_final_completion()


def test_what_is_written_reads_back_as_what_happened() -> None:
    found = happenings(ChunkReader(), [TOOLS])
    again = happenings(ChunkReader(), [told(found, stream_options={"include_usage": True})])
    assert gathered(again) == gathered(found)


def test_openais_client_puts_the_parts_together() -> None:
    message = through_the_sdk(told(happenings(ChunkReader(), [TOOLS]))).choices[0].message
    assert message.content == "Let me see."
    assert [(one.id, one.function.name, one.function.arguments) for one in message.tool_calls] == [
        ("call_a", "weather", '{"place":"Köln"}'),
        ("call_b", "time", '{"zone":"CET"}'),
    ]


def test_counts_go_out_only_to_who_asked() -> None:
    found = happenings(ChunkReader(), [TOOLS])
    assert b"usage" not in told(found)
    asked = told(found, stream_options={"include_usage": True})
    assert b'"usage":null' in asked
    assert b'"prompt_tokens":9' in asked


def test_a_thoughts_proof_survives_the_client() -> None:
    found: list[Happening] = [
        Began("x"), Opened(Reasoning("")), ReasoningDelta("Hm."), SignatureDelta("sig"), Closed(0), Opened(Text(""), 1),
        TextDelta("Yes.", 1), Closed(1, 0), Stopped("stop"), Used(Counted()), Ended(),
    ]  # fmt: skip
    message = through_the_sdk(told(found)).choices[0].message.to_dict()
    details = [
        {"type": "reasoning.text", "text": message["reasoning_content"], "signature": one["signature"]}
        for one in message["reasoning_details"]
    ]
    turn = {"role": "assistant", "content": message["content"], "reasoning_details": details}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, turn, {"role": "user", "content": "And?"}]}
    chat: Chat = IN.read(json.dumps(body).encode(), "/v1/chat/completions", {})
    assert chat.messages[1].parts == [Reasoning("Hm.", signature="sig"), Text("Yes.")]
