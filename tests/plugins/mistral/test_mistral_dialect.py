"""Mistral on the dialect below it: what differs, and that its own types accept it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from mistralai.client.models import ChatCompletionRequest, ChatCompletionResponse, CompletionChunk

from headgate.api import FakeChat, render_event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    Began,
    Chat,
    Closed,
    Content,
    Counted,
    Ended,
    Endpoint,
    Failed,
    File,
    Format,
    Garbled,
    Happening,
    Image,
    Media,
    Message,
    Opened,
    Reasoning,
    ReasoningDelta,
    Refusal,
    Speaks,
    Stopped,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
    Used,
    Written,
)
from headgate.host.plugins import load_plugins
from headgate_mistral import Mistral
from headgate_openai.chat import OpenAiChat, OpenAiChatOut

BELOW = OpenAiChatOut()
[SPEAKS] = Mistral().register_dialects()
OUT = SPEAKS.standing({"openai": Speaks("openai", OpenAiChat(), BELOW)}).outbound
assert OUT is not None
CLIENT = OpenAiChat()


def chat(**fields: Any) -> Chat:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return CLIENT.read(json.dumps(body).encode(), "/v1/chat/completions", {})


def sent(one: Chat, model: str = "mistral-large-latest", **options: Any) -> tuple[dict[str, Any], list[str]]:
    assert OUT is not None
    written = OUT.write(one, Endpoint(model, options))
    body = json.loads(written.body)
    ChatCompletionRequest.model_validate(body)
    assert written.path == b"/chat/completions"
    assert not written.hides_counts
    return body, list(written.dropped)


def read_all(data: bytes, size: int | None = None) -> list[Happening]:
    assert OUT is not None
    reader = OUT.reader()
    pieces = [data] if size is None else [data[:size], data[size:]]
    happened = [one for piece in pieces for _, happenings in reader.feed(piece) for one in happenings]
    return [*happened, *reader.finish()]


RICH = Content(
    [
        Message("developer", [Text(text="Be good")]),
        Message("user", [
            Text(text="Look"), Image(media=Media(url="https://x.test/a")), Image(media=Media(mime="image/png", data="AAAA"), detail="low"),
            File(media=Media(url="https://x.test/a.pdf", name="a.pdf")), File(media=Media(mime="application/pdf", data="AAAA")),
            Audio(media=Media(data="AAAA"), format="wav"),
        ], name="bob"),
        Message("assistant", [Text(text="I call"), ToolCall(id="call_abc", name="f", arguments="{}"), ToolCall(id="aB3dE6gH9", name="f", arguments="{}")]),
        Message("tool", [ToolResult(id="call_abc", parts=[Text(text="1")])]),
        Message("tool", [ToolResult(id="aB3dE6gH9", parts=[Text(text="2")])]),
    ],
    tools=[Tool("f")], tool_choice=ToolChoice("required"), parallel_tools=False, seed=7, top_k=3, n=2, stop=["x"], user="u",
    format=Format("schema", "n", {"type": "object"}, True), thinking=Thinking(effort="high"), metadata={"a": "b"},
)  # fmt: skip


def test_a_chat_is_written_as_mistral_takes_it() -> None:
    body, dropped = sent(Chat.made("m", RICH, stream=True, max_tokens=9, temperature=0.5))
    assert body["max_tokens"] == 9
    assert body["random_seed"] == 7
    assert (body["tool_choice"], body["parallel_tool_calls"], body["top_k"]) == ("any", False, 3)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert not {"seed", "user", "stream_options", "max_completion_tokens"} & body.keys()
    assert dropped == ["user", "messages.name"]
    system, user, called, first, second = body["messages"]
    assert system["role"] == "system"
    assert [part["type"] for part in user["content"]] == [
        "text", "image_url", "image_url", "document_url", "document_url", "input_audio",
    ]  # fmt: skip
    assert user["content"][1]["image_url"] == "https://x.test/a"
    assert user["content"][3] == {
        "type": "document_url",
        "document_url": "https://x.test/a.pdf",
        "document_name": "a.pdf",
    }
    assert user["content"][4]["document_url"] == "data:application/pdf;base64,AAAA"
    assert user["content"][5]["input_audio"] == "AAAA"
    idents = [call["id"] for call in called["tool_calls"]]
    assert idents == [first["tool_call_id"], second["tool_call_id"]]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", ident) for ident in idents)
    assert idents[1] == "aB3dE6gH9"


def test_an_id_is_the_same_in_every_request() -> None:
    first, _ = sent(Chat.made("m", RICH))
    again, _ = sent(Chat.made("m", RICH))
    assert first["messages"][2]["tool_calls"][0]["id"] == again["messages"][2]["tool_calls"][0]["id"]


def test_what_a_client_of_mistral_sends_reaches_it() -> None:
    content = [
        {"type": "text", "text": "a"}, {"type": "image_url", "image_url": "https://x.test/a"},
        {"type": "document_url", "document_url": "https://x.test/a.pdf"}, {"type": "input_audio", "input_audio": "AAAA"},
    ]  # fmt: skip
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "b"}]
    messages = [
        {"role": "user", "content": content}, {"role": "assistant", "content": thought},
        {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "prefix": True},
    ]  # fmt: skip
    came = chat(messages=messages, random_seed=3, safe_prompt=True, tool_choice="any", prompt_mode="reasoning")
    body, dropped = sent(came)
    assert body["messages"] == messages
    assert (body["random_seed"], body["safe_prompt"], body["tool_choice"], body["prompt_mode"]) == (
        3,
        True,
        "any",
        "reasoning",
    )
    assert dropped == []
    assert came.content().tool_choice == ToolChoice("required")
    assert [type(part) for part in came.messages[0].parts][:2] == [Text, Image]


def test_a_message_to_go_on_with_says_so() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    body, _ = sent(chat(messages=messages))
    assert body["messages"][1]["prefix"] is True


def test_what_openai_alone_has_is_left_out_and_named() -> None:
    body, dropped = sent(
        chat(user="u", store=True, service_tier="flex", logit_bias={"1": 2}, stream_options={"include_usage": True})
    )
    assert set(dropped) == {"user", "store", "service_tier", "logit_bias"}
    assert body.keys() == {"model", "messages"}


def test_functions_of_old_are_unsupported() -> None:
    with pytest.raises(Unsupported):
        sent(chat(functions=[{"name": "f", "parameters": {}}]))


def test_thoughts_go_back_to_a_model_that_thinks_and_to_no_other() -> None:
    messages = [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "hm"},
        {"role": "user", "content": "c"},
    ]  # fmt: skip
    body, dropped = sent(chat(messages=messages), "magistral-medium-latest")
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "b"},
    ]  # fmt: skip
    assert dropped == []
    body, dropped = sent(chat(messages=messages))
    assert body["messages"][1] == {"role": "assistant", "content": "b"}
    assert dropped == ["reasoning"]


WHOLE: dict[str, Any] = {
    "id": "a1", "object": "chat.completion", "created": 7, "model": "magistral", "usage": {
        "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
    }, "choices": [{"index": 0, "finish_reason": "model_length", "message": {"role": "assistant", "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]},
        {"type": "text", "text": "See "}, {"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "this"},
    ], "tool_calls": [{"id": "aB3dE6gH9", "function": {"name": "f", "arguments": {"a": 1}}}]}}],
}  # fmt: skip


def test_a_whole_answer_with_chunks_is_read() -> None:
    assert OUT is not None
    ChatCompletionResponse.model_validate(WHOLE)
    answer = OUT.answer(json.dumps(WHOLE).encode())
    assert answer.counted == OUT.count(json.dumps(WHOLE).encode()) == Counted(input_tokens=3, output_tokens=5)
    [choice] = answer.choices
    assert choice.stop == "length"
    thought, text, call = choice.parts
    assert thought == Reasoning(text="hm")
    assert isinstance(text, Text)
    assert (text.text, text.citations[0].extra["reference_ids"]) == ("See this", [1])
    assert call == ToolCall(id="aB3dE6gH9", name="f", arguments='{"a":1}')


def test_a_proof_of_a_thought_comes_with_it() -> None:
    assert OUT is not None
    message = {"role": "assistant", "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "sig"}, {"type": "text", "text": "a"},
    ]}  # fmt: skip
    whole = {**WHOLE, "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    assert OUT.answer(json.dumps(whole).encode()).choices[0].parts[0] == Reasoning(
        text="hm", signature="sig", maker="mistral"
    )


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    body = {
        "id": "a1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more,
    }  # fmt: skip
    CompletionChunk.model_validate(body)
    return render_event(json.dumps(body).encode())


STREAM = b"".join([
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]}),
    chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m"}]}]}),
    chunk({"content": [{"type": "text", "text": "He"}]}),
    chunk({"content": "llo"}),
    chunk({"tool_calls": [{"id": "aB3dE6gH9", "function": {"name": "f", "arguments": "{}"}, "index": 0}]}),
    chunk({"content": ""}, "tool_calls", usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}),
    render_event(b"[DONE]"),
])  # fmt: skip


def test_a_stream_with_chunks_is_read_wherever_it_is_cut() -> None:
    whole = read_all(STREAM)
    assert whole == [
        Began("a1", "m", 7), Opened(Reasoning(), 0), ReasoningDelta("h", 0), ReasoningDelta("m", 0), Closed(0),
        Opened(Text(text=""), 1), TextDelta("He", 1), TextDelta("llo", 1), Closed(1), Opened(ToolCall(id="aB3dE6gH9", name="f"), 2),
        ArgumentsDelta("{}", 2), Closed(2), Stopped("tools"), Used(Counted(input_tokens=3, output_tokens=5)), Ended(),
    ]  # fmt: skip
    assert all(read_all(STREAM, size) == whole for size in range(len(STREAM)))
    assert read_all(STREAM.replace(b"\n", b"\r\n")) == whole
    assert not any(isinstance(one, Ended) for one in read_all(STREAM[:-400]))


def test_an_error_in_mid_stream_is_a_failure() -> None:
    error = render_event(b'{"object":"error","message":"Boom","type":"internal","param":null,"code":"3000"}')
    assert isinstance(read_all(error)[0], Failed)


def test_what_is_no_answer_is_garbled() -> None:
    assert OUT is not None
    for data in (b"<html>", b"{}", b'{"content":[}'):
        with pytest.raises(Garbled):
            OUT.answer(data)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"object": "error", "message": "Bad", "type": "invalid", "param": "n", "code": "1500"}, Refusal("Bad", {"where": "n", "code": "1500"})),
        ({"detail": "Unauthorized"}, Refusal("Unauthorized", {})),
        ({"message": "Unauthorized", "request_id": "r"}, Refusal("Unauthorized", {})),
        ({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Bad role", "type": "x"}]}, Refusal("messages.0.role: Bad role", {"where": "messages.0.role"})),
        ({"object": "error", "message": {"detail": [{"loc": ["body"], "msg": "Bad"}]}}, Refusal("Bad", {})),
        ({"error": {"message": "Bad"}}, Refusal("Bad", {})),
    ],
)  # fmt: skip
def test_errors_of_every_shape_are_read(body: dict[str, Any], expected: Refusal) -> None:
    assert OUT is not None
    assert OUT.refusal(json.dumps(body).encode()) == expected


def test_what_says_nothing_is_no_refusal() -> None:
    assert OUT is not None
    assert OUT.refusal(b"<html>") is None
    assert OUT.refusal(b"[]") is None


def test_a_fake_speaks_as_the_dialect_below() -> None:
    assert OUT is not None
    response = OUT.render(FakeChat("Hello"), Written(b"", b'{"model":"m","messages":[]}'), 5.0)
    assert isinstance(response.body, bytes)
    assert OUT.answer(response.body).choices[0].parts == [Text(text="Hello")]


def test_the_dialect_stands_on_its_base_in_whatever_order_plugins_come() -> None:
    dialects = load_plugins().vocabulary.dialects
    assert dialects["mistral"].outbound is not None
    alone = load_plugins([("mistral", Mistral)], discover=False).vocabulary.dialects
    assert alone["mistral"].outbound is None
