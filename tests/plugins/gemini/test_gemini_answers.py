"""Answers of Google, whole and streamed, read; and answers for Gemini's clients, written, as its own client reads them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors as sdk_errors
from google.genai import types

from headgate.api import FakeChat, render_event
from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Began,
    Choice,
    Citation,
    CitationDelta,
    Closed,
    Counted,
    Ended,
    Failed,
    Garbled,
    Happening,
    Opaque,
    Opened,
    Pinged,
    Reasoning,
    ReasoningDelta,
    Refused,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
    Used,
    Written,
    carried,
)
from headgate_gemini import ids
from headgate_gemini.dialect import GeminiIn, GeminiOut

IN, OUT = GeminiIn(), GeminiOut()
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
EVENTS = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"


def candidate(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    return {
        "content": {"parts": [*parts], "role": "model"},
        "index": 0,
        **({"finishReason": reason} if reason else {}),
        **more,
    }


def whole(*candidates: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"candidates": [*candidates], "modelVersion": "gemini-x", "responseId": "r1", **more}).encode()


USED = {
    "promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "cachedContentTokenCount": 40,
    "toolUsePromptTokenCount": 5, "totalTokenCount": 155,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 70}, {"modality": "AUDIO", "tokenCount": 20},
                            {"modality": "IMAGE", "tokenCount": 10}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 15}],
}  # fmt: skip
COUNTED = Counted(
    input_tokens=105, output_tokens=50, cached_tokens=40, reasoning_tokens=30, input_audio_tokens=20,
    input_image_tokens=10, output_image_tokens=15,
)  # fmt: skip


def test_counts_are_exact() -> None:
    assert OUT.count(whole(candidate({"text": "a"}), usageMetadata=USED)) == COUNTED
    assert OUT.count(whole(candidate({"text": "a"}))) is None


def test_a_whole_answer_is_read() -> None:
    answer = OUT.answer(
        whole(
            candidate(
                {"text": "Let me see. ", "thought": True},
                {"text": "Zürich is ", "thoughtSignature": "QQ=="},
                {"functionCall": {"name": "f", "args": {"x": 1.50}}, "thoughtSignature": "Qg=="},
                {"executableCode": {"code": "1"}},
                groundingMetadata={
                    "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
                    "groundingSupports": [{"segment": {"endIndex": 7, "text": "Zürich"}, "groundingChunkIndices": [0]}],
                },
                logprobsResult={
                    "chosenCandidates": [{"token": "Z", "logProbability": -0.1}],
                    "topCandidates": [{"candidates": [{"token": "Y", "logProbability": -3}]}],
                },
            ),
            usageMetadata=USED,
        )
    )
    own = {"dialect": "gemini"}
    choice = answer.choices[0]
    call = choice.parts[3]
    assert isinstance(call, ToolCall)
    assert (answer.id, answer.model, answer.counted, choice.stop) == ("r1", "gemini-x", COUNTED, "tools")
    assert ids.unpack(call.id) == (None, "Qg==")
    assert choice.parts == [
        Reasoning(text="Let me see. ", summary=True, extra=own),
        Text(text="Zürich is ", citations=[Citation(title="A", url="https://a", start=0, end=6)]),
        Reasoning(signature="QQ==", extra=own),
        ToolCall(id=call.id, name="f", arguments='{"x":1.5}'),
        Opaque(dialect="gemini", value={"executableCode": {"code": "1"}}),
    ]
    assert choice.logprobs == [TokenProb("Z", -0.1, top=[TokenProb("Y", -3.0)])]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "filter"), ("RECITATION", "filter"), ("SPII", "filter"),
     ("MALFORMED_FUNCTION_CALL", "other"), ("WHAT_IS_NEW", "other")],
)  # fmt: skip
def test_why_it_ended_is_told(reason: str, stop: str) -> None:
    assert OUT.answer(whole(candidate({"text": "a"}, reason=reason))).choices[0].stop == stop


def test_a_prompt_that_was_blocked_is_an_answer_that_a_filter_stopped() -> None:
    data = json.dumps({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}).encode()
    assert OUT.answer(data).choices == [Choice([Refused(text="No.")], "filter")]
    assert events(stream(json.loads(data)))[1:] == [Opened(Refused(text="No.")), Closed(), Stopped("filter"), Ended()]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"candidates": 1}', b'{"candidates": [{"content": {"parts": [1]}}]}']
)
def test_what_is_no_answer_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        OUT.answer(data)


# --- streams ---------------------------------------------------------------------------------------------------------


def stream(*chunks: dict[str, Any], array: bool = False) -> bytes:
    if array:
        return b"[" + b",\r\n".join(json.dumps(chunk, indent=1).encode() for chunk in chunks) + b"\n]\n"
    return b"".join(render_event(json.dumps(chunk).encode()) for chunk in chunks)


def events(data: bytes, *cuts: int) -> list[Happening]:
    reader, found = OUT.reader(), list[Happening]()
    places = [0, *cuts, len(data)]
    blocks = b""
    for begin, end in itertools.pairwise(places):
        for block, happened in reader.feed(data[begin:end]):
            blocks += block
            found += happened
    assert data.startswith(blocks)
    return found + reader.finish()


CHUNKS: list[dict[str, Any]] = [
    {"candidates": [candidate({"text": "Hm", "thought": True}, reason=None)], "responseId": "r", "modelVersion": "m"},
    {"candidates": [candidate({"text": "m.", "thought": True}, reason=None)], "usageMetadata": {"promptTokenCount": 3}},
    {"candidates": [candidate({"text": "Zü"}, reason=None)]},
    {"candidates": [candidate({"text": "ri\\\"}"}, reason=None)]},
    {"candidates": [candidate({"functionCall": {"name": "f", "args": {"a": "}"}}, "thoughtSignature": "QQ=="},
                              {"functionCall": {"id": "own", "name": "g"}}, reason=None)]},
    {"candidates": [candidate({"text": "", "thoughtSignature": "Qg=="})], "usageMetadata": USED},
]  # fmt: skip
OWN = {"dialect": "gemini"}
HAPPENED: list[Happening] = [
    Began("r", "m"),
    Opened(Reasoning(summary=True, extra=OWN)), ReasoningDelta("Hm"),
    Used(Counted(input_tokens=3)),
    ReasoningDelta("m."), Closed(),
    Opened(Text(text=""), 1), TextDelta("Zü", 1), TextDelta("ri\\\"}", 1), Closed(1),
    Opened(ToolCall(id=ids.pack(None, "QQ==", "r.0.0"), name="f"), 2), ArgumentsDelta('{"a":"}"}', 2), Closed(2),
    Opened(ToolCall(id="own", name="g"), 3), ArgumentsDelta("{}", 3), Closed(3),
    Used(COUNTED),
    Opened(Reasoning(extra=OWN), 4), SignatureDelta("Qg==", 4), Closed(4),
    Stopped("tools"), Ended(),
]  # fmt: skip


@pytest.mark.parametrize("array", [False, True])
def test_a_stream_is_read_one_for_one(array: bool) -> None:
    assert events(stream(*CHUNKS, array=array)) == HAPPENED


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_cut_gives_the_same(array: bool, line_end: bytes) -> None:
    data = stream(*CHUNKS, array=array).replace(b"\r\n", b"\n").replace(b"\n", line_end)
    for cut in range(1, len(data)):
        assert events(data, cut) == HAPPENED, cut
    assert events(data, *range(1, len(data))) == HAPPENED


def test_comments_and_empty_frames_are_no_events() -> None:
    data = b": hello\n\n\n" + stream(*CHUNKS).replace(b"\n\n", b"\n\n: ping\n\n\n")
    assert events(data) == HAPPENED


def test_a_stream_that_breaks_off_has_no_end() -> None:
    for last in range(1, len(CHUNKS)):
        assert Ended() not in events(stream(*CHUNKS[:last]))


@pytest.mark.parametrize("frame", [b"data: %s\n\n", b"%s\n\n", b"%s", b'data: {"candidates":[]}\n\n%s\n'])
def test_an_error_in_mid_stream_is_told(frame: bytes) -> None:
    error = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    data = stream(CHUNKS[0]) + frame % json.dumps(error).encode()
    assert events(data)[-1] == Failed("Overloaded.", {"code": "UNAVAILABLE"}, 503)


def test_citations_come_with_their_text() -> None:
    grounded = {
        "groundingChunks": [{"web": {"uri": "https://a"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 6}, "groundingChunkIndices": [0]}],
    }
    last = candidate({"text": "ri"}, groundingMetadata=grounded)
    found = events(
        stream(
            CHUNKS[2],
            {"candidates": [last]},
        )
    )
    assert found[-4:] == [CitationDelta(Citation(url="https://a", start=2, end=4)), Closed(), Stopped("stop"), Ended()]


def test_candidates_grow_side_by_side() -> None:
    first, second = candidate({"text": "a"}), candidate({"text": "b"}) | {"index": 1}
    assert events(stream({"candidates": [first, second]}))[1:] == [
        Opened(Text(text="")), TextDelta("a"), Closed(), Stopped("stop"),
        Opened(Text(text=""), 0, 1), TextDelta("b", 0, 1), Closed(0, 1), Stopped("stop", 1), Ended(),
    ]  # fmt: skip


# --- for clients -----------------------------------------------------------------------------------------------------


def client(answer: httpx.Response) -> genai.Client:
    return genai.Client(
        api_key="k",
        http_options=types.HttpOptions(
            base_url="http://gate",
            client_args={"transport": httpx.MockTransport(lambda request: answer)},
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )


def written(*happenings: Happening, path: str = EVENTS, **query: str) -> bytes:
    writer = IN.writer(IN.read(json.dumps(HELLO).encode(), path, query), 0)
    return b"".join(writer.write(one) for one in happenings)


def chunks_of(data: bytes) -> Iterator[types.GenerateContentResponse]:
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=data)
    one = client(answer)
    yield from one.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi")


def asked(answer: httpx.Response) -> types.GenerateContentResponse:
    one = client(answer)
    return one.models.generate_content(model="gemini-2.5-flash", contents="Hi")


def test_google_s_own_client_reads_a_whole_answer() -> None:
    chat = IN.read(json.dumps(HELLO).encode(), EVENTS.replace("streamG", "g"), {})
    parts = [
        Reasoning(text="Hm", signature="QQ==", summary=True, extra=OWN),
        Text(text="Zürich", citations=[Citation(url="https://a", title="A", start=1, end=3)]),
        ToolCall(id="call_1", name="f", arguments='{"x":1}'),
    ]
    choice = Choice([*parts], "tools", logprobs=[TokenProb("a", -0.5, top=[TokenProb("b", -1.0)])])
    data = IN.render(Answer([choice], "id", "gpt", counted=COUNTED), chat, 0)
    read = asked(httpx.Response(200, content=data))
    assert read.candidates
    assert read.candidates[0].content
    assert read.candidates[0].content.parts
    thought, text, call = read.candidates[0].content.parts
    assert (thought.text, thought.thought, thought.thought_signature) == ("Hm", True, b"A")
    assert text.text == "Zürich"
    assert call.function_call == types.FunctionCall(id="call_1", name="f", args={"x": 1})
    assert read.candidates[0].finish_reason == types.FinishReason.STOP
    grounded = read.candidates[0].grounding_metadata
    assert grounded
    assert grounded.grounding_supports
    assert grounded.grounding_supports[0].segment
    assert grounded.grounding_supports[0].segment.text == "ür"
    assert grounded.grounding_supports[0].segment.end_index == 4
    assert OUT.count(data) == COUNTED
    assert OUT.answer(data).choices[0].parts == parts


def test_google_s_own_client_reads_a_stream() -> None:
    chunks = [*chunks_of(written(*HAPPENED, alt="sse"))]
    parts = [part for chunk in chunks for part in (chunk.parts or [])]
    assert [part.text for part in parts] == ["Hm", "m.", "Zü", 'ri\\"}', None, None, ""]
    assert [bool(part.thought) for part in parts[:3]] == [True, True, False]
    assert parts[4].function_call
    assert parts[4].function_call.args == {"a": "}"}
    assert (parts[4].thought_signature, parts[6].thought_signature) == (b"A", b"B")
    assert chunks[-1].candidates
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata
    assert chunks[-1].usage_metadata.thoughts_token_count == 30


@pytest.mark.parametrize("query", [{"alt": "sse"}, {}])
def test_what_is_written_reads_as_what_happened(query: dict[str, str]) -> None:
    """Counts come once, at the end, and a signature after a text keeps its place."""
    found = events(written(*HAPPENED, **query))
    assert [one for one in found if not isinstance(one, Used)] == [one for one in HAPPENED if not isinstance(one, Used)]
    assert Used(COUNTED) in found


def test_an_array_is_an_array() -> None:
    value = json.loads(written(*HAPPENED))
    assert isinstance(value, list)
    assert len(value) == 8
    assert value[-1]["candidates"][0]["finishReason"] == "STOP"
    assert value[-1]["usageMetadata"]["totalTokenCount"] == 155


def test_calls_that_grow_side_by_side_are_whole() -> None:
    data = written(
        Began("a", "gpt"),
        Opened(ToolCall(id="1", name="f"), 0), Opened(ToolCall(id="2", name="g"), 1),
        ArgumentsDelta('{"a":', 0), ArgumentsDelta('{"b"', 1), ArgumentsDelta("1}", 0), ArgumentsDelta(":2}", 1),
        Closed(1), Closed(0), Pinged(), Stopped("tools"), Ended(), alt="sse",
    )  # fmt: skip
    calls = [call for chunk in chunks_of(data) for call in (chunk.function_calls or [])]
    assert [(call.id, call.name, call.args) for call in calls] == [("2", "g", {"b": 2}), ("1", "f", {"a": 1})]


def test_arguments_that_are_no_object_are_told_as_google_does() -> None:
    data = written(
        Began(), Opened(ToolCall(id="1", name="f")), ArgumentsDelta("{"), Closed(), Stopped("tools"), Ended(), alt="sse"
    )
    last = [*chunks_of(data)][-1]
    assert last.candidates
    assert last.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL


def test_another_provider_s_signature_is_carried_so_that_google_never_sees_it() -> None:
    data = written(
        Opened(Reasoning()), ReasoningDelta("a"), SignatureDelta("QQ=="), Closed(), Stopped("stop"), Ended(), alt="sse"
    )
    *_, signed, _ = chunks_of(data)
    assert signed.candidates
    assert signed.candidates[0].content
    assert signed.candidates[0].content.parts
    part = signed.candidates[0].content.parts[0]
    assert part.thought
    assert part.thought_signature
    back = carried(part.thought_signature.decode(), "a")
    assert back == Reasoning(text="a", signature="QQ==")
    assert b'"QQ=="' not in data


@pytest.mark.parametrize("data", [
    written(Began(), Failed("Overloaded.", {}, 503), alt="sse"), IN.broken_off("Overloaded.", "upstream.protocol"),
])  # fmt: skip
def test_google_s_own_client_raises_for_an_error_in_mid_stream(data: bytes) -> None:
    with pytest.raises(sdk_errors.ServerError, match=r"Overloaded\."):
        [*chunks_of(data)]


@pytest.mark.parametrize(
    ("status", "word"),
    [(400, "INVALID_ARGUMENT"), (401, "UNAUTHENTICATED"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")],
)
def test_google_s_own_client_raises_for_an_error(status: int, word: str) -> None:
    error = IN.error(status, "No.", "limit.exceeded", {"where": "contents"})
    assert isinstance(error.body, bytes)
    with pytest.raises(sdk_errors.APIError) as caught:
        asked(httpx.Response(status, content=error.body))
    assert (caught.value.code, caught.value.status, caught.value.message) == (status, word, "No.")
    refusal = OUT.refusal(error.body)
    assert refusal is not None
    assert refusal.fields == {"where": "contents", "code": "LIMIT_EXCEEDED"}


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b"[]", b'{"error": "x"}'])
def test_what_is_no_error_of_google_s_says_nothing(data: bytes) -> None:
    assert OUT.refusal(data) is None


# --- what tests give -------------------------------------------------------------------------------------------------


async def test_what_a_test_gives_is_an_answer_of_google_s() -> None:
    fake = FakeChat("Hello.", 10, 2, pieces=("Hel", "lo."))
    counted = Counted(input_tokens=10, output_tokens=2)
    one = OUT.render(fake, Written(b"/models/m:generateContent", b"{}"), 0)
    assert isinstance(one.body, bytes)
    assert OUT.answer(one.body).choices[0].parts == [Text(text="Hello.")]
    assert OUT.count(one.body) == counted
    for path in (b"/models/m:streamGenerateContent?alt=sse", b"/models/m:streamGenerateContent"):
        body = OUT.render(fake, Written(path, b"{}"), 0).body
        assert not isinstance(body, bytes)
        data = b""
        while piece := await body.read():
            data += piece
        found = events(data)
        assert [one for one in found if isinstance(one, TextDelta)] == [TextDelta("Hel"), TextDelta("lo.")]
        assert found[-4:] == [Used(counted), Closed(), Stopped("stop"), Ended()]
