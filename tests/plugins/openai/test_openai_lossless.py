"""What a client says is read without loss: written again after one word of it changed, only that word differs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import CompletionCreateParams
from pydantic import TypeAdapter

from headgate.api.ai import (
    Chat,
    Content,
    Endpoint,
    File,
    Image,
    Media,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from headgate_openai.chat.requests import read, write

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
}
ASSISTANT = {
    "role": "assistant",
    "content": "Let me see.",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}}

BODIES: list[dict[str, Any]] = [
    {},
    {"messages": [{"role": "system", "content": "S"}, {"role": "developer", "content": [{"type": "text", "text": "D"}]}]},
    {"messages": [{"role": "user", "name": "ana", "content": [{"type": "text", "text": "x", "cache": 1}, PICTURE]}]},
    {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}]}]},
    {"messages": [ASSISTANT, {"role": "tool", "tool_call_id": "c1", "content": "42"}], "tools": [TOOL]},
    {"messages": [{"role": "assistant", "content": None, "refusal": "No."}]},
    {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]},
    {"messages": [{"role": "assistant", "reasoning_content": "Hm", "content": "a", "x_new": {"y": 1}}]},
    {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, {"role": "function", "name": "f", "content": "1"}], "functions": [{"name": "f"}], "function_call": "auto"},
    {"messages": [{"role": "user", "content": [{"type": "new_kind", "value": [1, 2]}]}]},
    {"tools": [{"type": "custom", "custom": {"name": "c"}}], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": False},
    {"response_format": SCHEMA, "stop": ["a", "b"], "seed": 1, "n": 2, "logprobs": True, "top_logprobs": 3},
    {"response_format": {"type": "json_object"}, "stop": "a", "user": "u", "metadata": {"k": "v"}, "service_tier": "flex"},
    {"reasoning_effort": "low", "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}, "store": True},
    {"logit_bias": {"1": 2}, "prediction": {"type": "content", "content": "x"}, "web_search_options": {}, "brand_new": [1]},
]  # fmt: skip


def body(fields: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", **fields, "messages": [{"role": "user", "content": "before"}, *fields.get("messages", [])]}


@pytest.mark.parametrize("fields", BODIES)
def test_one_changed_word_is_the_only_difference(fields: dict[str, Any]) -> None:
    said = body(fields)
    chat = read(json.dumps(said).encode())
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "after"
    said["messages"][0]["content"] = "after"
    written = write(chat, Endpoint("m"))
    assert json.loads(written.body) == said
    assert not written.dropped


@pytest.mark.parametrize("fields", BODIES)
def test_looking_changes_nothing(fields: dict[str, Any]) -> None:
    data = json.dumps(body(fields)).encode()
    chat = read(data)
    assert chat.messages
    assert write(chat, Endpoint("m")).body == data


def made(*messages: Message, **fields: Any) -> Chat:
    return Chat.made("whatever", Content(list(messages), **fields))


def sent(chat: Chat, **options: Any) -> Any:
    written = json.loads(write(chat, Endpoint("m", options)).body)
    TypeAdapter(CompletionCreateParams).validate_python(written)
    return written


def test_what_tools_gave_in_one_message_is_a_message_each_and_its_pictures_follow() -> None:
    picture = Image(Media(mime="image/png", data="AAAA"))
    results = Message("user", [ToolResult("a", [Text("1"), picture]), ToolResult("b", [Text("2")]), Text("And now?")])
    calls = Message("assistant", [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")])
    messages = sent(made(Message("user", [Text("Hi")]), calls, results))["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[2] == {"role": "tool", "tool_call_id": "a", "content": "1"}
    assert [part["type"] for part in messages[4]["content"]] == ["text", "image_url"]


def test_a_text_document_is_a_text_and_one_at_an_address_cannot_be_sent() -> None:
    text = File(Media(mime="text/plain", data="SGk="))
    assert sent(made(Message("user", [text, Text("?")])))["messages"][0]["content"][0] == {"type": "text", "text": "Hi"}
    with pytest.raises(Unsupported, match="as its data"):
        write(made(Message("user", [File(Media(url="https://a/b.pdf"))])), Endpoint("m"))


def test_thoughts_are_named_as_dropped_or_go_where_the_provider_wants_them() -> None:
    chat = made(Message("user", [Text("Hi")]), Message("assistant", [Reasoning("Hm", signature="s"), Text("Yes")]))
    assert list(write(chat, Endpoint("m")).dropped) == ["reasoning"]
    assert sent(chat, reasoning="reasoning_content")["messages"][1]["reasoning_content"] == "Hm"
