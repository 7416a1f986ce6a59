"""Requests in Anthropic's dialect: what is refused, what goes on as it came, and what is written anew."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from anthropic_bodies import BODIES, FIELDS, OLDER, PNG, USER, WEATHER, body, round_of

from headgate.api import NotStrict
from headgate.api.ai import (
    MARK,
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
    carry,
)
from headgate.testing.providers.anthropic.rules import check_rules, without_sampling
from headgate.testing.providers.strict import conforms
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut

IN, OUT = AnthropicIn(), AnthropicOut()
NEW = "claude-opus-5-5"
OLD = "claude-sonnet-4-5"


def read(value: Any) -> Chat:
    return IN.read(value if isinstance(value, bytes) else json.dumps(value).encode(), "/v1/messages", {})


def version(written: Written) -> str:
    return dict(written.headers)[b"anthropic-version"].decode()


def accepted(written: Written) -> dict[str, Any]:
    """The body, after Anthropic's own types and rules have been held against it."""
    value = json.loads(written.body)
    kind = MessageCreateParamsStreaming if value.get("stream") else MessageCreateParamsNonStreaming
    conforms(without_sampling(value, version(written)), kind)
    check_rules(value, version(written))
    return dict(value)


def made(*messages: Message, model: str = NEW, options: Any = None, chat: Any = None, **content: Any) -> Written:
    """What is written for a chat that came in no dialect."""
    said = Chat.made("any", Content(list(messages), **content), **(chat or {}))
    return OUT.write(said, Endpoint(model, options or {}))


HI = Message("user", [Text("Hi")])


# --- read ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "where", "says"),
    [
        (b"[]", "", "has to be a JSON object"),
        (b'{"model":"a","Model":"b","messages":[{"role":"user","content":"x"}]}', "Model", "case-sensitive"),
        (b'{"messages":[{"role":"user"}]}', "model", "name of a model"),
        (b'{"model":"a"}', "messages", "at least one"),
        (b'{"model":"a","messages":["hi"]}', "messages[0]", "an object"),
        (b'{"model":"a","messages":[{"role":1}]}', "messages[0].role", "a `role`"),
        (b'{"model":"a","messages":[{"role":"user","Content":"x"}]}', "messages[0].Content", "case-sensitive"),
        (body(stream="yes"), "stream", "true or false"),
        (body(max_tokens=-1), "max_tokens", "whole number"),
        (body(temperature="hot"), "temperature", "a number"),
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
        (body(messages=[{"role": "tool", "content": "x"}]), "messages[0].role"),
        (body(5), "messages[0].content"),
        (body(["x"]), "messages[0].content[0]"),
        (body([{"type": "text"}]), "messages[0].content[0].text"),
        (body([{"type": "text", "text": "x", "citations": 1}]), "messages[0].content[0].citations"),
        (body([{"type": "image", "source": "x"}]), "messages[0].content[0].source"),
        (body([{"type": "tool_use", "id": "a", "name": "b", "input": []}]), "messages[0].content[0].input"),
        (body([{"type": "tool_result", "content": "x"}]), "messages[0].content[0].tool_use_id"),
        (body([{"type": "redacted_thinking"}]), "messages[0].content[0].data"),
        (body(system=5), "system"),
        (body(tools=[5]), "tools[0]"),
        (body(tools=[{}]), "tools[0].name"),
        (body(tool_choice="auto"), "tool_choice"),
        (body(stop_sequences="END"), "stop_sequences"),
        (body(output_config={"format": {"type": "text"}}), "output_config.format"),
    ],
)
def test_what_a_policy_cannot_look_into_is_refused_when_it_looks(value: Any, where: str) -> None:
    from headgate.api import ClientFault

    with pytest.raises(ClientFault) as caught:
        read(value).content()
    assert caught.value.record == {"where": where}


def test_a_chat_is_read_into_what_all_dialects_share() -> None:
    value = body(
        system="Be brief.", tools=[WEATHER], tool_choice={"type": "any", "disable_parallel_tool_use": True},
        metadata={"user_id": "u"}, stop_sequences=["END"], top_k=3, thinking={"type": "enabled", "budget_tokens": 2048},
        service_tier="standard_only", output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
    )  # fmt: skip
    content = read(value).content()
    assert [message.role for message in content.messages] == ["system", "user"]
    assert content.tools == [Tool("weather", "The weather", WEATHER["input_schema"])]
    assert (content.tool_choice, content.parallel_tools) == (ToolChoice("required"), False)
    assert (content.user, content.stop, content.top_k, content.service_tier) == ("u", ["END"], 3, "default")
    assert content.thinking is not None
    assert content.thinking.budget_tokens == 2048
    assert content.format == Format("schema", schema={"type": "object"})


# --- the same dialect ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [*BODIES, *OLDER], ids=str)
@pytest.mark.parametrize("looked", [False, True])
def test_what_nobody_changed_goes_on_as_it_came(value: Any, looked: bool) -> None:
    data = json.dumps(value, indent=1).encode()
    chat = read(data)
    if looked:
        chat.content()
    written = OUT.write(chat, Endpoint(value["model"]))
    assert written.body == data
    assert not written.dropped


@pytest.mark.parametrize("value", BODIES, ids=str)
def test_the_bodies_of_these_tests_are_what_anthropic_takes(value: Any) -> None:
    conforms(value, MessageCreateParamsStreaming if value.get("stream") else MessageCreateParamsNonStreaming)


@pytest.mark.parametrize("value", [*BODIES, *OLDER], ids=str)
def test_one_changed_text_is_all_that_differs(value: Any) -> None:
    value = {**value, "messages": [{"role": "user", "content": "secret"}, *value["messages"]]}
    chat = read(value)
    first = next(part for message in chat.messages for part in message.parts if getattr(part, "text", "") == "secret")
    assert isinstance(first, Text)
    first.text = "redacted"
    told = json.loads(OUT.write(chat, Endpoint(value["model"])).body)
    assert told == {**value, "messages": [{"role": "user", "content": "redacted"}, *value["messages"][1:]]}


@pytest.mark.parametrize("content", [each for each in USER if isinstance(each, list)], ids=str)
def test_beside_a_changed_block_the_others_stay(content: Any) -> None:
    chat = read(body([{"type": "text", "text": "secret", "cache_control": {"type": "ephemeral"}}, *content]))
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "redacted"
    told = json.loads(OUT.write(chat, Endpoint("m")).body)["messages"][0]["content"]
    assert told == [{"type": "text", "text": "redacted", "cache_control": {"type": "ephemeral"}}, *content]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_a_changed_parameter_is_all_that_differs(fields: Any) -> None:
    chat = read(body(**fields))
    chat.content().stop = ["STOP"]
    chat.max_tokens = 5
    told = json.loads(OUT.write(chat, Endpoint("claude-sonnet-4-6")).body)
    assert told == body(**{**fields, "stop_sequences": ["STOP"], "max_tokens": 5})


def test_a_changed_system_prompt_and_a_new_one() -> None:
    chat = read(body(system="Be brief."))
    chat.messages.insert(0, Message("system", [Text("Be kind.")]))
    told = json.loads(OUT.write(chat, Endpoint("m")).body)
    assert told["system"] == [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}]
    chat = read(body())
    chat.messages.insert(0, Message("system", [Text("Be kind.")]))
    assert json.loads(OUT.write(chat, Endpoint("m")).body)["system"] == "Be kind."


@pytest.mark.parametrize(
    ("thinking", "fields"),
    [
        (Thinking("none"), {"thinking": {"type": "disabled"}}),
        (Thinking("low"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (Thinking(budget_tokens=2048), {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ],
)
def test_a_line_may_say_how_much_to_think(thinking: Thinking, fields: Any) -> None:
    chat = read(body(thinking={"type": "adaptive"}, output_config={"effort": "max"}))
    came = chat.content().thinking
    assert came is not None
    came.effort, came.budget_tokens = thinking.effort, thinking.budget_tokens
    told = json.loads(OUT.write(chat, Endpoint("claude-sonnet-4-6")).body)
    assert told == body(**fields)


def test_the_model_and_a_missing_bound_are_always_said() -> None:
    value = {name: field for name, field in body().items() if name != "max_tokens"}
    told = json.loads(OUT.write(read(value), Endpoint("claude-x", {"max_output_tokens": 64000})).body)
    assert told == {**body(), "model": "claude-x", "max_tokens": 64000}


def test_sampling_is_left_out_where_a_line_sends_it_to_a_model_that_refuses_it() -> None:
    chat = read(OLDER[0])
    written = OUT.write(chat, Endpoint(NEW))
    assert json.loads(written.body) == {**body(), "model": NEW}
    assert written.dropped == ["temperature", "top_p", "top_k"]


# --- another dialect -------------------------------------------------------------------------------------------------


def test_a_whole_tool_round_is_written_as_anthropic_wants_it() -> None:
    written = made(
        Message("system", [Text("Be brief.")]),
        HI,
        Message("assistant", [Text(""), ToolCall("call.1", "a", '{"x":1}'), ToolCall("call:1", "b", "")]),
        Message("tool", [ToolResult("call.1", [Text("one")])]),
        Message("tool", [ToolResult("call:1", [Image(Media(data=PNG))], failed=True)]),
        Message("user", [Text("And?")]),
        Message("developer", [Text("Be kind.")]),
        tools=[Tool("a", None, {"properties": {}}, strict=True), Tool("b")],
        tool_choice=ToolChoice("auto"), parallel_tools=False,
    )  # fmt: skip
    told = accepted(written)
    assert [block["text"] for block in told["system"]] == ["Be brief.", "Be kind."]
    assert [turn["role"] for turn in told["messages"]] == ["user", "assistant", "user"]
    one, two = told["messages"][1]["content"]
    assert one["id"] != two["id"]
    assert (one["input"], two["input"]) == ({"x": 1}, {})
    results = told["messages"][2]["content"]
    assert [block.get("tool_use_id") for block in results] == [one["id"], two["id"], None]
    assert results[1]["content"][0]["source"]["media_type"] == "image/png"
    assert results[1]["is_error"] is True
    assert told["tools"][0] == {"name": "a", "input_schema": {"type": "object", "properties": {}}, "strict": True}
    assert told["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert not written.dropped


def test_arguments_that_are_no_object_are_wrapped_and_unwrapped() -> None:
    call = ToolCall("a", "a", '{"x":')
    told = accepted(made(HI, Message("assistant", [call]), Message("tool", [ToolResult("a", [Text("bad")])])))
    assert told["messages"][1]["content"][0]["input"] == {"INVALID_JSON": '{"x":'}
    again = read(told).messages[1].parts[0]
    assert isinstance(again, ToolCall)
    assert again.arguments == call.arguments


def test_a_file_is_a_document() -> None:
    written = made(
        Message("user", [
            File(Media(mime="application/pdf", data="JVBERi0x", name="a.pdf"), cited=True),
            File(Media(mime="text/plain", data="V29yZHM="), title="T", context="C"),
            File(Media(url="http://x/a.pdf")),
            Image(Media(url="http://x/a.png"), detail="low"),
        ])
    )  # fmt: skip
    first, second, third, fourth = accepted(written)["messages"][0]["content"]
    assert (first["title"], first["citations"]) == ("a.pdf", {"enabled": True})
    assert second["source"] == {"type": "text", "media_type": "text/plain", "data": "Words"}
    assert third["source"] == {"type": "url", "url": "http://x/a.pdf"}
    assert fourth["source"] == {"type": "url", "url": "http://x/a.png"}


@pytest.mark.parametrize(
    "part",
    [
        Audio(Media(data="AA==")),
        Image(Media(file="file-1")),
        Image(Media(mime="image/tiff", data="AA==")),
        File(Media(mime="application/zip", data="AA==")),
        File(Media(mime="text/plain", data="/w==")),
        File(Media(file="file-1")),
        Opaque("gemini", {"type": "executableCode"}),
    ],
    ids=str,
)
def test_what_claude_cannot_read_is_said(part: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        made(Message("user", [Text("See"), part]))
    assert caught.value.where == "messages[0].content[1]"


def test_a_tool_that_another_provider_runs_is_said() -> None:
    with pytest.raises(Unsupported, match="openai-responses alone"):
        made(HI, tools=[ServerTool("openai-responses", {"type": "web_search"})])


def test_what_no_parameter_can_say_is_left_out_and_named() -> None:
    written = made(
        HI, seed=1, n=2, logprobs=True, top_logprobs=2, presence_penalty=0.1, frequency_penalty=0.2, store=True,
        modalities=["text", "audio"], audio={"voice": "a"}, metadata={"a": "b"}, service_tier="flex", extra={"x": 1},
        format=Format("json"), user="u",
    )  # fmt: skip
    assert accepted(written)["metadata"] == {"user_id": "u"}
    assert sorted(written.dropped) == sorted([
        "seed", "n", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "store", "modalities", "audio",
        "metadata", "service_tier", "x", "response_format",
    ])  # fmt: skip


def test_a_schema_is_an_output_format() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    told = accepted(made(HI, format=Format("schema", "city", schema, strict=True)))
    assert told["output_config"] == {"format": {"type": "json_schema", "schema": schema}}


@pytest.mark.parametrize(
    ("model", "chat", "kept", "dropped"),
    [
        (OLD, {"temperature": 0.5}, {"temperature": 0.5}, []),
        (OLD, {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, ["top_p"]),
        (OLD, {"temperature": 1.5, "top_p": 0.9}, {"top_p": 0.9}, ["temperature"]),
        (NEW, {"temperature": 0.5, "top_p": 0.9}, {}, ["temperature", "top_p"]),
        ("kimi-k2", {"temperature": 0.5}, {"temperature": 0.5}, []),
    ],
)
def test_sampling_is_said_where_the_model_takes_it(model: str, chat: Any, kept: Any, dropped: list[str]) -> None:
    written = made(HI, model=model, chat=chat)
    told = accepted(written)
    assert {name: told[name] for name in ("temperature", "top_p") if name in told} == kept
    assert written.dropped == dropped
    assert version(written) == ("2023-06-01" if kept else "2026-10-21")


@pytest.mark.parametrize(
    ("model", "thinking", "fields"),
    [
        (NEW, Thinking("high", shown=True), {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}}),
        (NEW, Thinking("minimal"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (NEW, Thinking(budget_tokens=8000), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
        (NEW, Thinking("none"), {"thinking": {"type": "disabled"}}),
        ("claude-opus-4-6", Thinking(budget_tokens=8000), {"thinking": {"type": "enabled", "budget_tokens": 8000}}),
        ("claude-opus-4-6", Thinking("low"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (OLD, Thinking("low"), {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (OLD, Thinking("high"), {"thinking": {"type": "enabled", "budget_tokens": 5000}}),
    ],
)  # fmt: skip
def test_how_much_to_think_is_said_as_the_model_takes_it(model: str, thinking: Thinking, fields: Any) -> None:
    told = accepted(made(HI, model=model, thinking=thinking, chat={"max_tokens": 10000}))
    assert {name: told[name] for name in ("thinking", "output_config") if name in told} == fields


def test_thinking_to_a_budget_is_left_out_where_anthropic_would_refuse_it() -> None:
    thinking = Thinking(budget_tokens=2048)
    assert made(HI, model=OLD, thinking=thinking, chat={"max_tokens": 2000}).dropped == ["thinking"]
    forced = made(HI, model=OLD, thinking=thinking, tools=[Tool("a")], tool_choice=ToolChoice("required"))
    assert forced.dropped == ["thinking"]
    called = [HI, Message("assistant", [ToolCall("a", "a", "{}")]), Message("tool", [ToolResult("a", [Text("1")])])]
    written = made(*called, model=OLD, thinking=thinking, tools=[Tool("a")])
    assert written.dropped == ["thinking"]
    accepted(written)


def test_a_model_that_always_thinks_is_not_told_otherwise() -> None:
    written = made(HI, model="claude-mythos-5", thinking=Thinking("none"))
    assert "thinking" not in accepted(written)
    assert written.dropped == ["thinking"]
    told = accepted(made(HI, model="claude-mythos-6", thinking=Thinking("none"), options={"thinking_off": True}))
    assert told["thinking"] == {"type": "disabled"}


def test_only_anthropics_own_thoughts_go_back_to_it() -> None:
    thoughts: list[Any] = [
        Reasoning("Hm.", signature="c2ln", maker="anthropic"),
        Reasoning(sealed="ZGF0YQ==", maker="anthropic"),
        Reasoning("Other", signature="x", maker="gemini"),
        Reasoning("Unknown", signature="x"),
        Refused("No."),
    ]
    written = made(HI, Message("assistant", thoughts), HI)
    kinds = [block["type"] for block in accepted(written)["messages"][1]["content"]]
    assert kinds == ["thinking", "redacted_thinking", "text"]
    assert written.dropped == ["reasoning", "reasoning"]


def test_another_providers_proof_travels_through_a_client_and_never_reaches_anthropic() -> None:
    made_by = Reasoning("Hm.", signature="x", id="rs_1", maker="gemini")
    block = {"type": "thinking", "thinking": "Hm.", "signature": carry(made_by, "x")}
    assert block["signature"].startswith(MARK)
    chat = read(round_of({"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"}, [block]))
    assert chat.messages[1].parts[0] == made_by
    written = OUT.write(chat, Endpoint("claude-sonnet-4-6"))
    told = accepted(written)
    assert [each["type"] for each in told["messages"][1]["content"]] == ["tool_use"]
    assert told == round_of({"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"})
    assert written.dropped == ["reasoning"]


# --- the rest of a request -------------------------------------------------------------------------------------------


def test_the_lines_that_anthropic_wants_are_said() -> None:
    written = made(HI, options={"betas": ["a", "b"], "version": "2026-10-21", "path": "/x"}, chat={"temperature": 0.1})
    assert written.path == b"/x/messages"
    assert dict(written.headers)[b"anthropic-beta"] == b"a,b"
    assert version(written) == "2026-10-21"
    assert written.dropped == ["temperature"]
    assert not written.hides_counts


def test_a_count_is_asked_for_with_what_it_takes() -> None:
    from anthropic.types import MessageCountTokensParams

    assert IN.counts("/v1/messages/count_tokens")
    assert IN.answers("/v1/messages")
    assert not IN.answers("/v1/messages/count_tokens")
    value = {name: field for name, field in body(tools=[WEATHER], metadata={}).items() if name != "max_tokens"}
    written = OUT.write_count(read(value), Endpoint("m"))
    assert written.path == b"/messages/count_tokens"
    told = json.loads(written.body)
    conforms(told, MessageCountTokensParams)
    assert told == {"model": "m", "messages": value["messages"], "tools": [WEATHER]}
    assert OUT.counted_tokens(IN.render_count(7)) == 7
