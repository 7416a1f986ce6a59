"""Answers and streams in Cohere's dialect: read from providers however they are cut, and parsed by Cohere's own client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import cohere
import httpx
import pytest
from cohere.v2 import V2ChatResponse

from headgate.api import EventSplitter, FakeChat, UpstreamFault
from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Audio,
    Began,
    Chat,
    Choice,
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
    Stop,
    Stopped,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
    Used,
)
from headgate_cohere.facts import REASONS
from headgate_cohere.inbound import CohereIn
from headgate_cohere.outbound import CohereOut

IN, OUT = CohereIn(), CohereOut()
CHAT = Chat.made("command-a", Content([Message("user", [Text("Hi")])]), stream=True)
SOURCE = {"type": "document", "id": "doc:0", "document": {"title": "A book", "text": "It is"}}
CITED = {"start": 0, "end": 2, "text": "So", "sources": [SOURCE], "content_index": 1, "type": "TEXT_CONTENT"}
USAGE = {
    "billed_units": {"input_tokens": 5.0, "output_tokens": 30.0}, "tokens": {"input_tokens": 71.0, "output_tokens": 31.0},
    "cached_tokens": 2.0,
}  # fmt: skip
CALL = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{ "x": 1 }'}}
WHOLE: dict[str, Any] = {
    "id": "c1", "finish_reason": "TOOL_CALL",
    "message": {
        "role": "assistant", "tool_plan": "I will look.",
        "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "So it is."}],
        "tool_calls": [CALL], "citations": [CITED],
    },
    "usage": USAGE, "logprobs": [{"text": "So", "token_ids": [7, 8], "logprobs": [-0.1, -0.2]}],
}  # fmt: skip


def rendered(answer: Answer) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(IN.render(answer, CHAT, 0.0))
    assert V2ChatResponse.model_validate(value).message.role == "assistant"
    return value


@pytest.mark.parametrize("value", [WHOLE, {**WHOLE, "finish_reason": "ERROR"}])
def test_an_answer_that_is_read_and_rendered_is_the_same(value: Any) -> None:
    assert rendered(OUT.answer(json.dumps(value).encode())) == value


def test_what_all_dialects_share_is_read() -> None:
    answer = OUT.answer(json.dumps(WHOLE).encode())
    plan, thought, text, call = answer.choices[0].parts
    assert plan == Reasoning("I will look.", maker="cohere", extra={"tool_plan": True})
    assert thought == Reasoning("Hm", maker="cohere")
    assert isinstance(text, Text)
    assert text.citations == [Citation(None, "A book", document="doc:0", start=0, end=2, extra={"cohere": CITED})]
    assert isinstance(call, ToolCall)
    assert call.arguments == '{ "x": 1 }'
    assert answer.choices[0].logprobs == [TokenProb("So", -0.1), TokenProb("", -0.2)]
    assert answer.counted == Counted(input_tokens=5, output_tokens=30, cached_tokens=2)


@pytest.mark.parametrize(("stop", "reason"), REASONS.items())
def test_every_reason_to_stop_has_a_word(stop: Stop, reason: str) -> None:
    assert rendered(Answer([Choice([Text("x")], stop)]))["finish_reason"] == reason


def test_what_other_dialects_say_has_a_place() -> None:
    parts: list[Any] = [
        Reasoning("Hm", signature="x", maker="anthropic"), Reasoning(sealed="y"),
        Text("Look", citations=[Citation("b", "B", url="http://x"), Citation(document="d", start=0, end=2)]),
        Refused("No."), Image(Media(url="http://x")), Audio(Media(), transcript="Hello"), Opaque("gemini", {}),
        ToolCall("c", "f", "{", extra={"x": 1}),
    ]  # fmt: skip
    value = rendered(
        Answer([Choice(parts, logprobs=[TokenProb("a", -0.5)])], counted=Counted(input_tokens=3, output_tokens=4))
    )
    message = value["message"]
    assert [each.get("text") for each in message["content"]] == [None, "Look", "No.", "![](http://x)", "Hello"]
    assert [(each["text"], each["sources"][0]["id"], each["content_index"]) for each in message["citations"]] == [
        ("Look", "http://x", 1), ("Lo", "d", 1),
    ]  # fmt: skip
    assert message["tool_calls"] == [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}]
    assert value["usage"]["billed_units"] == {"input_tokens": 3, "output_tokens": 4}
    assert value["logprobs"][0]["logprobs"] == [-0.5]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"message": 5}', b'{"message": {"content": 5}}', b"\xff"]
)
def test_what_is_no_answer_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        OUT.answer(data)


def test_errors_are_a_message() -> None:
    response = IN.error(429, "Too much.", "limit.exceeded", {})
    assert (response.status, response.body) == (429, b'{"message":"Too much."}')
    said = OUT.refusal(b'{"id":"x","message":"invalid api token"}')
    assert said is not None
    assert said.message == "invalid api token"
    assert OUT.refusal(b"<html>") is None
    assert OUT.refusal(b'{"message": 5}') is None


# --- streams ---------------------------------------------------------------------------------------------------------


def event(kind: str, index: int | None = None, **fields: Any) -> bytes:
    place = {} if index is None else {"index": index}
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **place, **fields})}\n\n".encode()


def said(**message: Any) -> dict[str, Any]:
    return {"message": message}


EVENTS = [
    event(
        "message-start", id="c1", delta=said(role="assistant", content=[], tool_plan="", tool_calls=[], citations=[])
    ),
    event("tool-plan-delta", delta=said(tool_plan="I will ")),
    event("tool-plan-delta", delta=said(tool_plan="look.")),
    event("tool-call-start", 0, delta=said(tool_calls={**CALL, "function": {"name": "f", "arguments": ""}})),
    event("tool-call-delta", 0, delta=said(tool_calls={"function": {"arguments": '{ "x"'}})),
    event("tool-call-delta", 0, delta=said(tool_calls={"function": {"arguments": ": 1 }"}})),
    event("tool-call-end", 0),
    event("content-start", 0, delta=said(content={"type": "thinking", "thinking": ""})),
    event("content-delta", 0, delta=said(content={"thinking": "Hm"})),
    event("content-end", 0),
    event("debug", prompt="x"),
    event("content-start", 1, delta=said(content={"type": "text", "text": ""})),
    event(
        "content-delta",
        1,
        delta=said(content={"text": "So "}),
        logprobs={"text": "So ", "token_ids": [1], "logprobs": [-0.1]},
    ),
    event("content-delta", 1, delta=said(content={"text": "é"})),
    event("content-end", 1),
    event("citation-start", 0, delta=said(citations=CITED)),
    event("citation-end", 0),
    event("citation-start", 1, delta=said(citations={**CITED, "type": "PLAN"})),
    event("message-end", id="c1", delta={"finish_reason": "COMPLETE", "usage": USAGE}),
    b"data: [DONE]\n\n",
]
STREAM = b"".join(EVENTS)
HAPPENINGS: list[Happening] = [
    Began("c1"),
    Opened(Reasoning(maker="cohere", extra={"tool_plan": True}), 0), ReasoningDelta("I will ", 0), ReasoningDelta("look.", 0),
    Closed(0),
    Opened(ToolCall("f_1", "f"), 1), ArgumentsDelta('{ "x"', 1), ArgumentsDelta(": 1 }", 1), Closed(1),
    Opened(Reasoning(maker="cohere"), 2), ReasoningDelta("Hm", 2), Closed(2),
    Opened(Text(""), 3), TextDelta("So ", 3, logprobs=[TokenProb("So ", -0.1)]), TextDelta("é", 3),
    CitationDelta(Citation(None, "A book", document="doc:0", start=0, end=2, extra={"cohere": CITED}), 3),
    Used(Counted(input_tokens=5, output_tokens=30, cached_tokens=2)),
    Closed(3), Stopped("stop"), Ended(),
]  # fmt: skip


def happenings(pieces: Iterable[bytes]) -> list[Happening]:
    reader = OUT.reader()
    told = [each for piece in pieces for _, happened in reader.feed(piece) for each in happened]
    return told + reader.finish()


def written(told: Iterable[Happening]) -> bytes:
    writer = IN.writer(CHAT, 0.0)
    return b"".join(map(writer.write, told))


def parsed(stream: bytes) -> list[Any]:
    """The events that Cohere's own client gives."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = cohere.ClientV2(api_key="k", httpx_client=http)
        return list(client.chat_stream(model="m", messages=[{"role": "user", "content": "Hi"}]))


def test_each_event_is_told_as_it_comes() -> None:
    assert happenings([STREAM]) == HAPPENINGS


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_every_way_to_cut_the_bytes_tells_the_same(ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    assert happenings(stream[at : at + 1] for at in range(len(stream))) == HAPPENINGS
    for at in range(len(stream)):
        assert happenings([stream[:at], stream[at:]]) == HAPPENINGS


def test_comments_and_empty_frames_say_nothing() -> None:
    assert happenings([b": hi\n\n\n\n" + STREAM.replace(b"\n\n", b"\n\n: x\n\n")]) == HAPPENINGS


def test_a_stream_without_its_end_mark_does_not_end() -> None:
    assert not [each for each in happenings(EVENTS[:-2]) if isinstance(each, (Ended, Stopped))]


@pytest.mark.parametrize(
    ("data", "failed"),
    [
        (event("message-end", delta={"finish_reason": "ERROR", "error": "No."}), Failed("No.", {}, 500)),
        (event("message-end", delta={"finish_reason": "TIMEOUT"}), Failed("The answer ended with TIMEOUT.", {}, 504)),
        (b'data: {"message": "No."}\n\n', Failed("No.")),
    ],
)
def test_an_error_in_mid_stream_fails(data: bytes, failed: Failed) -> None:
    assert happenings([EVENTS[0], data])[-1] == failed


@pytest.mark.parametrize(
    "data",
    [
        b"data: <html>\n\n",
        event("content-delta", 7, delta=said(content={"text": "x"})),
        event("content-start", 0),
        event("tool-call-start", 0, delta=said(tool_calls={})),
        b"data: \xff\n\n",
        event("message-end", delta={"usage": 5}),
    ],
)
def test_what_is_no_event_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        happenings([data])


def test_what_is_read_is_written_and_parsed_by_coheres_client() -> None:
    events = parsed(written(HAPPENINGS))
    kinds = [each.type for each in events]
    assert kinds == [
        "message-start", "tool-plan-delta", "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-delta",
        "tool-call-end", "content-start", "content-delta", "content-end", "content-start", "content-delta", "content-delta",
        "citation-start", "citation-end", "content-end", "message-end",
    ]  # fmt: skip
    assert events[3].delta.message.tool_calls.function.name == "f"
    assert [each.delta.message.content.text for each in events[11:13]] == ["So ", "é"]
    assert events[11].logprobs.logprobs == [-0.1]
    assert events[13].delta.message.citations.sources[0].id == "doc:0"
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage.billed_units.output_tokens == 30


def test_what_is_written_is_read_again_as_it_was() -> None:
    assert happenings([written(HAPPENINGS)]) == HAPPENINGS


def test_what_other_dialects_stream_has_a_place() -> None:
    told: list[Happening] = [
        Began(), Opened(ToolCall("a", "f"), 0), Opened(ToolCall("b", "g"), 1), ArgumentsDelta("{", 0), ArgumentsDelta("{}", 1),
        Closed(1), ArgumentsDelta("}", 0), Closed(0), Opened(Text(""), 2),
        TextDelta("ab", 2, logprobs=[TokenProb("a", -0.1), TokenProb("b", -0.2)]),
        CitationDelta(Citation("x", url="http://x"), 2), Closed(2), Opened(Refused(""), 3), RefusalDelta("No.", 3), Closed(3),
        Opened(Opaque("gemini", {}), 4), Closed(4), Opened(Image(Media(url="http://x")), 5), Closed(5), Pinged(),
        Opened(Text(""), 0, choice=1), TextDelta("Other", 0, choice=1), Closed(0, choice=1), Stopped("length", choice=1),
        Stopped("tools"), Ended(),
    ]  # fmt: skip
    events = parsed(written(told))
    arguments = ["", ""]
    for each in events:
        if each.type == "tool-call-delta":
            arguments[each.index] += each.delta.message.tool_calls.function.arguments
    assert arguments == ["{}", "{}"]
    texts = [each.delta.message.content.text for each in events if each.type == "content-delta"]
    assert texts == ["ab", "", "No.", "![](http://x)"]
    assert [each.delta.message.citations.text for each in events if each.type == "citation-start"] == ["ab"]
    assert events[-1].delta.finish_reason == "TOOL_CALL"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (written([Began(), Failed("No.")]), "ERROR"),
        (written([Began()]) + IN.broken_off("No.", "upstream.timeout"), "TIMEOUT"),
    ],
)
def test_a_client_sees_an_error_in_mid_stream(data: bytes, reason: str) -> None:
    last = parsed(data)[-1]
    assert (last.type, last.delta.finish_reason, last.delta.error) == ("message-end", reason, "No.")


def test_a_stream_passes_as_it_is_and_is_counted() -> None:
    passing = OUT.passing(hides_counts=False)
    assert isinstance(passing, Passing)
    assert b"".join(passing.take(piece) for piece in EventSplitter().feed(STREAM)) == STREAM
    assert passing.started
    assert passing.ended
    assert passing.counted == Counted(input_tokens=5, output_tokens=30, cached_tokens=2)
    assert passing.relayed_bytes > len("I will look.Hm")
    assert repr(passing).startswith("<ChatPassing ended")
    passing.take(event("message-end", delta={"finish_reason": "ERROR", "error": "No."}))
    assert passing.refusal is not None
    with pytest.raises(Garbled):
        passing.take(b"data: <html>\n\n")


async def streamed(fake: FakeChat) -> bytes:
    body = OUT.render(fake, OUT.write(CHAT, Endpoint("command-a")), 0.0).body
    assert not isinstance(body, bytes)
    data = b""
    while piece := await body.read():
        data += piece
    return data


async def test_a_fake_says_what_it_is_told() -> None:
    events = parsed(await streamed(FakeChat("", 10, 2, ("Hel", "lo."))))
    assert "".join(each.delta.message.content.text for each in events if each.type == "content-delta") == "Hello."
    with pytest.raises(UpstreamFault):
        await streamed(FakeChat("", pieces=("a", "b"), dies_after=1))
    chat = Chat.made("command-a", Content([Message("user", [Text("Hi")])]))
    body = OUT.render(FakeChat("Hello.", 10, 2), OUT.write(chat, Endpoint("command-a")), 0.0).body
    assert isinstance(body, bytes)
    assert OUT.count(body) == Counted(input_tokens=10, output_tokens=2)
