"""Mistral's own client talks to its simulator, and to its troubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from mistralai.client import Mistral as Client
from mistralai.client import errors

from headgate.testing.providers import Call, Citation, Fails, Json, Manners, Mistral, Says, Text, Thought, Tokens

HI = [{"role": "user", "content": "Hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))


async def called(sim: Mistral, act: Callable[[Client], Any]) -> Any:
    def work() -> Any:
        with Client(api_key="key-m", server_url=sim.url, timeout_ms=10_000) as client:
            return act(client)

    return await trio.to_thread.run_sync(work)


async def chat(sim: Mistral, **more: Any) -> Any:
    return await called(sim, lambda client: client.chat.complete(**{"model": "m", "messages": HI, **more}))


async def chunks(sim: Mistral, **more: Any) -> list[Any]:
    def listen(client: Client) -> list[Any]:
        with client.chat.stream(**{"model": "m", "messages": HI, **more}) as stream:
            return [event.data for event in stream]

    return await called(sim, listen)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Mistral:
    return await Mistral(key="key-m").start(nursery)


async def test_an_answer_comes_whole_and_as_a_stream(sim: Mistral) -> None:
    sim.says(Says("Hello, all of you", tokens=Tokens(11, 7, cached=4)))
    got = await chat(sim)
    assert (got.choices[0].message.content, got.choices[0].finish_reason) == ("Hello, all of you", "stop")
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (11, 7)
    assert got.usage.additional_properties["num_cached_tokens"] == 4
    got = await chunks(sim)
    assert "".join(chunk.choices[0].delta.content for chunk in got) == "Hello, all of you"
    assert (got[-1].usage.completion_tokens, got[-1].choices[0].finish_reason) == (7, "stop")
    assert sim.billed == Tokens(22, 14, cached=8)


async def test_parallel_calls_come_whole_even_in_a_stream(sim: Mistral) -> None:
    sim.says(Says(("Let me see.", *TWO)))
    for calls in (
        (await chat(sim, tools=[WEATHER])).choices[0].message.tool_calls,
        (await chunks(sim, tools=[WEATHER]))[-1].choices[0].delta.tool_calls,
    ):
        assert [call.function.arguments for call in calls] == ['{"city": "Oslo"}', '{"city": "Rome"}']
        assert [len(call.id) for call in calls] == [9, 9]


async def test_a_whole_tool_round(sim: Mistral) -> None:
    sim.says(Says(TWO), Says("Cold and warm"))
    first = (await chat(sim, tools=[WEATHER])).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in first.tool_calls]
    got = await chat(sim, messages=[*HI, first, *results], tools=[WEATHER])
    assert got.choices[0].message.content == "Cold and warm"


async def test_thoughts_and_references_are_chunks(sim: Mistral) -> None:
    sim.says(Says((Thought("Hm."), Text("Yes", (Citation("x", document=3),)))))
    content = (await chat(sim)).choices[0].message.content
    assert [chunk.type for chunk in content] == ["thinking", "text", "reference"]
    assert content[2].reference_ids == [3]
    got = await chunks(sim)
    assert got[1].choices[0].delta.content[0].thinking[0].text == "Hm."


async def test_structured_output(sim: Mistral) -> None:
    sim.says(Says(Json({"a": 1})))
    got = await chat(sim, response_format={"type": "json_object"})
    assert got.choices[0].message.content == '{"a": 1}'


async def test_embeddings_cost_their_input(sim: Mistral) -> None:
    sim.says(Says(tokens=Tokens(5, 9)))
    got = await called(sim, lambda client: client.embeddings.create(model="e", inputs=["a", "b"], output_dimension=8))
    assert [len(each.embedding) for each in got.data] == [8, 8]
    assert sim.billed == Tokens(5)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("limited", 429), ("credit", 402), ("key", 401), ("forbidden", 403), ("model", 400), ("too_long", 400),
     ("server", 500), ("overloaded", 503)],
)  # fmt: skip
async def test_each_kind_of_failure_is_an_error_of_the_client(sim: Mistral, kind: Any, status: int) -> None:
    sim.says(Fails(kind))
    with pytest.raises(errors.SDKError) as caught:
        await called(sim, lambda client: client.chat.complete(model="m", messages=HI, retries=None))  # type: ignore[arg-type]
    assert caught.value.status_code == status
    assert ("key-m" in caught.value.body) is (kind == "key")


def assistant(*ids: str) -> dict[str, Any]:
    calls = [{"id": each, "function": {"name": "w", "arguments": "{}"}} for each in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def result(call: str) -> dict[str, Any]:
    return {"role": "tool", "content": "x", "tool_call_id": call}


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([], "at least one message"),
        ([*HI, {"role": "assistant", "content": "x"}], "Expected last role User or Tool"),
        ([*HI, assistant("toolu_0123"), result("toolu_0123")], "with a length of 9"),
        ([*HI, assistant("abcdefgh1", "abcdefgh2"), result("abcdefgh1")], "Not the same number of function calls"),
        ([*HI, assistant("abcdefgh1"), result("abcdefgh1"), *HI], "Unexpected role 'user' after role 'tool'"),
        ([*HI, result("abcdefgh1")], "Unexpected role 'tool' after role 'user'"),
        ([*HI, assistant("abcdefgh1"), result("abcdefgh2")], "Unexpected tool call id"),
        ([*HI, {"role": "assistant", "content": ""}, *HI], "either content or tool_calls"),
    ],
)
async def test_what_mistral_would_refuse_is_refused(sim: Mistral, messages: Any, sentence: str) -> None:
    with pytest.raises(errors.SDKError, match=sentence):
        await chat(sim, messages=messages)


@pytest.mark.parametrize(
    "body", [{"stream_options": {}}, {"messages": [{"role": "user", "content": "x", "name": "y"}]}, {"temperature": 2}]
)
async def test_a_body_that_does_not_fit_is_a_validation_error(sim: Mistral, body: dict[str, Any]) -> None:
    import httpx

    whole = {"model": "m", "messages": HI, **body}
    headers = {"authorization": "Bearer key-m"}
    url = sim.url + "/v1/chat/completions"
    got = await trio.to_thread.run_sync(lambda: httpx.post(url, json=whole, headers=headers))
    assert got.status_code == 422
    assert got.json()["detail"][0]["loc"][0] == "body"


async def test_the_client_has_an_error_of_its_own_for_what_does_not_fit(sim: Mistral) -> None:
    with pytest.raises(errors.HTTPValidationError):
        await chat(sim, temperature=2.0)


@pytest.mark.parametrize("manners", [Manners(crlf=True), Manners(comments=True), Manners(cut_bytes=1)])
async def test_a_stream_with_odd_manners_says_the_same(sim: Mistral, manners: Manners) -> None:
    sim.says(Says("Hällo, all", manners=manners))
    assert "".join(chunk.choices[0].delta.content for chunk in await chunks(sim)) == "Hällo, all"


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: Mistral, how: Any) -> None:
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=3, how=how)))
    with pytest.raises(Exception):  # noqa: B017
        await chunks(sim)
    assert sim.billed == Tokens(10, 4)
