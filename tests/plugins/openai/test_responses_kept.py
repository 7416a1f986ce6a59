"""Conversations that are kept: `previous_response_id` for models that are asked in other dialects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.api import ClientFault, Exchange, Node, Stores
from headgate.api.ai import (
    Answer,
    Began,
    Chat,
    Choice,
    Closed,
    Ended,
    Endpoint,
    Happening,
    Inbound,
    Opened,
    Remembers,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
)
from headgate.contracts.memory import MemoryBlobs
from headgate_openai.chat.requests import write as write_chat
from headgate_openai.responses import OpenAiResponses
from headgate_openai.responses.keeping import KEEP_S
from headgate_openai.responses.requests import write

IN = OpenAiResponses()


class Clock:
    def __init__(self) -> None:
        self.at = 1_767_225_600.0

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(clock: Clock) -> Node:
    return Node(clock, None, None, Stores(blobs=MemoryBlobs(clock)))  # type: ignore[arg-type]


def exchange(node: Node) -> Exchange:
    return Exchange(None, None, node, started=0.0, started_at=0.0)  # type: ignore[arg-type]


def read(**fields: Any) -> Chat:
    return IN.read(json.dumps({"model": "m", **fields}).encode(), "/v1/responses", {})


async def say(node: Node, parts: list[Any], owner: str = "t1", **fields: Any) -> tuple[Chat, str]:
    """One turn with a whole answer: the chat as it is asked, and the id of the response."""
    ctx = exchange(node)
    chat = await IN.recalled(read(**fields), ctx, owner)
    assert IN.unknown(chat) is None
    keeping = IN.keeping(chat, ctx, owner)
    answer = Answer([Choice(parts)], "chatcmpl-1", "gpt")
    if keeping is not None:
        keeping.whole(answer)
        await keeping.keep()
    return chat, json.loads(IN.render(answer, chat, 5.0))["id"]


def sent(chat: Chat) -> list[tuple[str, Any]]:
    body = json.loads(write_chat(chat, Endpoint("m")).body)
    return [(message["role"], message.get("content")) for message in body["messages"]]


def test_it_is_a_dialect_that_remembers() -> None:
    assert isinstance(IN, Remembers)
    dialect: Inbound = IN
    assert dialect.name == "openai-responses"


async def test_a_conversation_goes_on_where_it_was(node: Node) -> None:
    _, first = await say(node, [Text(text="Hello Bob")], input="I am Bob", instructions="Be kind")
    _, second = await say(node, [Text(text="Bob!")], input="Who am I?", previous_response_id=first)
    chat, _ = await say(node, [Text(text="Yes")], input="Sure?", previous_response_id=second, instructions="Be brief")
    assert sent(chat) == [
        ("system", "Be brief"), ("user", "I am Bob"), ("assistant", "Hello Bob"), ("user", "Who am I?"),
        ("assistant", "Bob!"), ("user", "Sure?"),
    ]  # fmt: skip
    assert not write_chat(chat, Endpoint("m")).dropped


async def test_a_tool_result_finds_its_call(node: Node) -> None:
    call = ToolCall(id="call_1", name="f", arguments="{}")
    _, first = await say(node, [call], input="Go", tools=[{"type": "function", "name": "f", "parameters": {}}])
    output = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    chat, _ = await say(node, [Text(text="42")], input=[output], previous_response_id=first)
    assert [role for role, _ in sent(chat)] == ["user", "assistant", "tool"]


async def test_a_streamed_answer_is_kept_as_the_client_got_it(node: Node) -> None:
    ctx = exchange(node)
    chat = read(input="Hi", stream=True)
    keeping = IN.keeping(chat, ctx, "t1")
    assert keeping is not None
    happenings: list[Happening] = [
        Began("x", "gpt"), Opened(Text(text="")), TextDelta("Hel"), TextDelta("lo"), Closed(), Stopped("stop"), Ended(),
    ]  # fmt: skip
    stream, writer = keeping.stream(), IN.writer(chat, node.clock.time())
    data = b"".join(writer.write(one) for happening in happenings for one in stream.take(happening))
    await keeping.keep()
    last = json.loads(data.split(b"data: ")[-1])["response"]
    kept = await IN.kept(last["id"], ctx, "t1")
    assert kept is not None
    assert json.loads(kept) == last
    again, _ = await say(node, [], input="More", previous_response_id=last["id"])
    assert sent(again) == [("user", "Hi"), ("assistant", "Hello"), ("user", "More")]


async def test_a_stream_that_broke_off_is_not_kept(node: Node) -> None:
    ctx = exchange(node)
    keeping = IN.keeping(read(input="Hi", stream=True), ctx, "t1")
    assert keeping is not None
    keeping.stream().take(Began("x", "gpt"))
    await keeping.keep()
    assert repr(node.stores.blobs) == "<MemoryBlobs 0 kept>"


async def test_what_another_caller_keeps_is_as_unknown_as_nothing(node: Node) -> None:
    _, first = await say(node, [Text(text="Hello")], input="Hi")
    ctx = exchange(node)
    for ident, owner in ((first, "t2"), ("resp_never", "t1")):
        with pytest.raises(ClientFault) as raised:
            await IN.recalled(read(input="a", previous_response_id=ident), ctx, owner)
        fault = raised.value
        assert fault.message == f"Previous response with id '{ident}' not found."
        error = json.loads(IN.error(400, fault.message, fault.kind, fault.record).body)["error"]
        assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        assert await IN.kept(ident, ctx, owner) is None
        assert not await IN.forget(ident, ctx, owner)


async def test_what_is_not_to_be_kept_is_not(node: Node) -> None:
    _, ident = await say(node, [Text(text="Hello")], input="Hi", store=False)
    assert await IN.kept(ident, exchange(node), "t1") is None


async def test_what_is_kept_is_forgotten_when_it_is_told_to_and_after_its_time(node: Node, clock: Clock) -> None:
    ctx = exchange(node)
    _, first = await say(node, [Text(text="Hello")], input="Hi")
    _, second = await say(node, [Text(text="Hello")], input="Hi")
    assert await IN.forget(first, ctx, "t1")
    assert await IN.kept(first, ctx, "t1") is None
    clock.at += KEEP_S
    assert await IN.kept(second, ctx, "t1") is None


async def test_a_response_that_openai_keeps_passes_through_to_it_for_whose_it_is(node: Node) -> None:
    chat = read(input="Hi", previous_response_id="resp_theirs")
    await IN.claim("resp_theirs", exchange(node), "t1", "https://a/K")
    with pytest.raises(ClientFault, match="not found"):
        await IN.recalled(chat, exchange(node), "t2")
    assert await IN.recalled(chat, exchange(node), "t1") is chat
    assert write(chat, Endpoint("m")).body == chat.original()


async def test_what_is_kept_here_goes_to_openai_as_items(node: Node) -> None:
    _, first = await say(node, [Text(text="Hello")], input="Hi")
    chat = await IN.recalled(read(input="More", previous_response_id=first), exchange(node), "t1")
    body = json.loads(write(chat, Endpoint("m")).body)
    assert "previous_response_id" not in body
    assert [item["content"] for item in body["input"] if item["role"] == "user"] == ["Hi", "More"]
    assert json.loads(IN.render(Answer([Choice([])]), chat, 5.0))["previous_response_id"] == first


async def test_what_a_guard_changed_is_kept_as_it_was_sent(node: Node) -> None:
    ctx = exchange(node)
    chat = read(input="My number is 123")
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "My number is …"
    keeping = IN.keeping(chat, ctx, "t1")
    assert keeping is not None
    answer = Answer([Choice([Text(text="OK")])])
    keeping.whole(answer)
    await keeping.keep()
    again = await IN.recalled(read(input="b", previous_response_id=answer.id), ctx, "t1")
    assert sent(again)[0] == ("user", "My number is …")


@pytest.mark.parametrize("field", ["conversation", "prompt"])
def test_what_only_openai_can_look_up_is_refused_elsewhere(field: str) -> None:
    fault = IN.unknown(read(input="a", **{field: {"id": "x"}}))
    assert fault is not None
    assert (fault.status_hint, fault.record["where"]) == (400, field)


async def test_a_node_without_a_store_knows_of_nothing(node: Node) -> None:
    node.stores.blobs = None
    ctx, chat = exchange(node), read(input="a", previous_response_id="resp_1")
    with pytest.raises(ClientFault, match="not found"):
        await IN.recalled(chat, ctx, "t1")
    assert IN.keeping(chat, ctx, "t1") is None
    assert await IN.kept("resp_1", ctx, "t1") is None
    assert not await IN.forget("resp_1", ctx, "t1")
