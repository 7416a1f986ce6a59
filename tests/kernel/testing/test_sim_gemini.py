"""Google's own client talks to the simulator of Gemini, and to its troubles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from headgate.testing.providers import (
    Call,
    Citation,
    Fails,
    Gemini,
    Json,
    Manners,
    Raw,
    Says,
    Text,
    Thought,
    Tokens,
)

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather", parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")})
        )
    ]
)
TOOLS = types.GenerateContentConfig(
    tools=[WEATHER], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
)
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))
HI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


async def called(sim: Gemini, act: Callable[[genai.Client], Any]) -> Any:
    options = types.HttpOptions(base_url=sim.base_url, timeout=10_000)
    client = genai.Client(api_key="key-of-google", http_options=options)
    try:
        return await trio.to_thread.run_sync(act, client)
    finally:
        client.close()


async def content(sim: Gemini, contents: Any = "Hi", config: Any = None) -> Any:
    return await called(
        sim, lambda client: client.models.generate_content(model="gemini-x", contents=contents, config=config)
    )


async def streamed(sim: Gemini, config: Any = None) -> list[Any]:
    return await called(
        sim,
        lambda client: list(client.models.generate_content_stream(model="gemini-x", contents="Hi", config=config)),
    )


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Gemini:
    return await Gemini(key="key-of-google").start(nursery)


async def test_an_answer_comes_whole_with_its_usage(sim: Gemini) -> None:
    sim.says(Says("Hello", tokens=Tokens(11, 7, cached=4, reasoning=2)))
    got = await content(sim)
    assert (got.text, got.candidates[0].finish_reason) == ("Hello", "STOP")
    counts = got.usage_metadata
    assert (counts.prompt_token_count, counts.candidates_token_count, counts.thoughts_token_count) == (11, 5, 2)
    assert (counts.cached_content_token_count, counts.total_token_count) == (4, 18)
    assert sim.billed == Tokens(11, 7, cached=4, reasoning=2)


async def test_a_stream_has_the_words_in_pieces_and_counts_in_each(sim: Gemini) -> None:
    sim.says(Says("Hello, all of you", tokens=Tokens(3, 5)))
    got = await streamed(sim)
    assert "".join(each.text or "" for each in got) == "Hello, all of you"
    assert [each.usage_metadata.candidates_token_count for each in got] == [2, 4, 5, 5]
    assert got[-1].candidates[0].finish_reason == "STOP"


async def test_parallel_calls_come_whole_even_in_a_stream(sim: Gemini) -> None:
    sim.says(Says(TWO))
    for got in ([await content(sim, config=TOOLS)], await streamed(sim, TOOLS)):
        calls = [call for each in got for call in each.function_calls or ()]
        assert [call.args for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]


async def test_a_whole_tool_round_with_signatures(nursery: trio.Nursery) -> None:
    sim = await Gemini(signatures=True).start(nursery)
    sim.says(Says((Thought("Hm.", "c2ln"), *TWO)), Says("Cold and warm"))
    first = (await content(sim, config=TOOLS)).candidates[0].content
    assert first.parts[0].thought_signature == b"sig"
    results = [types.Part.from_function_response(name="weather", response={"is": "fine"})] * 2
    asked = types.Content(role="user", parts=[types.Part(text="Hi")])
    turns = [asked, first, types.Content(role="user", parts=results)]
    assert (await content(sim, turns, TOOLS)).text == "Cold and warm"
    first.parts[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        await content(sim, turns, TOOLS)


async def test_thoughts_are_shown_to_who_asks(sim: Gemini) -> None:
    sim.says(Says((Thought("Hm."), "Yes")))
    shows = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    assert [part.thought for part in (await content(sim, config=shows)).candidates[0].content.parts] == [True, None]
    assert [part.text for part in (await content(sim)).candidates[0].content.parts] == ["Yes"]
    assert [each.candidates[0].content.parts[0].thought for each in await streamed(sim, shows)] == [True, None, None]


async def test_structured_output_is_parsed_by_the_client(sim: Gemini) -> None:
    class City(BaseModel):
        name: str

    sim.says(Says(Json({"name": "Oslo"})))
    wanted = types.GenerateContentConfig(response_mime_type="application/json", response_schema=City)
    assert (await content(sim, config=wanted)).parsed == City(name="Oslo")


async def test_grounding_and_logprobs(sim: Gemini) -> None:
    sim.says(Says(Text("So it is.", (Citation("it", "A page", "http://x", start=3, end=5),)), stop="length"))
    got = (await content(sim, config=types.GenerateContentConfig(response_logprobs=True))).candidates[0]
    assert got.grounding_metadata.grounding_chunks[0].web.uri == "http://x"
    assert got.grounding_metadata.grounding_supports[0].segment.end_index == 5
    assert [each.token for each in got.logprobs_result.chosen_candidates] == ["So it ", "is."]
    assert got.finish_reason == "MAX_TOKENS"


async def test_tokens_are_counted_for_nothing_and_embeddings_cost_their_input(sim: Gemini) -> None:
    sim.says(Says(tokens=Tokens(42, 5)))
    got = await called(sim, lambda client: client.models.count_tokens(model="gemini-x", contents="Hi"))
    assert got.total_tokens == 42
    assert sim.bills == []
    wanted = types.EmbedContentConfig(output_dimensionality=8)
    got = await called(
        sim, lambda client: client.models.embed_content(model="embed-x", contents=["a", "b"], config=wanted)
    )
    assert [len(each.values) for each in got.embeddings] == [8, 8]
    assert got.embeddings[0].values != got.embeddings[1].values
    assert sim.billed == Tokens(42)


@pytest.mark.parametrize(
    ("fails", "kind", "status"),
    [
        (Fails("limited", retry_after_s=2), errors.ClientError, "RESOURCE_EXHAUSTED"),
        (Fails("credit"), errors.ClientError, "RESOURCE_EXHAUSTED"),
        (Fails("key"), errors.ClientError, "INVALID_ARGUMENT"),
        (Fails("forbidden"), errors.ClientError, "PERMISSION_DENIED"),
        (Fails("model"), errors.ClientError, "NOT_FOUND"),
        (Fails("server"), errors.ServerError, "INTERNAL"),
        (Fails("overloaded"), errors.ServerError, "UNAVAILABLE"),
    ],
)
async def test_each_kind_of_failure_is_the_error_that_the_client_has_for_it(
    sim: Gemini, fails: Fails, kind: type[errors.APIError], status: str
) -> None:
    sim.says(fails)
    with pytest.raises(kind) as caught:
        await content(sim)
    assert caught.value.status == status
    assert ("retryDelay" in str(caught.value)) is (fails.kind == "limited")
    assert ("key-of-google" in str(caught.value)) is (fails.kind == "key")


async def posted(sim: Gemini, body: Any, path: str = "/v1beta/models/gemini-x:generateContent") -> httpx.Response:
    def post() -> httpx.Response:
        return httpx.post(sim.url + path, json=body, headers={"x-goog-api-key": "key-of-google"})

    return await trio.to_thread.run_sync(post)


def turns(*contents: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"contents": [{"role": role, "parts": [part]} for role, part in contents]}


CALL = {"functionCall": {"name": "w", "args": {}}}
RESPONSE = {"functionResponse": {"name": "w", "response": {}}}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({**HI, "messages": []}, 'Unknown name "messages": Cannot find field'),
        ({**HI, "generationConfig": {"maxTokens": 1}}, "Unknown name \"maxTokens\" at 'generation_config'"),
        ({**HI, "generationConfig": {"audioTimestamp": True}}, 'Unknown name "audioTimestamp"'),
        ({**HI, "generationConfig": {"temperature": "hot"}}, "Invalid value at 'generation_config.temperature'"),
        ({**HI, "generationConfig": {"temperature": 3}}, "must be in the range"),
        ({**HI, "generationConfig": {"responseSchema": {"type": "STRING"}}}, "only allowed for JSON"),
        ({**HI, "tools": [{"functionDeclarations": [{"name": "4x"}]}]}, "Invalid function name"),
        (
            {**HI, "tools": [{"functionDeclarations": [{"name": "x", "parameters": {"type": "object", "$ref": "x"}}]}]},
            "Unknown name \"$ref\" at 'tools[0].function_declarations[0].parameters'",
        ),
        ({}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        (turns(("assistant", {"text": "x"})), "valid role: user, model"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        (turns(("user", {})), "oneof field 'data'"),
        (turns(("user", {"text": "x", "functionCall": {"name": "w"}})), "oneof field 'data'"),
        (turns(("user", {"text": "x"}), ("model", CALL), ("user", {"text": "y"})), "number of function response parts"),
        (turns(("user", RESPONSE)), "function response turn comes immediately after"),
        (turns(("model", CALL), ("user", RESPONSE)), "function call turn comes immediately after"),
        (turns(("user", {"functionResponse": {"response": {}}})), "Name cannot be empty"),
    ],
)
async def test_what_google_would_refuse_is_refused(sim: Gemini, body: dict[str, Any], sentence: str) -> None:
    got = await posted(sim, body)
    assert got.status_code == 400
    assert sentence in got.json()["error"]["message"]


async def test_vertex_has_its_own_paths_and_fields(sim: Gemini) -> None:
    path = "/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent"
    got = await posted(sim, {**HI, "generationConfig": {"audioTimestamp": True}, "labels": {"a": "b"}}, path)
    assert got.status_code == 200


async def test_without_alt_sse_a_stream_is_one_array(sim: Gemini) -> None:
    sim.says(Says("Hello, all of you"))
    got = await posted(sim, HI, "/v1beta/models/gemini-x:streamGenerateContent")
    assert len(json.loads(got.content)) == 4


@pytest.mark.parametrize("manners", [Manners(crlf=True), Manners(cut_bytes=1), Manners(cut_bytes=7, crlf=True)])
async def test_a_stream_with_odd_manners_says_the_same(sim: Gemini, manners: Manners) -> None:
    sim.says(Says("Hällo, all", manners=manners))
    assert "".join(each.text or "" for each in await streamed(sim)) == "Hällo, all"


@pytest.mark.parametrize("how", ["reset", "close", "error"])
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: Gemini, how: Any) -> None:
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=2, how=how)))
    with pytest.raises(Exception) as caught:
        await streamed(sim)
    assert isinstance(caught.value, errors.APIError) is (how == "error")
    assert sim.billed == Tokens(10, 4)


async def test_a_page_of_html_is_an_error(sim: Gemini) -> None:
    sim.says(Raw(500, b"<html>", "text/html"))
    with pytest.raises(errors.ServerError):
        await content(sim)
