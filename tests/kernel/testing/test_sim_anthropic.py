"""Anthropic's own client talks to its simulator, and to its troubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import pytest
import trio

from headgate.testing.providers import (
    BROKEN_200,
    EMPTY_200,
    HTML_500,
    Anthropic,
    Call,
    Citation,
    Fails,
    Json,
    Manners,
    Pieces,
    Says,
    Text,
    Thought,
    Tokens,
)

HI = [{"role": "user", "content": "Hi"}]
WEATHER = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
TWO = ("Let me see.", Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))


async def called(sim: Anthropic, act: Callable[[anthropic.Anthropic], Any]) -> Any:
    with anthropic.Anthropic(api_key="sk-ant", base_url=sim.base_url, max_retries=0, timeout=10) as client:
        return await trio.to_thread.run_sync(act, client)


async def message(sim: Anthropic, **more: Any) -> Any:
    arguments = {"model": "claude-x", "messages": HI, "max_tokens": 4096, **more}
    return await called(sim, lambda client: client.messages.create(**arguments))


async def events(sim: Anthropic, **more: Any) -> list[Any]:
    return await called(sim, lambda client: list(client.messages.create(
        **{"model": "claude-x", "messages": HI, "max_tokens": 4096, "stream": True, **more})))  # fmt: skip


async def final(sim: Anthropic, **more: Any) -> Any:
    arguments = {"model": "claude-x", "messages": HI, "max_tokens": 4096, **more}

    def listen(client: anthropic.Anthropic) -> Any:
        with client.messages.stream(**arguments) as stream:
            return stream.get_final_message()

    return await called(sim, listen)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Anthropic:
    return await Anthropic(key="sk-ant").start(nursery)


async def test_an_answer_comes_whole_with_its_usage(sim: Anthropic) -> None:
    sim.says(Says("Hello", tokens=Tokens(11, 7, cached=4, cache_write=2)))
    got = await message(sim)
    assert (got.content[0].text, got.stop_reason) == ("Hello", "end_turn")
    counts = got.usage
    assert (counts.input_tokens, counts.cache_read_input_tokens, counts.cache_creation_input_tokens) == (5, 4, 2)
    assert counts.output_tokens == 7
    assert sim.billed == Tokens(11, 7, cached=4, cache_write=2)


@pytest.mark.parametrize("get", [message, final])
async def test_thinking_words_and_parallel_tools_are_the_same_whole_and_streamed(sim: Anthropic, get: Any) -> None:
    sim.says(Says((Thought("Hm, two.", "c2ln"), *TWO), tokens=Tokens(9, 30, reasoning=4)))
    got = await get(sim, tools=[WEATHER])
    assert [block.type for block in got.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert (got.content[0].thinking, got.content[0].signature) == ("Hm, two.", "c2ln")
    assert [block.input for block in got.content[2:]] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert (got.stop_reason, got.usage.output_tokens) == ("tool_use", 30)


async def test_the_events_come_in_their_order_with_pings_between(sim: Anthropic) -> None:
    sim.says(Says("Hello, all of you", pieces=Pieces(ping_every=2)))
    kinds = [event.type for event in await events(sim)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert kinds.count("content_block_delta") == 3


@pytest.mark.parametrize("get", [message, final])
async def test_citations(sim: Anthropic, get: Any) -> None:
    sim.says(Says(Text("So it is.", (Citation("it is", "A book", start=2, end=7), Citation("b", url="http://x")))))
    first, second = (await get(sim)).content[0].citations
    assert (first.type, first.document_title, first.end_char_index) == ("char_location", "A book", 7)
    assert (second.type, second.url) == ("web_search_result_location", "http://x")


async def test_a_whole_tool_round(sim: Anthropic) -> None:
    sim.says(Says((Thought("Hm."), *TWO)), Says("Cold and warm"))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = await message(sim, tools=[WEATHER], thinking=thinking)
    uses = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "fine"} for use in uses]
    turns = [*HI, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    assert (await message(sim, messages=turns, tools=[WEATHER], thinking=thinking)).content[0].text == "Cold and warm"


async def test_structured_output_and_stop_sequences(sim: Anthropic) -> None:
    sim.says(Says(Json({"a": 1}), stop="sequence", stop_sequence="END"))
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    got = await message(sim, output_config={"format": schema}, stop_sequences=["END"])
    assert (got.content[0].text, got.stop_reason, got.stop_sequence) == ('{"a": 1}', "stop_sequence", "END")


async def test_tokens_are_counted_for_nothing(sim: Anthropic) -> None:
    sim.says(Says(tokens=Tokens(42)))
    got = await called(sim, lambda client: client.messages.count_tokens(model="claude-x", messages=HI))  # type: ignore[arg-type]
    assert got.input_tokens == 42
    assert sim.bills == []


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        (Fails("limited", retry_after_s=2), anthropic.RateLimitError),
        (Fails("credit"), anthropic.BadRequestError),
        (Fails("key"), anthropic.AuthenticationError),
        (Fails("forbidden"), anthropic.PermissionDeniedError),
        (Fails("model"), anthropic.NotFoundError),
        (Fails("too_long"), anthropic.BadRequestError),
        (Fails("server"), anthropic.InternalServerError),
        (Fails("overloaded"), anthropic._exceptions.OverloadedError),
    ],
)
async def test_each_kind_of_failure_is_the_error_that_the_client_has_for_it(
    sim: Anthropic, fails: Fails, kind: type[anthropic.APIStatusError]
) -> None:
    sim.says(fails)
    with pytest.raises(kind) as caught:
        await message(sim)
    assert type(caught.value) is kind
    assert ("sk-ant" in str(caught.value)) is (fails.kind == "key")
    assert sim.billed == Tokens()


@pytest.mark.parametrize("raw", [HTML_500, EMPTY_200, BROKEN_200])
async def test_answers_that_nobody_can_read(sim: Anthropic, raw: Any) -> None:
    sim.says(raw)
    with pytest.raises((anthropic.APIError, ValueError, AttributeError, TypeError)):
        (await message(sim)).content[0]


USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "w", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "x"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"extra_body": {"presence_penalty": 1}}, "presence_penalty: Extra inputs are not permitted"),
        ({"extra_body": {"temperature": 1}}, "temperature: Extra inputs are not permitted"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'first message must use the "user" role'),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must be non-empty"),
        ({"messages": [*HI, {"role": "assistant", "content": "x "}]}, "trailing whitespace"),
        ({"messages": [*HI, USE, *HI]}, "ids were found without `tool_result` blocks immediately after: a"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
        (
            {"messages": [*HI, USE, {"role": "user", "content": [{"type": "text", "text": "x"}, RESULT]}]},
            "must come first",
        ),
        ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "should match pattern"),
        ({"tools": [WEATHER, WEATHER]}, "must be unique"),
        ({"tool_choice": {"type": "auto"}}, "while providing tools"),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, "`max_tokens` must be greater"),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "tools": [WEATHER],
                "tool_choice": {"type": "any"},
            },
            "forces tool use",
        ),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "messages": [*HI, USE, {"role": "user", "content": [RESULT]}],
            },
            "Expected `thinking`",
        ),
        (
            {
                "messages": [
                    *HI,
                    {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "not ours"}]},
                ]
            },
            "Invalid `signature`",
        ),
    ],
)
async def test_what_anthropic_would_refuse_is_refused(sim: Anthropic, body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=sentence):
        await message(sim, **body)
    assert sim.billed == Tokens()


async def test_a_request_without_a_limit_or_a_version_is_refused(sim: Anthropic) -> None:
    def post(client: anthropic.Anthropic) -> Any:
        return client.post("/v1/messages", body={"model": "claude-x", "messages": HI}, cast_to=object)

    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Field required"):
        await called(sim, post)
    with pytest.raises(anthropic.BadRequestError, match="anthropic-version"):
        await message(sim, extra_headers={"anthropic-version": ""})


async def test_consecutive_messages_of_one_role_are_one_turn(sim: Anthropic) -> None:
    more = {"type": "text", "text": "And?"}
    turns = [*HI, USE, {"role": "user", "content": [RESULT]}, {"role": "user", "content": [more]}]
    assert (await message(sim, messages=turns)).content


async def test_the_older_version_takes_a_temperature(sim: Anthropic) -> None:
    older = {"anthropic-version": "2023-06-01"}
    assert (await message(sim, extra_body={"temperature": 0.5}, extra_headers=older)).content
    with pytest.raises(anthropic.BadRequestError, match="temperature: range"):
        await message(sim, extra_body={"temperature": 1.5}, extra_headers=older)


@pytest.mark.parametrize(
    "manners", [Manners(crlf=True), Manners(comments=True, empty_frames=True), Manners(cut_bytes=1)]
)
async def test_a_stream_with_odd_manners_says_the_same(sim: Anthropic, manners: Manners) -> None:
    sim.says(Says("Hällo, all", manners=manners))
    assert (await final(sim)).content[0].text == "Hällo, all"


@pytest.mark.parametrize("how", ["reset", "close", "error"])
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: Anthropic, how: Any) -> None:
    # start, block start, ping, two deltas of four
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=5, how=how)))
    with pytest.raises(Exception) as caught:
        await final(sim)
    assert isinstance(caught.value, anthropic.APIStatusError) is (how == "error")
    assert sim.billed == Tokens(10, 4)


async def test_usage_and_the_last_event_can_be_missing(sim: Anthropic) -> None:
    sim.says(Says("Hello", manners=Manners(no_usage=True, unfinished=True)))
    got = await events(sim)
    assert got[-1].type == "message_delta"
    assert got[-1].usage is None
