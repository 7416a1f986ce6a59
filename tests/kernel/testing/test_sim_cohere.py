"""Cohere's own client talks to its simulator, and to its troubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cohere
import httpx
import pytest
import trio
from cohere.core.api_error import ApiError

from headgate.testing.providers import Call, Citation, Cohere, Fails, Json, Manners, Says, Text, Thought, Tokens

HI = [{"role": "user", "content": "Hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))


async def called(sim: Cohere, act: Callable[[cohere.ClientV2], Any]) -> Any:
    def work() -> Any:
        with httpx.Client(timeout=10) as http:
            return act(cohere.ClientV2("key-c", base_url=sim.base_url, httpx_client=http, max_retries=0))

    return await trio.to_thread.run_sync(work)


async def chat(sim: Cohere, **more: Any) -> Any:
    return await called(sim, lambda client: client.chat(**{"model": "command", "messages": HI, **more}))


async def events(sim: Cohere, **more: Any) -> list[Any]:
    return await called(sim, lambda client: list(client.chat_stream(**{"model": "command", "messages": HI, **more})))


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Cohere:
    return await Cohere(key="key-c").start(nursery)


def words(got: list[Any]) -> str:
    return "".join(event.delta.message.content.text for event in got if event.type == "content-delta")


async def test_an_answer_comes_whole_and_as_a_stream(sim: Cohere) -> None:
    sim.says(Says("Hello, all of you", tokens=Tokens(11, 7, cached=4)))
    got = await chat(sim)
    assert (got.message.content[0].text, got.finish_reason) == ("Hello, all of you", "COMPLETE")
    assert (got.usage.tokens.input_tokens, got.usage.tokens.output_tokens, got.usage.cached_tokens) == (11, 7, 4)
    got = await events(sim)
    assert words(got) == "Hello, all of you"
    assert [event.type for event in got][:2] == ["message-start", "content-start"]
    assert got[-1].delta.usage.tokens.output_tokens == 7
    assert sim.billed == Tokens(22, 14, cached=8)


async def test_parallel_calls_come_with_their_plan(sim: Cohere) -> None:
    sim.says(Says(("Let me see.", *TWO)))
    got = await chat(sim, tools=[WEATHER])
    assert got.message.tool_plan == "Let me see."
    assert [call.function.arguments for call in got.message.tool_calls] == ['{"city": "Oslo"}', '{"city": "Rome"}']
    got = await events(sim, tools=[WEATHER])
    deltas = [event for event in got if event.type == "tool-call-delta"]
    for at, arguments in enumerate(['{"city": "Oslo"}', '{"city": "Rome"}']):
        pieces = [each.delta.message.tool_calls.function.arguments for each in deltas if each.index == at]
        assert (len(pieces), "".join(pieces)) == (3, arguments)
    assert got[-1].delta.finish_reason == "TOOL_CALL"


async def test_a_whole_tool_round(sim: Cohere) -> None:
    sim.says(Says(TWO), Says("Cold and warm"))
    first = (await chat(sim, tools=[WEATHER])).message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in first.tool_calls]
    turns = [*HI, {"role": "assistant", "tool_calls": first.tool_calls}, *results]
    assert (await chat(sim, messages=turns, tools=[WEATHER])).message.content[0].text == "Cold and warm"


async def test_thinking_citations_logprobs_and_json(sim: Cohere) -> None:
    sim.says(Says((Thought("Hm."), Text("Yes", (Citation("Yes", "A book", document=3, end=3),)))), Says(Json({"a": 1})))
    got = await chat(sim, logprobs=True)
    assert [item.type for item in got.message.content] == ["thinking", "text"]
    assert got.message.citations[0].sources[0].id == "doc:3"
    assert got.logprobs[0].text == "Yes"
    got = await chat(sim, response_format={"type": "json_object"})
    assert got.message.content[0].text == '{"a": 1}'


async def test_documents_are_ranked_and_paid_by_the_search(sim: Cohere) -> None:
    documents = ["about cats", "about black dogs", "dogs"]
    got = await called(
        sim, lambda client: client.rerank(model="rerank", query="black dogs", documents=documents, top_n=2)
    )
    assert [(each.index, each.relevance_score) for each in got.results] == [(1, 1.0), (2, 0.5)]
    assert sim.billed == Tokens(units=1)


async def test_texts_are_embedded_in_each_type(sim: Cohere) -> None:
    sim.says(Says(tokens=Tokens(5, 9)))
    kinds = ["float", "int8", "binary", "base64"]
    got = await called(sim, lambda client: client.embed(
        model="embed", input_type="search_query", texts=["a", "b"], embedding_types=kinds, output_dimension=16))  # fmt: skip
    assert [len(each) for each in got.embeddings.float_] == [16, 16]
    assert [len(each) for each in got.embeddings.binary] == [2, 2]
    assert sim.billed == Tokens(5)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("limited", cohere.TooManyRequestsError),
        ("credit", ApiError),
        ("key", cohere.UnauthorizedError),
        ("forbidden", cohere.ForbiddenError),
        ("model", cohere.NotFoundError),
        ("too_long", cohere.BadRequestError),
        ("server", cohere.InternalServerError),
        ("overloaded", cohere.ServiceUnavailableError),
    ],
)
async def test_each_kind_of_failure_is_the_error_that_the_client_has_for_it(
    sim: Cohere, kind: Any, error: type[ApiError]
) -> None:
    sim.says(Fails(kind))
    with pytest.raises(error) as caught:
        await chat(sim)
    assert type(caught.value) is error
    assert ("key-c" in str(caught.value.body)) is (kind == "key")


CALLS = {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "w"}}]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"top_p": 1}, "unknown field: parameter 'top_p'"),
        ({"messages": [{"role": "user", "content": "x", "name": "y"}]}, "messages[0].name"),
        ({"messages": []}, "must not be empty"),
        ({"messages": [{"content": "x"}]}, "role"),
        ({"messages": [{"role": "human", "content": "x"}]}, "role"),
        ({"messages": [*HI, {"role": "assistant", "content": "x"}]}, "last message"),
        ({"messages": [*HI, CALLS, *HI]}, "missing tool results"),
        ({"messages": [*HI, {"role": "tool", "tool_call_id": "a", "content": "x"}]}, "not found in previous"),
        ({"tool_choice": "REQUIRED"}, "if 'tools' are specified"),
        ({"tool_choice": "any", "tools": [WEATHER]}, "tool_choice"),
        ({"response_format": {"type": "json_object"}, "tools": [WEATHER]}, "not supported with tools"),
        ({"p": 1}, "p must be between"),
        ({"stop_sequences": ["a"] * 6}, "at most 5"),
    ],
)
async def test_what_cohere_would_refuse_is_refused(sim: Cohere, body: dict[str, Any], sentence: str) -> None:
    whole = {"model": "command", "messages": HI, **body}
    url, headers = sim.url + "/v2/chat", {"authorization": "Bearer key-c"}
    got = await trio.to_thread.run_sync(lambda: httpx.post(url, json=whole, headers=headers))
    assert got.status_code == 400
    assert sentence in got.json()["message"]


@pytest.mark.parametrize("manners", [Manners(crlf=True), Manners(comments=True), Manners(cut_bytes=1)])
async def test_a_stream_with_odd_manners_says_the_same(sim: Cohere, manners: Manners) -> None:
    sim.says(Says("Hällo, all", manners=manners))
    assert words(await events(sim)) == "Hällo, all"


@pytest.mark.parametrize("how", ["reset", "close", "error"])
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: Cohere, how: Any) -> None:
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=4, how=how)))
    if how == "error":
        assert (await events(sim))[-1].delta.finish_reason == "ERROR"
    else:
        with pytest.raises(httpx.HTTPError):
            await events(sim)
    assert sim.billed == Tokens(10, 4)
