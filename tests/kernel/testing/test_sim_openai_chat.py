"""OpenAI's own client talks to the simulator of chat completions, and to its troubles."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import openai
import pytest
import trio
from pydantic import BaseModel

from headgate.testing.providers import (
    BROKEN_200,
    EMPTY_200,
    HTML_500,
    Asked,
    Call,
    Fails,
    Json,
    Manners,
    OpenAI,
    Pieces,
    Refusal,
    Says,
    Thought,
    Tokens,
)

HI = [{"role": "user", "content": "Hi"}]
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))


async def called(sim: OpenAI, act: Callable[[openai.OpenAI], Any]) -> Any:
    with openai.OpenAI(api_key="sk-sim", base_url=sim.base_url, max_retries=0, timeout=10) as client:
        return await trio.to_thread.run_sync(act, client)


async def chat(sim: OpenAI, **more: Any) -> Any:
    arguments = {"model": "gpt-x", "messages": HI, **more}
    return await called(sim, lambda client: client.chat.completions.create(**arguments))


async def chunks(sim: OpenAI, **more: Any) -> list[Any]:
    arguments = {"model": "gpt-x", "messages": HI, "stream": True, **more}
    return await called(sim, lambda client: list(client.chat.completions.create(**arguments)))


def words(got: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in got if chunk.choices)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> OpenAI:
    return await OpenAI(key="sk-sim").start(nursery)


async def test_an_answer_comes_whole_with_its_usage(sim: OpenAI) -> None:
    sim.says(Says("Hello", tokens=Tokens(11, 7, cached=4, reasoning=2)))
    got = await chat(sim)
    assert got.choices[0].message.content == "Hello"
    assert got.choices[0].finish_reason == "stop"
    assert (got.usage.prompt_tokens, got.usage.completion_tokens, got.usage.total_tokens) == (11, 7, 18)
    assert got.usage.prompt_tokens_details.cached_tokens == 4
    assert got.usage.completion_tokens_details.reasoning_tokens == 2
    assert sim.billed == Tokens(11, 7, cached=4, reasoning=2)
    assert sim.received[0].body["model"] == "gpt-x"


async def test_a_stream_has_the_words_in_pieces_and_usage_only_for_who_asks(sim: OpenAI) -> None:
    sim.says(Says("Hello, all of you", tokens=Tokens(3, 5)))
    got = await chunks(sim)
    assert words(got) == "Hello, all of you"
    assert len([chunk for chunk in got if chunk.choices and chunk.choices[0].delta.content]) == 3
    assert all(chunk.usage is None for chunk in got)
    got = await chunks(sim, stream_options={"include_usage": True})
    assert got[-1].choices == []
    assert got[-1].usage.completion_tokens == 5


async def test_calls_come_in_fragments_one_after_the_other_or_in_turn(sim: OpenAI) -> None:
    sim.says(Says(TWO), Says(TWO, pieces=Pieces(interleave=True)))
    for in_turn in (False, True):
        got = await chunks(sim, tools=[WEATHER])
        deltas = [each for chunk in got for each in chunk.choices[0].delta.tool_calls or ()]
        arguments = ["".join(each.function.arguments for each in deltas if each.index == at) for at in (0, 1)]
        assert arguments == ['{"city": "Oslo"}', '{"city": "Rome"}']
        assert ([each.index for each in deltas] != sorted(each.index for each in deltas)) is in_turn
        assert got[-1].choices[0].finish_reason == "tool_calls"


async def test_a_whole_tool_round(sim: OpenAI) -> None:
    sim.says(Says(TWO), Says("Cold and warm"))
    first = (await chat(sim, tools=[WEATHER])).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in first.tool_calls]
    asked = [*HI, first.to_dict(), *results]
    for message in asked:
        message.pop("annotations", None)
        message.pop("refusal", None)
    assert (await chat(sim, messages=asked, tools=[WEATHER])).choices[0].message.content == "Cold and warm"


async def test_structured_output_is_parsed_by_the_client(sim: OpenAI) -> None:
    class City(BaseModel):
        name: str

    sim.says(Says(Json({"name": "Oslo"})))
    parse = functools.partial(dict, model="gpt-x", messages=HI, response_format=City)
    got = await called(sim, lambda client: client.chat.completions.parse(**parse()))
    assert got.choices[0].message.parsed == City(name="Oslo")


async def test_refusals_stops_logprobs_and_several_choices(sim: OpenAI) -> None:
    sim.says(Says(Refusal("No."), stop="filter"), Says("Hello there", stop="length"))
    got = await chat(sim)
    assert (got.choices[0].message.refusal, got.choices[0].finish_reason) == ("No.", "content_filter")
    got = await chat(sim, n=2, logprobs=True, top_logprobs=2)
    assert [choice.finish_reason for choice in got.choices] == ["length", "length"]
    assert [entry.token for entry in got.choices[1].logprobs.content] == ["Hello ", "there"]
    assert len(got.choices[0].logprobs.content[0].top_logprobs) == 2


async def test_a_compatible_provider_has_its_own_prefix_and_its_own_field_for_reasoning(nursery: trio.Nursery) -> None:
    sim = await OpenAI(prefix="/api/v3", reasoning_field="reasoning_content", include_usage=False).start(nursery)
    sim.says(Says((Thought("Hm."), "Yes")))
    assert (await chat(sim)).choices[0].message.reasoning_content == "Hm."
    assert [chunk.choices[0].delta.reasoning_content for chunk in (await chunks(sim))[1:2]] == ["Hm."]
    with pytest.raises(openai.BadRequestError, match="stream_options"):
        await chunks(sim, stream_options={"include_usage": True})
    assert sim.received[0].path == "/api/v3/chat/completions"


@pytest.mark.parametrize(
    ("fails", "kind", "code"),
    [
        (Fails("limited", retry_after_s=2), openai.RateLimitError, "rate_limit_exceeded"),
        (Fails("credit"), openai.RateLimitError, "insufficient_quota"),
        (Fails("key"), openai.AuthenticationError, "invalid_api_key"),
        (Fails("forbidden"), openai.PermissionDeniedError, "unsupported_country_region_territory"),
        (Fails("model"), openai.NotFoundError, "model_not_found"),
        (Fails("too_long"), openai.BadRequestError, "context_length_exceeded"),
        (Fails("server"), openai.InternalServerError, None),
        (Fails("overloaded"), openai.InternalServerError, None),
    ],
)
async def test_each_kind_of_failure_is_the_error_that_the_client_has_for_it(
    sim: OpenAI, fails: Fails, kind: type[openai.APIStatusError], code: str | None
) -> None:
    sim.says(fails)
    with pytest.raises(kind) as caught:
        await chat(sim)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert sim.billed == Tokens()
    if fails.retry_after_s:
        assert caught.value.response.headers["retry-after"] == "2"


async def test_a_wrong_key_is_repeated_and_none_is_asked_for(nursery: trio.Nursery) -> None:
    sim = await OpenAI(key="sk-other").start(nursery)
    with pytest.raises(openai.AuthenticationError, match="sk-sim"):
        await chat(sim)


@pytest.mark.parametrize("raw", [HTML_500, EMPTY_200, BROKEN_200])
async def test_answers_that_nobody_can_read(sim: OpenAI, raw: Any) -> None:
    sim.says(raw)
    with pytest.raises((openai.APIError, ValueError, AttributeError)):
        (await chat(sim)).choices[0]


ASSISTANT = {
    "role": "assistant",
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "w", "arguments": ""}}],
}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"extra_body": {"top_k": 4}}, "Unknown parameter: 'top_k'"),
        ({"messages": [{"role": "user", "content": "x", "cache": 1}]}, r"Unknown parameter: 'messages\[0\].cache'"),
        ({"messages": [{"role": "user"}]}, r"Missing required parameter: 'messages\[0\].content'"),
        ({"messages": [{"role": "human", "content": "x"}]}, r"'messages\[0\].role'"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 4}]}]}, r"messages\[0\].content\[0\].text"),
        ({"messages": []}, "empty array"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "a"}]}, "preceeding message"),
        ({"messages": [ASSISTANT, *HI]}, "did not have response messages: a"),
        ({"messages": [ASSISTANT]}, "did not have response messages: a"),
        ({"messages": [{"role": "assistant", "content": None}]}, "expected a string, got null"),
        ({"temperature": 3}, "maximum value is 2"),
        ({"max_tokens": 0}, "minimum value is 1"),
        ({"max_tokens": 2, "max_completion_tokens": 2}, "at the same time"),
        ({"top_logprobs": 2}, "'logprobs' is true"),
        ({"tools": []}, "empty array"),
        ({"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "does not match pattern"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}}}},
            "additionalProperties",
        ),
    ],
)  # fmt: skip
async def test_what_openai_would_refuse_is_refused(sim: OpenAI, body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(openai.BadRequestError, match=sentence):
        await chat(sim, **body)
    assert sim.billed == Tokens()


async def test_a_script_can_answer_from_the_request(sim: OpenAI) -> None:
    def echo(asked: Asked) -> Says:
        return Says(asked.body["messages"][-1]["content"].upper())

    sim.says(echo)
    assert (await chat(sim)).choices[0].message.content == "HI"


@pytest.mark.parametrize(
    "manners",
    [
        Manners(crlf=True),
        Manners(comments=True, empty_frames=True),
        Manners(cut_bytes=1),
        Manners(cut_bytes=7, crlf=True, comments=True, empty_frames=True),
        Manners(pause_s=0.01),
    ],
)
async def test_a_stream_with_odd_manners_says_the_same(sim: OpenAI, manners: Manners) -> None:
    sim.says(Says("Hällo, all", manners=manners, pieces=Pieces(ping_every=2)))
    assert words(await chunks(sim)) == "Hällo, all"


async def until_it_breaks(sim: OpenAI) -> tuple[str, BaseException | None]:
    heard: list[Any] = []

    def listen(client: openai.OpenAI) -> BaseException | None:
        try:
            for chunk in client.chat.completions.create(model="gpt-x", messages=HI, stream=True):  # type: ignore[arg-type]
                heard.append(chunk)
        except Exception as error:
            return error
        return None

    error = await called(sim, listen)
    return words(heard), error


@pytest.mark.parametrize(
    ("how", "kind"),
    [("reset", openai.APIConnectionError), ("close", openai.APIConnectionError), ("error", openai.APIError), ("end", None)],
)  # fmt: skip
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: OpenAI, how: Any, kind: Any) -> None:
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=3, how=how)))
    heard, error = await until_it_breaks(sim)
    assert heard == "123456" * 2
    assert (error is None) if kind is None else isinstance(error, kind)
    assert sim.billed == Tokens(10, 4)


async def test_a_stream_without_its_end_mark_is_whole_for_a_lenient_client(sim: OpenAI) -> None:
    sim.says(Says("Hello", manners=Manners(unfinished=True)))
    assert await until_it_breaks(sim) == ("Hello", None)


async def test_usage_can_be_missing(sim: OpenAI) -> None:
    sim.says(Says("Hello", tokens=Tokens(1, 2), manners=Manners(no_usage=True)))
    assert (await chat(sim)).usage is None
    got = await chunks(sim, stream_options={"include_usage": True})
    assert all(chunk.choices and chunk.usage is None for chunk in got)
    assert sim.billed == Tokens(2, 4)


async def test_a_client_that_goes_is_billed_for_what_was_produced(sim: OpenAI) -> None:
    def leave(client: openai.OpenAI) -> None:
        stream = client.chat.completions.create(model="gpt-x", messages=HI, stream=True)  # type: ignore[arg-type]
        for chunk in stream:
            if chunk.choices[0].delta.content:
                stream.close()
                return

    sim.says(Says("123456" * 50, tokens=Tokens(10, 50), manners=Manners(dies_after=2, how="hang")))
    await called(sim, leave)
    while not sim.bills:
        await trio.sleep(0.01)
    assert sim.billed == Tokens(10, 1)


def test_a_simulator_tells_its_state() -> None:
    assert "0 received" in repr(OpenAI())
