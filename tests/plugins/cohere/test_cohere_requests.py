"""Requests in Cohere's dialect: what is refused, what goes on as it came, and what is written anew."""

from __future__ import annotations

import json
from typing import Any

import cohere
import httpx
import pytest

from headgate.api import ClientFault, NotStrict
from headgate.api.ai import (
    Audio,
    Chat,
    Content,
    Endpoint,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
    Written,
)
from headgate_cohere.inbound import CohereIn
from headgate_cohere.outbound import CohereOut

IN, OUT = CohereIn(), CohereOut()
HI = Message("user", [Text("Hi")])
PLAINLY = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "It", "parameters": SCHEMA}}
CALL = {"id": "weather_1", "type": "function", "function": {"name": "weather", "arguments": '{ "city": "Oslo" }'}}
CITED = {
    "start": 0, "end": 2, "text": "So", "content_index": 1, "type": "TEXT_CONTENT",
    "sources": [{"type": "document", "id": "doc:0", "document": {"title": "A book", "text": "It is"}}],
}  # fmt: skip


def body(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "command-a-03-2025", "messages": [*messages] or [PLAINLY], **fields}


BODIES = [
    body(),
    body({"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}]}),
    body({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}]}),
    body({"role": "system", "content": "Be brief."}, {"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, PLAINLY),
    body(
        PLAINLY,
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "weather_1", "content": [{"type": "document", "document": {"data": {"rain": "yes"}, "id": "1"}}]},
        {"role": "tool", "tool_call_id": "weather_2", "content": "rain"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "So it is."}], "citations": [CITED, {**CITED, "type": "PLAN"}]},
        PLAINLY,
    ),
    body(PLAINLY, {"role": "assistant", "content": "Hello", "citations": []}, PLAINLY),
    body(tools=[WEATHER], strict_tools=True, tool_choice="REQUIRED"),
    body(tools=[WEATHER], strict_tools=False, tool_choice="NONE"),
    body(documents=["Words", {"data": {"title": "T", "snippet": "S", "n": 1}, "id": "d"}], citation_options={"mode": "FAST"}),
    body(response_format={"type": "json_object"}),
    body(response_format={"type": "json_object", "json_schema": SCHEMA}),
    body(response_format={"type": "text"}),
    body(thinking={"type": "enabled", "token_budget": 100}),
    body(thinking={"type": "disabled"}),
    body(max_tokens=5, temperature=0.3, p=0.9, k=3, seed=1, frequency_penalty=0.1, presence_penalty=0.2, logprobs=True),
    body(stop_sequences=["END"], safety_mode="STRICT", priority=2, stream=True),
]  # fmt: skip


def read(value: Any) -> Chat:
    return IN.read(value if isinstance(value, bytes) else json.dumps(value).encode(), "/v2/chat", {})


def made(*messages: Message, options: Any = None, chat: Any = None, **content: Any) -> Written:
    said = Chat.made("any", Content(list(messages), **content), **(chat or {}))
    return OUT.write(said, Endpoint("command-a", options or {}))


def accepted(written: Written) -> dict[str, Any]:
    """The body, which is what Cohere's own client sends for the same arguments."""
    value: dict[str, Any] = json.loads(written.body)
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return httpx.Response(400, json={"message": "enough"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = cohere.ClientV2(api_key="k", httpx_client=http)
        with pytest.raises(cohere.core.ApiError):
            client.chat(**{name: field for name, field in value.items() if name != "stream"})
    assert {**json.loads(sent[0]), "stream": False} == {**value, "stream": False}
    return value


@pytest.mark.parametrize(
    ("value", "where", "says"),
    [
        (b"[]", "", "has to be a JSON object"),
        (b'{"model":"a","Messages":[]}', "Messages", "case-sensitive"),
        (b'{"messages":[{"role":"user"}]}', "model", "name of a model"),
        (b'{"model":"a"}', "messages", "at least one"),
        (b'{"model":"a","messages":[5]}', "messages[0]", "an object"),
        (b'{"model":"a","messages":[{}]}', "messages[0].role", "a `role`"),
        (b'{"model":"a","messages":[{"role":"user","Content":"x"}]}', "messages[0].Content", "case-sensitive"),
        (body(stream=1), "stream", "true or false"),
        (body(max_tokens=0), "max_tokens", "above 0"),
        (body(p="x"), "p", "a number"),
        (body(tools={}), "tools", "a list"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(value: Any, where: str, says: str) -> None:
    with pytest.raises(NotStrict, match=says) as caught:
        read(value)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (body({"role": "developer", "content": "x"}), "messages[0].role"),
        (body({"role": "user", "content": 5}), "messages[0].content"),
        (body({"role": "user", "content": [5]}), "messages[0].content[0]"),
        (body({"role": "user", "content": [{"type": "text"}]}), "messages[0].content[0].text"),
        (
            body({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}),
            "messages[0].content[0].image_url",
        ),
        (body({"role": "tool", "content": "x"}), "messages[0].tool_call_id"),
        (body({"role": "assistant", "tool_calls": [{}]}), "messages[0].tool_calls[0]"),
        (body(tools=[5]), "tools[0]"),
        (body(tools=[{"function": {}}]), "tools[0].function.name"),
        (body(tool_choice="auto"), "tool_choice"),
        (body(response_format={"type": "x"}), "response_format"),
        (body(stop_sequences=[5]), "stop_sequences"),
        (body(documents="x"), "documents"),
    ],
)
def test_what_a_policy_cannot_look_into_is_refused_when_it_looks(value: Any, where: str) -> None:
    with pytest.raises(ClientFault) as caught:
        read(value).content()
    assert caught.value.record == {"where": where}


# --- the same dialect ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", BODIES, ids=str)
@pytest.mark.parametrize("looked", [False, True])
def test_what_nobody_changed_goes_on_as_it_came(value: Any, looked: bool) -> None:
    data = json.dumps(value, indent=1).encode()
    chat = read(data)
    if looked:
        chat.content()
    assert OUT.write(chat, Endpoint(value["model"])).body == data


@pytest.mark.parametrize("value", BODIES, ids=str)
def test_one_changed_text_is_all_that_differs(value: Any) -> None:
    chat = read({**value, "messages": [{"role": "user", "content": "secret"}, *value["messages"]]})
    next(part for part in chat.messages[0].parts if isinstance(part, Text)).text = "redacted"
    told = json.loads(OUT.write(chat, Endpoint(value["model"])).body)
    assert told == {**value, "messages": [{"role": "user", "content": "redacted"}, *value["messages"]]}


@pytest.mark.parametrize("value", BODIES, ids=str)
def test_every_message_is_written_as_it_was_read(value: Any) -> None:
    chat = read(value)
    for message in chat.messages:
        message.name = "x"
    told = json.loads(OUT.write(chat, Endpoint(value["model"])).body)
    assert told["messages"] == value["messages"]


@pytest.mark.parametrize("value", BODIES, ids=str)
def test_a_changed_parameter_is_all_that_differs(value: Any) -> None:
    chat = read(value)
    chat.content().stop = ["STOP"]
    chat.top_p = 0.5
    told = json.loads(OUT.write(chat, Endpoint("other")).body)
    assert told == {**value, "model": "other", "stop_sequences": ["STOP"], "p": 0.5}


def test_what_all_dialects_share_is_read() -> None:
    content = read(BODIES[4]).content()
    plan, call = content.messages[1].parts
    assert plan == Reasoning("I will look.", maker="cohere", extra={"tool_plan": True})
    assert isinstance(call, ToolCall)
    assert call.arguments == '{ "city": "Oslo" }'
    said = content.messages[4].parts[1]
    assert isinstance(said, Text)
    assert [(each.title, each.start, each.end) for each in said.citations] == [("A book", 0, 2)]
    documents = read(BODIES[8]).messages[0].parts
    assert [part.title for part in documents if isinstance(part, File) and part.cited] == [None, "T"]


def test_a_document_that_a_line_changed_is_a_text() -> None:
    chat = read(body(documents=["secret", "Words"]))
    first = chat.messages[0].parts[0]
    assert isinstance(first, File)
    first.media.data = "cmVkYWN0ZWQ="
    told = json.loads(OUT.write(chat, Endpoint("command-a-03-2025")).body)
    assert told == body(documents=[{"data": {"text": "redacted"}}, "Words"])


def test_a_line_may_say_how_much_to_think() -> None:
    chat = read(body(thinking={"type": "enabled"}))
    came = chat.content().thinking
    assert came is not None
    came.effort = "none"
    assert json.loads(OUT.write(chat, Endpoint("m")).body)["thinking"] == {"type": "disabled"}


# --- another dialect -------------------------------------------------------------------------------------------------


def test_a_whole_tool_round_is_written_as_cohere_wants_it() -> None:
    written = made(
        Message("developer", [Text("Be brief.")]),
        HI,
        Message("assistant", [Reasoning("Hm"), Text("So."), ToolCall("a", "f", '{"x":1}')]),
        Message("tool", [ToolResult("a", [Text("one"), Image(Media(url="http://x/a.png")), File(Media(data="V29yZHM="))], failed=True)]),
        tools=[Tool("f", "It", SCHEMA, strict=True), Tool("g", strict=True)],
        tool_choice=ToolChoice("required"), parallel_tools=False, top_k=3, seed=1,
        chat={"max_tokens": 9, "temperature": 0.5, "top_p": 0.9},
    )  # fmt: skip
    told = accepted(written)
    assert [each["role"] for each in told["messages"]] == ["system", "user", "assistant", "tool", "user"]
    assert told["messages"][2]["content"] == [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "So."}]
    assert [each["type"] for each in told["messages"][3]["content"]] == ["text", "document"]
    assert told["messages"][4]["content"][0]["type"] == "image_url"
    assert (told["strict_tools"], told["tool_choice"]) == (True, "REQUIRED")
    assert (told["p"], told["k"], told["seed"], told["max_tokens"]) == (0.9, 3, 1, 9)
    assert written.dropped == ["tool_result.is_error", "parallel_tool_calls"]


def test_what_is_to_be_cited_stands_beside_the_turns_and_other_texts_in_them() -> None:
    cited = File(Media(mime="text/plain", data="V29yZHM="), title="T", cited=True)
    plain = File(Media(mime="text/markdown", data="V29yZHM="))
    told = accepted(made(Message("user", [cited, plain, Text("Hi")])))
    assert told["documents"] == [{"data": {"title": "T", "text": "Words"}, "id": "T"}]
    assert told["messages"][0]["content"] == [{"type": "text", "text": "Words"}, {"type": "text", "text": "Hi"}]


@pytest.mark.parametrize(
    ("choice", "tools", "said", "dropped"),
    [
        (ToolChoice("auto"), ["f"], None, []),
        (ToolChoice("none"), ["f"], "NONE", []),
        (ToolChoice("tool", "f"), ["f"], "REQUIRED", []),
        (ToolChoice("tool", "f"), ["f", "g"], None, ["tool_choice"]),
    ],
)
def test_a_choice_is_said_where_it_can_be(choice: ToolChoice, tools: list[str], said: Any, dropped: list[str]) -> None:
    written = made(HI, tools=[Tool(name) for name in tools], tool_choice=choice)
    assert accepted(written).get("tool_choice") == said
    assert written.dropped == dropped


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Format("json"), {"type": "json_object"}),
        (Format("schema", "n", SCHEMA), {"type": "json_object", "json_schema": SCHEMA}),
        (Format("text"), {"type": "text"}),
    ],
)
def test_a_format_is_said(wanted: Format, said: Any) -> None:
    assert accepted(made(HI, format=wanted))["response_format"] == said


@pytest.mark.parametrize(
    ("thinking", "said", "dropped"),
    [
        (Thinking("none"), {"type": "disabled"}, []),
        (Thinking(budget_tokens=100), {"type": "enabled", "token_budget": 100}, []),
        (Thinking("high"), {"type": "enabled"}, ["reasoning_effort"]),
        (Thinking(shown=True), None, []),
    ],
)
def test_how_much_to_think_is_said(thinking: Thinking, said: Any, dropped: list[str]) -> None:
    written = made(HI, thinking=thinking)
    assert accepted(written).get("thinking") == said
    assert written.dropped == dropped


@pytest.mark.parametrize(
    "part",
    [
        Audio(Media(data="AA==")),
        Image(Media(file="f")),
        File(Media(mime="application/pdf", data="AA==")),
        File(Media(url="http://x")),
        Opaque("gemini", {}),
    ],
    ids=str,
)
def test_what_cohere_cannot_read_is_said(part: Any) -> None:
    with pytest.raises(Unsupported):
        made(Message("user", [part]))


def test_a_tool_that_another_provider_runs_is_said() -> None:
    with pytest.raises(Unsupported, match="anthropic alone"):
        made(HI, tools=[ServerTool("anthropic", {"type": "web_search"})])


def test_what_no_parameter_can_say_is_left_out_and_named() -> None:
    written = made(
        HI, Message("assistant", [Reasoning("Hm", signature="x", maker="anthropic"), Refused("No.")]), HI,
        n=2, top_logprobs=2, presence_penalty=-0.5, frequency_penalty=0.5, store=True, modalities=["audio"], audio={"a": 1},
        metadata={"a": "b"}, service_tier="flex", user="u", extra={"x": 1}, tools=[Tool("f", strict=True), Tool("g")],
    )  # fmt: skip
    assert accepted(written)["frequency_penalty"] == 0.5
    assert sorted(written.dropped) == sorted([
        "reasoning", "presence_penalty", "tools.strict", "top_logprobs", "user", "audio", "metadata", "service_tier", "n",
        "store", "modalities", "x",
    ])  # fmt: skip


def test_the_path_may_be_the_rows() -> None:
    assert made(HI).path == b"/chat"
    assert made(HI, options={"path": "/compat"}).path == b"/compat/chat"
    assert IN.answers("/v2/chat")
    assert not IN.answers("/v1/chat")
