"""Mistral's own client against the dialect of OpenAI, which reads what it sends and answers it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Began,
    Chat,
    Choice,
    Closed,
    Counted,
    Ended,
    Happening,
    Image,
    Opened,
    Reasoning,
    ReasoningDelta,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.chat import OpenAiChat

CLIENT = OpenAiChat()
COUNTED = Counted(input_tokens=3, output_tokens=5)
STREAM: list[Happening] = [
    Began("a", "m", 7), Opened(Reasoning(), 0), ReasoningDelta("hm", 0), Closed(0), Opened(Text(text=""), 1), TextDelta("Hel", 1),
    TextDelta("lo", 1), Closed(1), Opened(ToolCall(id="call_1", name="f"), 2), ArgumentsDelta("{", 2), ArgumentsDelta("}", 2),
    Closed(2), Stopped("tools"), Used(COUNTED), Ended(),
]  # fmt: skip


class Gateway:
    """Answers as the gateway does; `read` is what it has read last."""

    def __init__(self, answer: Answer | None = None, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.read: Chat | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert CLIENT.answers(request.url.path)
        chat = self.read = CLIENT.read(request.content, request.url.path, {})
        chat.content()
        if self.status != 200:
            error = CLIENT.error(self.status, "No.", "limit.exceeded", {})
            return httpx.Response(error.status, content=bytes(error.body), headers={"content-type": "application/json"})  # type: ignore[arg-type]
        if self.answer is not None:
            return httpx.Response(
                200, content=CLIENT.render(self.answer, chat, 5.0), headers={"content-type": "application/json"}
            )
        writer = CLIENT.writer(chat, 5.0)
        data = b"".join(writer.write(one) for one in STREAM)
        return httpx.Response(200, content=data, headers={"content-type": "text/event-stream"})

    def client(self) -> Mistral:
        inside = httpx.Client(transport=httpx.MockTransport(self))
        return Mistral(api_key="k", server_url="https://x.test", client=inside)


MESSAGES: Any = [
    {"role": "system", "content": "Be good"},
    {"role": "user", "content": [
        {"type": "text", "text": "Look"}, {"type": "image_url", "image_url": "https://x.test/a"},
        {"type": "document_url", "document_url": "https://x.test/a.pdf"},
    ]},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "aB3dE6gH9", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "content": "42", "tool_call_id": "aB3dE6gH9", "name": "f"},
]  # fmt: skip


def test_a_whole_answer() -> None:
    parts: Any = [Text(text="Hello"), ToolCall(id="call_1", name="f", arguments="{}")]
    gateway = Gateway(Answer([Choice(parts, "tools")], "a", "m", 7, COUNTED))
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    said = gateway.client().chat.complete(
        model="m", messages=MESSAGES, tools=[tool], tool_choice="any", random_seed=3, max_tokens=9, safe_prompt=True,
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    )  # fmt: skip
    message = said.choices[0].message
    assert message is not None
    assert message.content == "Hello"
    assert message.tool_calls
    assert message.tool_calls[0].id == "call_1"
    assert said.usage.total_tokens == 8
    assert gateway.read is not None
    content = gateway.read.content()
    assert gateway.read.max_tokens == 9
    assert content.format is not None
    assert content.format.schema == {"type": "object"}
    assert content.tool_choice is not None
    assert content.tool_choice.mode == "required"
    assert isinstance(content.messages[1].parts[1], Image)


def test_a_stream() -> None:
    with Gateway().client().chat.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as stream:
        chunks = [event.data for event in stream]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content for delta in deltas if isinstance(delta.content, str)) == "Hello"
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert "".join(str(call.function.arguments) for call in calls) == "{}"


def test_an_error_is_raised_with_its_status() -> None:
    with pytest.raises(MistralError) as caught:
        Gateway(status=429).client().chat.complete(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.status_code == 429
    assert json.loads(caught.value.body)["error"]["message"] == "No."
