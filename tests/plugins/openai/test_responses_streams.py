"""Answers and streams of the Responses: read by OpenAI's own client, and the same wherever their bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from headgate.api import FakeChat, render_event
from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Chat,
    Choice,
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
    Pinged,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
    Used,
    Written,
    carry,
)
from headgate_openai.chat import OpenAiChat
from headgate_openai.responses import OpenAiResponses, OpenAiResponsesOut

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WHOLE: TypeAdapter[Any] = TypeAdapter(Response)
IN, OUT = OpenAiResponses(), OpenAiResponsesOut()
COUNTED = Counted(input_tokens=10, output_tokens=20, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=4)
CITED = Citation(url="https://x.test", title="X", start=0, end=5)
PROB = TokenProb("Hello", -0.5, [72], [TokenProb("Hello", -0.5, [72])])

RICH: list[Happening] = [
    Began("chatcmpl-1", "gpt", 7),
    Opened(Reasoning(), 0),
    ReasoningDelta("hm", 0),
    ReasoningDelta(" well", 0),
    SignatureDelta("sig", 0),
    Closed(0),
    Opened(Text(text=""), 1),
    TextDelta("Hello", 1, logprobs=[PROB]),
    Pinged(),
    CitationDelta(CITED, 1),
    Closed(1),
    Opened(Text(text=""), 2),
    TextDelta(" there", 2),
    Closed(2),
    Opened(ToolCall(id="call_1", name="f"), 3),
    ArgumentsDelta('{"a"', 3),
    Opened(ToolCall(id="call_2", name="g"), 4),
    ArgumentsDelta("{", 4),
    ArgumentsDelta(":1}", 3),
    ArgumentsDelta("}", 4),
    Closed(3),
    Closed(4),
    Opened(Text(text=""), 5),
    TextDelta("Done", 5),
    Closed(5),
    Stopped("tools"),
    Used(COUNTED),
    Ended(),
]


def chat(**fields: Any) -> Chat:
    return IN.read(json.dumps({"model": "m", "input": "Hi", **fields}).encode(), "/v1/responses", {})


def told(happenings: list[Happening], **fields: Any) -> bytes:
    writer = IN.writer(chat(stream=True, **fields), 5.0)
    return b"".join(writer.write(one) for one in happenings)


def events(data: bytes) -> list[dict[str, Any]]:
    blocks = [block.split(b"\n") for block in data.split(b"\n\n") if block]
    said = [json.loads(lines[1].removeprefix(b"data: ")) for lines in blocks]
    assert [lines[0] for lines in blocks] == [f"event: {one['type']}".encode() for one in said]
    return said


def client(data: bytes, kind: str) -> openai.OpenAI:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=data, headers={"content-type": kind})

    transport = httpx.MockTransport(answer)
    return openai.OpenAI(api_key="k", base_url="https://x.test/v1", http_client=httpx.Client(transport=transport))


def read_all(data: bytes, size: int | None = None) -> list[Happening]:
    reader = OUT.reader()
    pieces = [data] if size is None else [data[:size], data[size:]]
    happened = [one for piece in pieces for _, happenings in reader.feed(piece) for one in happenings]
    return [*happened, *reader.finish()]


def test_every_event_is_what_openais_types_say_and_is_numbered() -> None:
    said = events(told(RICH))
    for number, event in enumerate(said):
        EVENTS.validate_python(event)
        assert event["sequence_number"] == number
    assert [one["type"] for one in said[:3]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
    ]
    assert said[-1]["type"] == "response.completed"


def test_openais_client_puts_a_stream_together() -> None:
    with client(told(RICH), "text/event-stream").responses.stream(model="m", input="Hi") as stream:
        final = stream.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "function_call", "message"]
    assert final.output_text == "Hello thereDone"
    assert final.id.startswith("resp_")
    assert final.usage is not None
    assert final.usage.input_tokens_details.cached_tokens == 3
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.arguments) for call in calls] == [("call_1", '{"a":1}'), ("call_2", "{}")]


def test_a_stream_ends_with_the_whole_response() -> None:
    said = events(told(RICH, instructions="Be good", metadata={"a": "b"}))
    last = said[-1]["response"]
    WHOLE.validate_python(last)
    done = [event["item"] for event in said if event["type"] == "response.output_item.done"]
    assert sorted(item["id"] for item in last["output"]) == sorted(item["id"] for item in done)
    assert (last["instructions"], last["metadata"], last["status"]) == ("Be good", {"a": "b"}, "completed")
    assert last["output"][0]["encrypted_content"] == carry(Reasoning(), "sig")
    assert last["output"][1]["content"][0]["annotations"][0]["url"] == "https://x.test"
    assert last["output"][1]["content"][0]["logprobs"][0]["token"] == "Hello"


def test_a_stream_is_read_as_it_was_told() -> None:
    read = read_all(told(RICH))
    told_again = [one for one in read if not isinstance(one, (Began, Opened, Used))]
    assert told_again == [one for one in RICH if not isinstance(one, (Began, Opened, Pinged, Used))]
    assert Used(COUNTED) in read


def test_every_cut_of_the_bytes_gives_the_same() -> None:
    for data in (told(RICH), told(RICH).replace(b"\n", b"\r\n")):
        whole = read_all(data)
        assert all(read_all(data, size) == whole for size in range(0, len(data), 7))


def test_a_reader_upholds_the_order_of_what_happens() -> None:
    opened: set[int] = set()
    for one in read_all(told(RICH)):
        if isinstance(one, Opened):
            assert one.index == len(opened)
            opened.add(one.index)
        elif isinstance(one, (TextDelta, ArgumentsDelta, ReasoningDelta, Closed)):
            assert one.index in opened


def test_a_stream_without_its_end_is_not_whole() -> None:
    read = read_all(told(RICH[:-1]))
    assert not any(isinstance(one, Ended) for one in read)


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [("stop", "completed", None), ("length", "incomplete", "max_output_tokens"), ("filter", "incomplete", "content_filter")],
)  # fmt: skip
def test_an_end_that_is_none_says_why(stop: Any, status: str, reason: str | None) -> None:
    data = told([Began(), Opened(Text(text="")), TextDelta("a"), Closed(), Stopped(stop), Ended()])
    last = events(data)[-1]
    assert (last["type"], last["response"]["status"]) == (f"response.{status}", status)
    assert last["response"]["output"][0]["status"] == status
    assert (last["response"]["incomplete_details"] or {}).get("reason") == reason
    assert Stopped(stop) in read_all(data)


def test_a_refusal_is_streamed_as_one() -> None:
    data = told([Began(), Opened(Refused(text="")), RefusalDelta("No."), Closed(), Stopped("refusal"), Ended()])
    for event in events(data):
        EVENTS.validate_python(event)
    assert RefusalDelta("No.", 0) in read_all(data)
    assert Stopped("refusal") in read_all(data)


def test_sound_becomes_its_transcript_and_a_picture_an_item() -> None:
    picture = Image(media=Media(mime="image/png", data="AAAA"))
    data = told([
        Began(), Opened(Audio(media=Media())), AudioDelta("xx", "hi"), Closed(), Opened(picture, 1), Closed(1),
        Stopped("stop"), Ended(),
    ])  # fmt: skip
    last = events(data)[-1]["response"]
    WHOLE.validate_python(last)
    assert last["output"][0]["content"][0]["text"] == "hi"
    assert last["output"][1]["result"] == "AAAA"


def test_what_is_encrypted_comes_back_as_a_part_with_the_same_id() -> None:
    item = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "A"}],
        "encrypted_content": "xyz",
    }
    start = {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**item, "summary": [], "encrypted_content": ""},
    }
    blocks = [
        {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 1}},
        start,
        {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "item_id": "rs_1"},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "item_id": "rs_1", "delta": "A"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [item], "usage": None}},
    ]  # fmt: skip
    read = read_all(b"".join(render_event(json.dumps(block).encode()) for block in blocks))
    assert read == [
        Began("resp_1", "m", 1), Opened(Reasoning(id="rs_1", summary=True), 0), ReasoningDelta("A", 0), Closed(0),
        Opened(Reasoning(sealed="xyz", id="rs_1"), 1), Closed(1), Stopped("stop"), Ended(),
    ]  # fmt: skip


def test_what_is_encrypted_of_a_thought_is_one_item_with_it() -> None:
    data = told([
        Began(), Opened(Reasoning(id="rs_1", summary=True)), ReasoningDelta("A"), Closed(),
        Opened(Reasoning(sealed="xyz", id="rs_1"), 1), Closed(1), Opened(Text(text=""), 2), TextDelta("a", 2), Closed(2),
        Stopped("stop"), Ended(),
    ])  # fmt: skip
    thought, message = events(data)[-1]["response"]["output"]
    assert (thought["id"], thought["encrypted_content"], thought["summary"][0]["text"]) == ("rs_1", "xyz", "A")
    assert message["type"] == "message"
    done = [event["item"] for event in events(data) if event["type"] == "response.output_item.done"]
    assert done[0] == thought


def test_no_block_passes_a_filter_on_its_own() -> None:
    assert {block for block, _ in OUT.reader().feed(told(RICH))} == {b""}


def begun(kind: str, index: int) -> Any:
    parts = {"text": Text(text=""), "refusal": Refused(text=""), "thought": Reasoning()}
    return parts.get(kind, ToolCall(id=f"call_{index}", name="f"))


DELTAS = {"text": TextDelta, "refusal": RefusalDelta, "thought": ReasoningDelta, "call": ArgumentsDelta}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(DELTAS)), st.integers(0, 3)), max_size=8),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_any_legal_order_is_told_without_loss(parts: list[tuple[str, int]], random: Any) -> None:
    """Parts open in order, grow side by side, and close whenever they like."""
    waiting = [
        [
            Opened(begun(kind, index), index),
            *(DELTAS[kind](f"{index}.{n} ", index) for n in range(count)),
            Closed(index),
        ]
        for index, (kind, count) in enumerate(parts)
    ]
    happenings: list[Any] = [Began()]
    started = 0
    while any(waiting):
        ready = [one for one in waiting[: started + 1] if one]
        chosen = random.choice(ready)
        started += isinstance(chosen[0], Opened)
        happenings.append(chosen.pop(0))
    data = told([*happenings, Stopped("stop"), Ended()])
    for number, event in enumerate(events(data)):
        EVENTS.validate_python(event)
        assert event["sequence_number"] == number
    with client(data, "text/event-stream").responses.stream(model="m", input="Hi") as stream:
        final = stream.get_final_response()
    said = json.dumps(final.to_dict())
    assert all(f"{index}.{n} " in said for index, (_, count) in enumerate(parts) for n in range(count))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "Boom", "param": None, "sequence_number": 3},
        {"type": "error", "error": {"code": "server_error", "message": "Boom"}},
        {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "Boom"}}},
    ],
)
def test_errors_in_mid_stream_are_failures(event: dict[str, Any]) -> None:
    block = render_event(json.dumps(event).encode(), event["type"].encode())
    assert read_all(block) == [Failed("Boom", {"code": "server_error"})]
    passing = OUT.passing(hides_counts=False)
    assert passing.take(block) == block
    assert passing.refusal is not None
    assert passing.refusal.message == "Boom"


def test_a_stream_that_broke_off_raises_in_openais_client() -> None:
    data = told(RICH[:8]) + IN.broken_off("It broke off.", "upstream.protocol")
    with pytest.raises(openai.APIError, match="It broke off"):
        list(client(data, "text/event-stream").responses.create(model="m", input="Hi", stream=True))


def test_a_failure_is_told_as_a_failed_response() -> None:
    last = events(told([*RICH[:8], Failed("Boom")]))[-1]
    EVENTS.validate_python(last)
    assert (last["type"], last["response"]["error"]["message"]) == ("response.failed", "Boom")


@pytest.mark.parametrize(
    "data", [b"event: x\ndata: {nope\n\n", b'data: {"type":"response.completed"}\n\n', b"data: 3\n\n"]
)
def test_what_is_no_event_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        read_all(data)


def test_comments_empty_frames_and_unknown_events_say_nothing() -> None:
    assert read_all(b': ping\n\n\n\nevent: keepalive\ndata: {"type":"keepalive"}\n\ndata: [DONE]\n\n') == []


def test_a_stream_that_passes_is_followed() -> None:
    passing = OUT.passing(hides_counts=False)
    blocks = [block + b"\n\n" for block in told(RICH).split(b"\n\n") if block]
    for block in blocks:
        assert not passing.ended
        assert passing.take(block) == block
    assert (passing.started, passing.ended, passing.counted) == (True, True, COUNTED)
    assert passing.relayed_bytes >= len("Hello thereDone")


ANSWER = Answer(
    [Choice([
        Reasoning(text="hm", signature="sig"), Text(text="Hello", citations=[CITED]), ToolCall(id="call_1", name="f", arguments="{}"),
    ], "tools", logprobs=[PROB])],
    "x", "gpt", 7, COUNTED,
)  # fmt: skip


def test_a_whole_answer_is_what_openais_types_say() -> None:
    made = json.loads(IN.render(ANSWER, chat(), 5.0))
    WHOLE.validate_python(made)
    answer = OUT.answer(json.dumps(made).encode())
    [choice] = answer.choices
    assert (choice.stop, answer.model, answer.created, answer.counted) == ("tools", "gpt", 7, COUNTED)
    thought, text, call = choice.parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.signature) == ("hm", "sig")
    assert text == Text(text="Hello", citations=[CITED])
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, call.arguments) == ("call_1", "f", "{}")
    assert choice.logprobs == [PROB]


def test_openais_client_parses_a_whole_answer() -> None:
    said = client(IN.render(ANSWER, chat(), 5.0), "application/json").responses.create(model="m", input="Hi")
    assert said.output_text == "Hello"


def test_a_response_that_is_read_and_rendered_again_loses_nothing() -> None:
    whole = {
        **json.loads(IN.render(ANSWER, chat(), 5.0)), "id": "resp_x", "conversation": {"id": "conv_1"}, "service_tier": "flex",
    }  # fmt: skip
    whole["output"].insert(
        1, {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    )
    again = json.loads(IN.render(OUT.answer(json.dumps(whole).encode()), chat(), 5.0))
    assert {name for name in whole if whole[name] != again[name]} <= {"output"}
    assert [item["type"] for item in again["output"]] == [item["type"] for item in whole["output"]]
    assert again["output"][1] == whole["output"][1]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<html>", "no response"),
        (b"{}", "no `output`"),
        (b'{"output":[3]}', "item"),
        (b'{"status":"failed","output":[],"error":{"code":"server_error","message":"Boom"}}', "failed: Boom"),
    ],
)
def test_what_is_no_answer_is_garbled(data: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says):
        OUT.answer(data)


async def test_a_fake_speaks_as_openai_does() -> None:
    fake = FakeChat("Hello", 3, 2, ("Hel", "lo"))
    whole = OUT.render(fake, Written(b"", b'{"model":"m","input":"a"}'), 5.0)
    assert isinstance(whole.body, bytes)
    assert OUT.answer(whole.body).choices[0].parts == [Text(text="Hello")]
    streamed = OUT.render(fake, Written(b"", b'{"model":"m","input":"a","stream":true}'), 5.0)
    assert not isinstance(streamed.body, bytes)
    data = b""
    while piece := await streamed.body.read():
        data += piece
    assert [one.text for one in read_all(data) if isinstance(one, TextDelta)] == ["Hel", "lo"]


def test_a_client_of_chat_completions_gets_what_a_response_says() -> None:
    client_chat = OpenAiChat().read(b'{"model":"m","messages":[{"role":"user","content":"a"}],"stream":true}', "", {})
    writer = OpenAiChat().writer(client_chat, 5.0)
    data = b"".join(writer.write(one) for one in read_all(told(RICH)))
    assert data.count(b'"index":1,"id":"call_2"') == 1
    assert data.endswith(b"data: [DONE]\n\n")
