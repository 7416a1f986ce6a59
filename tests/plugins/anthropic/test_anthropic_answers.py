"""Answers in Anthropic's dialect: read from providers, and parsed by Anthropic's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message as SdkMessage

from headgate.api.ai import (
    Answer,
    Audio,
    Chat,
    Choice,
    Citation,
    Content,
    Counted,
    Endpoint,
    Garbled,
    Image,
    Media,
    Opaque,
    Reasoning,
    Refused,
    Stop,
    Text,
    ToolCall,
)
from headgate.testing.providers.strict import conforms
from headgate_anthropic.facts import REASONS, STOPS
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut

IN, OUT = AnthropicIn(), AnthropicOut()
CHAT = Chat.made("claude-x", Content([]))
CHAR = {
    "type": "char_location", "cited_text": "it is", "document_index": 0, "document_title": "A book", "file_id": None,
    "start_char_index": 2, "end_char_index": 7,
}  # fmt: skip
USAGE = {
    "input_tokens": 5, "output_tokens": 30, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 4,
    "output_tokens_details": {"thinking_tokens": 9}, "service_tier": "standard",
    "cache_creation": {"ephemeral_1h_input_tokens": 2, "ephemeral_5m_input_tokens": 0},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "So it is.", "citations": [CHAR]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}, "caller": {"type": "direct"}},
    ],
    "stop_reason": "tool_use", "stop_sequence": None, "stop_details": None, "usage": USAGE,
}  # fmt: skip
DECLINED = {
    **WHOLE, "content": [], "stop_reason": "refusal",
    "stop_details": {"type": "refusal", "category": "cyber", "explanation": "It could harm."},
}  # fmt: skip


def rendered(answer: Answer) -> dict[str, Any]:
    value = json.loads(IN.render(answer, CHAT, 0.0))
    conforms(value, SdkMessage)
    return dict(value)


@pytest.mark.parametrize(
    "value",
    [
        WHOLE,
        DECLINED,
        {**WHOLE, "stop_reason": "model_context_window_exceeded"},
        {**WHOLE, "stop_reason": "stop_sequence", "stop_sequence": "END"},
        {**WHOLE, "container": {"id": "c", "expires_at": "2026-11-26T00:00:00Z"}},
    ],
)
def test_an_answer_that_is_read_and_rendered_is_the_same(value: Any) -> None:
    assert rendered(OUT.answer(json.dumps(value).encode())) == value


def test_what_all_dialects_share_is_read() -> None:
    answer = OUT.answer(json.dumps(WHOLE).encode())
    thought, sealed, text, search, _, call = answer.choices[0].parts
    assert thought == Reasoning("Hm.", signature="c2ln", maker="anthropic")
    assert sealed == Reasoning(sealed="ZGF0YQ==", maker="anthropic")
    assert isinstance(text, Text)
    assert (text.citations[0].text, text.citations[0].title) == ("it is", "A book")
    assert isinstance(search, Opaque)
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"city":"Oslo"}'
    assert answer.choices[0].stop == "tools"


def test_counts_are_as_openai_counts_and_go_back_exactly() -> None:
    counted = Counted(
        input_tokens=11,
        output_tokens=30,
        cached_tokens=4,
        cache_write_tokens=2,
        cache_write_1h_tokens=2,
        reasoning_tokens=9,
    )
    assert OUT.count(json.dumps(WHOLE).encode()) == counted
    told = rendered(Answer([Choice([Text("x")])], counted=counted))["usage"]
    assert told == {name: value for name, value in USAGE.items() if name != "service_tier"}


def test_a_refusal_says_why() -> None:
    choice = OUT.answer(json.dumps(DECLINED).encode()).choices[0]
    assert choice.stop == "refusal"
    assert [part.text for part in choice.parts if isinstance(part, Refused)] == ["It could harm."]


@pytest.mark.parametrize(("stop", "reason"), REASONS.items())
def test_every_reason_to_stop_has_a_word(stop: Stop, reason: str) -> None:
    assert rendered(Answer([Choice([Text("x")], stop)]))["stop_reason"] == reason
    assert reason in STOPS


def test_what_other_dialects_say_has_a_place() -> None:
    answer = Answer([
        Choice([
            Reasoning("Hm.", signature="x", maker="gemini"),
            Reasoning(sealed="y", id="rs_1", maker="openai-responses"),
            Reasoning("Plain"),
            Text("Look", citations=[Citation("b", "B", url="http://x"), Citation(title="A", document="doc_0", start=0, end=3)]),
            Refused("No."),
            Image(Media(mime="image/png", data="AA==")),
            Audio(Media(data="AA=="), transcript="Hello"),
            Opaque("gemini", {"executableCode": {}}),
            ToolCall("c", "f", '{"x":'),
        ])
    ])  # fmt: skip
    content = rendered(answer)["content"]
    kinds = [block["type"] for block in content]
    assert kinds == ["thinking", "redacted_thinking", "thinking", "text", "text", "text", "text", "tool_use"]
    assert content[2]["signature"] == ""
    assert [each["type"] for each in content[3]["citations"]] == [
        "web_search_result_location",
        "search_result_location",
    ]
    assert [block["text"] for block in content[4:7]] == ["No.", "![](data:image/png;base64,AA==)", "Hello"]
    assert content[7]["input"] == {"INVALID_JSON": '{"x":'}


def test_thoughts_of_others_come_back_through_the_client_as_they_were() -> None:
    thoughts: list[Any] = [
        Reasoning("Hm.", signature="x", maker="gemini"),
        Reasoning(sealed="y", id="rs_1", summary=True, maker="openai-responses"),
        Reasoning("Sum", sealed="z", id="rs_2", summary=True),
    ]
    content = rendered(Answer([Choice(thoughts)]))["content"]
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]
    data = json.dumps({"model": "m", "max_tokens": 1, "messages": turns}).encode()
    assert IN.read(data, "/v1/messages", {}).messages[1].parts == thoughts


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"content": 5}', b'{"content": [5]}', b"\xff"])
def test_what_is_no_message_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        OUT.answer(data)


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 100_000])
def test_what_cannot_be_counted_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        OUT.count(data)


def test_an_answer_without_usage_has_no_counts() -> None:
    assert OUT.count(json.dumps({**WHOLE, "usage": None}).encode()) is None


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_providers_error_is_kept() -> None:
    said = OUT.refusal(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}')
    assert said is not None
    assert (said.message, said.fields) == ("Overloaded", {"code": "overloaded_error"})
    assert OUT.refusal(b"<html>") is None
    assert OUT.refusal(b'{"error":"no"}') is None


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"), (403, "permission_error"),
        (404, "not_found_error"), (409, "conflict_error"), (413, "request_too_large"), (422, "invalid_request_error"),
        (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
        (504, "timeout_error"), (529, "overloaded_error"),
    ],
)  # fmt: skip
def test_errors_have_anthropics_words(status: int, word: str) -> None:
    response = IN.error(status, "No.", "limit.exceeded", {})
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"type": "error", "error": {"type": word, "message": "No."}, "request_id": None}


def test_a_fake_answers_the_request_that_counts() -> None:
    from headgate.api import FakeChat

    data = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    written = OUT.write_count(IN.read(data, "/v1/messages/count_tokens", {}), Endpoint("m"))
    assert OUT.render(FakeChat("x", prompt_tokens=3), written, 0.0).body == b'{"input_tokens":3}'
