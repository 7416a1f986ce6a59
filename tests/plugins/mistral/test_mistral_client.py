"""Mistral's own client against what reads it: a dialect of its own, and for whole answers OpenAI's too."""

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
    Endpoint,
    File,
    Happening,
    Image,
    Inbound,
    Opened,
    Reasoning,
    ReasoningDelta,
    Speaks,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_mistral import Mistral as Mistral_
from headgate_openai.chat import OpenAiChat, OpenAiChatOut

OPENAI = OpenAiChat()
SPEAKS = Mistral_().register_dialects()[0].standing({"openai": Speaks("openai", OPENAI, OpenAiChatOut())})
assert SPEAKS.inbound is not None
assert SPEAKS.outbound is not None
CLIENT, OUT = SPEAKS.inbound, SPEAKS.outbound
COUNTED = Counted(input_tokens=3, output_tokens=5)
STREAM: list[Happening] = [
    Began("a", "m", 7), Opened(Reasoning(), 0), ReasoningDelta("hm", 0), Closed(0), Opened(Text(text=""), 1), TextDelta("Hel", 1),
    TextDelta("lo", 1), Closed(1), Opened(ToolCall(id="call_1", name="f"), 2), ArgumentsDelta("{", 2), ArgumentsDelta("}", 2),
    Closed(2), Stopped("tools"), Used(COUNTED), Ended(),
]  # fmt: skip


class Gateway:
    """Answers as the gateway does; `read` is what it has read last."""

    def __init__(self, answer: Answer | None = None, status: int = 200, dialect: Inbound = CLIENT) -> None:
        self.answer, self.status, self.dialect = answer, status, dialect
        self.read: Chat | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert OPENAI.answers(request.url.path)
        chat = self.read = self.dialect.read(request.content, request.url.path, {})
        chat.content()
        if self.status != 200:
            error = self.dialect.error(self.status, "No.", "limit.exceeded", {})
            return httpx.Response(error.status, content=bytes(error.body), headers={"content-type": "application/json"})  # type: ignore[arg-type]
        if self.answer is not None:
            return httpx.Response(
                200, content=self.dialect.render(self.answer, chat, 5.0), headers={"content-type": "application/json"}
            )
        writer = self.dialect.writer(chat, 5.0)
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


@pytest.mark.parametrize("dialect", [CLIENT, OPENAI])
def test_a_whole_answer(dialect: Inbound) -> None:
    parts: Any = [Text(text="Hello"), ToolCall(id="call_1", name="f", arguments="{}")]
    gateway = Gateway(Answer([Choice(parts, "tools")], "a", "m", 7, COUNTED), dialect=dialect)
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
    thoughts = [part for delta in deltas if isinstance(delta.content, list) for part in delta.content]
    assert [part.type for part in thoughts] == ["thinking"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 8
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert "".join(str(call.function.arguments) for call in calls) == "{}"


def test_an_error_is_raised_with_its_status() -> None:
    with pytest.raises(MistralError) as caught:
        Gateway(status=429).client().chat.complete(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.status_code == 429
    assert json.loads(caught.value.body)["error"]["message"] == "No."


def test_thoughts_of_a_whole_answer_are_chunks() -> None:
    parts: Any = [Reasoning(text="hm"), Text(text="Hello")]
    said = (
        Gateway(Answer([Choice(parts)])).client().chat.complete(model="m", messages=[{"role": "user", "content": "Hi"}])
    )
    message = said.choices[0].message
    assert message is not None
    assert isinstance(message.content, list)
    assert [part.type for part in message.content] == ["thinking", "text"]


BODY: Any = {
    "model": "m", "random_seed": 3, "safe_prompt": True, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "document_url", "document_url": "https://x.test/a.pdf"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"}],
}  # fmt: skip


def test_the_bytes_of_its_client_pass_to_mistral() -> None:
    data = json.dumps(BODY, indent=1).encode()
    chat = CLIENT.read(data, "", {})
    assert OUT.write(chat, Endpoint("m")).body == data
    content = chat.content()
    assert (content.seed, content.extra) == (3, {"safe_prompt": True})
    assert isinstance(content.messages[0].parts[1], File)
    assert isinstance(content.messages[1].parts[0], Reasoning)
    assert OUT.write(chat, Endpoint("m")).body == data
    chat.temperature = 0.5
    assert json.loads(OUT.write(chat, Endpoint("n")).body) == {**BODY, "model": "n", "temperature": 0.5}


def test_what_a_line_changed_is_written_anew() -> None:
    chat = CLIENT.read(json.dumps(BODY).encode(), "", {})
    part = chat.messages[2].parts[0]
    assert isinstance(part, Text)
    part.text = "d"
    written = OUT.write(chat, Endpoint("magistral"))
    body = json.loads(written.body)
    expected = {**BODY, "model": "magistral", "messages": [*BODY["messages"][:2], {"role": "user", "content": "d"}]}
    assert body == expected
    assert not written.dropped
