"""OpenAI's own client talks to the simulator of the Responses API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
import trio
from pydantic import BaseModel

from headgate.testing.providers import (
    Call,
    Citation,
    Fails,
    Json,
    Manners,
    OpenAI,
    Refusal,
    Says,
    Text,
    Thought,
    Tokens,
)

WEATHER = {
    "type": "function",
    "name": "weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))


async def called(sim: OpenAI, act: Callable[[openai.OpenAI], Any]) -> Any:
    with openai.OpenAI(api_key="sk-sim", base_url=sim.base_url, max_retries=0, timeout=10) as client:
        return await trio.to_thread.run_sync(act, client)


async def response(sim: OpenAI, **more: Any) -> Any:
    arguments = {"model": "gpt-x", "input": "Hi", **more}
    return await called(sim, lambda client: client.responses.create(**arguments))


async def final(sim: OpenAI, **more: Any) -> Any:
    arguments = {"model": "gpt-x", "input": "Hi", **more}

    def listen(client: openai.OpenAI) -> Any:
        with client.responses.stream(**arguments) as stream:
            return stream.get_final_response()

    return await called(sim, listen)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> OpenAI:
    return await OpenAI(key="sk-sim").start(nursery)


@pytest.mark.parametrize("get", [response, final])
async def test_text_reasoning_and_parallel_tools_are_the_same_whole_and_streamed(sim: OpenAI, get: Any) -> None:
    tokens = Tokens(11, 30, cached=4, reasoning=9)
    sim.says(Says((Thought("Hm, two.", "c2ln"), "Let me see.", *TWO), tokens=tokens))
    shows = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    got = await get(sim, tools=[WEATHER], **shows)
    assert [item.type for item in got.output] == ["reasoning", "message", "function_call", "function_call"]
    assert (got.output[0].summary[0].text, got.output[0].encrypted_content) == ("Hm, two.", "c2ln")
    assert got.output_text == "Let me see."
    assert [item.arguments for item in got.output[2:]] == ['{"city": "Oslo"}', '{"city": "Rome"}']
    assert (got.usage.input_tokens_details.cached_tokens, got.usage.output_tokens_details.reasoning_tokens) == (4, 9)
    assert sim.billed == tokens


@pytest.mark.parametrize("get", [response, final])
async def test_refusals_and_citations(sim: OpenAI, get: Any) -> None:
    cited = Text("So it is.", (Citation("it", "A page", "http://x", start=3, end=5),))
    sim.says(Says(Refusal("No.")), Says(cited))
    assert (await get(sim)).output[0].content[0].refusal == "No."
    assert (await get(sim)).output[0].content[0].annotations[0].url == "http://x"


async def test_an_answer_that_was_cut_is_incomplete(sim: OpenAI) -> None:
    sim.says(Says("x", stop="length"), Says("x", stop="filter"))
    for reason in ("max_output_tokens", "content_filter"):
        got = await response(sim)
        assert (got.status, got.incomplete_details.reason) == ("incomplete", reason)
    got = await called(sim, lambda client: list(client.responses.create(model="gpt-x", input="Hi", stream=True)))
    assert got[-1].type == "response.incomplete"


async def test_a_conversation_goes_on_by_the_id_of_the_response(sim: OpenAI) -> None:
    sim.says(Says((Thought("Hm."), *TWO)), Says("Cold and warm"))
    first = await response(sim, tools=[WEATHER])
    outputs = [{"type": "function_call_output", "call_id": item.call_id, "output": "fine"} for item in first.output[1:]]
    got = await response(sim, previous_response_id=first.id, input=outputs, tools=[WEATHER])
    assert got.output_text == "Cold and warm"
    items = [{"role": "user", "content": "Hi"}, *(item.to_dict() for item in first.output), *outputs]
    assert (await response(sim, input=items, tools=[WEATHER])).output_text == "Cold and warm"


async def test_what_was_not_stored_cannot_be_continued(sim: OpenAI) -> None:
    first = await response(sim, store=False)
    with pytest.raises(openai.BadRequestError, match="not found"):
        await response(sim, previous_response_id=first.id)


async def test_structured_output_is_parsed_by_the_client(sim: OpenAI) -> None:
    class City(BaseModel):
        name: str

    sim.says(Says(Json({"name": "Oslo"})))
    got = await called(sim, lambda client: client.responses.parse(model="gpt-x", input="Hi", text_format=City))
    assert got.output_parsed == City(name="Oslo")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"extra_body": {"messages": []}}, "Unknown parameter: 'messages'"),
        ({"input": openai.omit}, "Missing required parameter: 'input'"),
        ({"input": [{"role": "tool", "content": "x"}]}, r"input\[0\]"),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, r"input\[0\]"),
        ({"input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]}, "No tool call found"),
        ({"input": [{"type": "function_call", "call_id": "a", "name": "x", "arguments": ""}]}, "No tool output found"),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, "without its required following item"),
        ({"max_output_tokens": 3}, "minimum value is 16"),
        ({"temperature": 3}, "maximum value is 2"),
        ({"tool_choice": "required"}, "need 'tools'"),
        ({"tools": [{**WEATHER, "name": "a b"}]}, "does not match pattern"),
        ({"tools": [{**WEATHER, "strict": True}]}, "additionalProperties"),
        ({"text": {"format": {"type": "json_object"}}}, "the word 'json'"),
    ],
)
async def test_what_openai_would_refuse_is_refused(sim: OpenAI, body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(openai.BadRequestError, match=sentence):
        await response(sim, **body)


async def test_an_assistant_may_come_without_id_and_status(sim: OpenAI) -> None:
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
    assert (await response(sim, input=[{"role": "user", "content": "Hi"}, said])).output


async def test_failures_before_and_inside_the_stream(sim: OpenAI) -> None:
    sim.says(Fails("overloaded"), Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=6, how="error")))
    with pytest.raises(openai.InternalServerError):
        await final(sim)
    got = await called(sim, lambda client: list(client.responses.create(model="gpt-x", input="Hi", stream=True)))
    assert (got[-1].type, "overloaded" in got[-1].message) == ("error", True)
    assert sim.billed == Tokens(10, 4)


async def test_a_stream_with_odd_manners_says_the_same(sim: OpenAI) -> None:
    sim.says(Says("Hällo, all", manners=Manners(cut_bytes=5, crlf=True, comments=True)))
    assert (await final(sim)).output_text == "Hällo, all"
