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


def calls_of(*deltas: list[dict[str, Any]]) -> list[ToolCall]:
    stream = b"".join(chunk({"tool_calls": delta}) for delta in deltas) + chunk({}, "tool_calls")
    parts = gathered(happenings(ChunkReader(), [stream])).choices[0].parts
    assert all(isinstance(part, ToolCall) for part in parts)
    return parts


WHOLE = '{"q":"{\\"a}"}'


@pytest.mark.parametrize("place", [0, None])
def test_a_new_id_with_a_name_is_a_new_call_whatever_its_index(place: int | None) -> None:
    """As Ollama gives every call index 0, and Gemini's compatible endpoint none."""
    expected = [ToolCall("a", "one", WHOLE), ToolCall("b", "one", '{"x":1}'), ToolCall("c", "two", "{}")]
    deltas = [call(place, "a", "one", WHOLE), call(place, "b", "one", '{"x":1}'), call(place, "c", "two", "{}")]
    assert calls_of(*([one] for one in deltas)) == expected
    assert calls_of(deltas) == expected


@pytest.mark.parametrize("place", [0, None])
def test_calls_at_one_index_may_come_in_fragments(place: int | None) -> None:
    assert calls_of(
        [call(place, "a", "one", "")],
        [call(place, arguments='{"x"')],
        [call(place, arguments=":1}")],
        [call(place, "b", "one", "")],
        [call(place, arguments='{"y":2}')],
    ) == [ToolCall("a", "one", '{"x":1}'), ToolCall("b", "one", '{"y":2}')]


@pytest.mark.parametrize("place", [0, None])
def test_fragments_that_say_their_id_belong_to_it(place: int | None) -> None:
    assert calls_of(
        [call(place, "a", "one", '{"x"'), call(place, "b", "two", '{"y"')],
        [call(place, "a", "one", ":1}"), call(place, "b", arguments=":2}")],
    ) == [ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", '{"y":2}')]


@pytest.mark.parametrize("place", [0, None])
@pytest.mark.parametrize("later", [("a", "one"), ("other", None), ("", ""), ("other", "one")])
def test_an_id_and_a_name_in_the_midst_of_arguments_begin_nothing(
    place: int | None, later: tuple[str | None, str | None]
) -> None:
    """Some repeat both with every delta, and of some the id changes on the way."""
    assert calls_of([call(place, "a", "one", '{"x"')], [call(place, *later, ":")], [call(place, *later, "1}")]) == [
        ToolCall("a", "one", '{"x":1}')
    ]


def test_calls_without_ids_at_one_index_are_told_apart_when_they_are_whole() -> None:
    first, second = calls_of([call(0, None, "one", '{"x":1}')], [call(0, None, "one", '{"x":2}')])
    assert (first.arguments, second.arguments) == ('{"x":1}', '{"x":2}')
    assert first.id != second.id


def test_an_id_that_is_said_twice_with_other_names_is_of_two_calls() -> None:
    assert [one.name for one in calls_of([call(0, "a", "one", "{}")], [call(0, "a", "two", "{}")])] == ["one", "two"]


def test_a_call_is_closed_as_soon_as_its_arguments_are_whole() -> None:
    found = happenings(ChunkReader(), [TOOLS])
    assert found[found.index(ArgumentsDelta('ace":"Köln"}', 1)) + 1] == Closed(1)
    for pieces in every_cut(WHOLE.encode()):
        fragments = [call(0, "a", "one", "")] + [call(0, arguments=piece.decode()) for piece in pieces if piece]
        stream = b"".join(chunk({"tool_calls": [one]}) for one in fragments)
        found = happenings(ChunkReader(), [stream])
        assert found[-1] == Closed(0)
        assert found.count(Closed(0)) == 1


def test_space_behind_a_whole_call_is_nothing_and_anything_else_is_garbled() -> None:
    assert calls_of([call(0, "a", "one", '{"x":1}')], [call(0, arguments="\n ")]) == [ToolCall("a", "one", '{"x":1}')]
    with pytest.raises(Garbled, match="behind its end"):
        calls_of([call(0, "a", "one", '{"x":1}')], [call(0, arguments='{"x":2}')])


def test_an_empty_object_is_the_end_only_where_something_else_begins() -> None:
    """Some begin every call with one."""
    begun = chunk({"tool_calls": [call(0, "a", "one", "{}")]})
    assert Closed(0) not in happenings(ChunkReader(), [begun])
    assert happenings(ChunkReader(), [begun + chunk({"content": "so"})])[3:5] == [Closed(0), Opened(Text(""), 1)]
