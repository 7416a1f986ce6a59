"""Clients of Anthropic and of Cohere, and both providers behind, strict as in life: any with any, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import cohere
import httpx
import httpx2
import pytest
import trio
from cohere.v2 import V2ChatResponse

from headgate.api.ai import Counted, Ended, Endpoint, Failed, Happening, Stopped, Used
from headgate.testing.providers import (
    Anthropic,
    Call,
    Citation,
    Cohere,
    Fails,
    Json,
    Manners,
    Pieces,
    Says,
    Simulator,
    Text,
    Thought,
    Tokens,
)
from headgate.testing.providers.strict import conforms
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut
from headgate_cohere.inbound import CohereIn
from headgate_cohere.outbound import CohereOut

CLIENTS: dict[str, Any] = {"anthropic": AnthropicIn(), "cohere": CohereIn()}
PROVIDERS: dict[str, Any] = {"anthropic": AnthropicOut(), "cohere": CohereOut()}
SIMULATORS: dict[str, tuple[type[Simulator], str, str]] = {
    "anthropic": (Anthropic, "/v1", "claude-sonnet-5-5"),
    "cohere": (Cohere, "/v2", "command-a-03-2025"),
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ROUND: dict[str, Any] = {
    "anthropic": {
        "model": "m", "max_tokens": 4096, "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "Let me see."}, {"type": "tool_use", "id": "a1", "name": "weather", "input": {"city": "Oslo"}},
                {"type": "tool_use", "id": "b1", "name": "weather", "input": {"city": "Rome"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a1", "content": "Rain"},
                {"type": "tool_result", "tool_use_id": "b1", "content": [{"type": "text", "text": "Sun"}]},
                {"type": "text", "text": "And?"},
            ]},
        ],
        "tools": [{"name": "weather", "description": "It", "input_schema": SCHEMA}],
    },
    "cohere": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"},
            {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [
                {"id": "a:1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
                {"id": "b:1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
            ]},
            {"role": "tool", "tool_call_id": "a:1", "content": "Rain"},
            {"role": "tool", "tool_call_id": "b:1", "content": [{"type": "document", "document": {"data": {"sun": "yes"}}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "description": "It", "parameters": SCHEMA}}],
    },
}  # fmt: skip
SAID = [
    Says("Hello, all of you", tokens=Tokens(11, 7)),
    Says((Thought("Hm, two."), "Let me see.", Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"})), tokens=Tokens(9, 30)),
    Says(Json({"city": "Oslo"}), stop="length", tokens=Tokens(9, 3)),
    Says(Text("So it is.", (Citation("it is", "A book", document=0, start=3, end=8),)), tokens=Tokens(3, 4)),
]  # fmt: skip
PAIRS = [(client, provider) for client in CLIENTS for provider in PROVIDERS]


class Way:
    """One client, one provider, and what lies between them."""

    def __init__(self, client: str, provider: str, sim: Simulator) -> None:
        self.client, self.provider, self.sim = CLIENTS[client], PROVIDERS[provider], sim
        self.name = client
        _, self.base, self.model = SIMULATORS[provider]

    def ask(self, value: Any) -> tuple[Any, Any]:
        chat = self.client.read(json.dumps(value).encode(), "", {})
        return chat, self.provider.write(chat, Endpoint(self.model))

    async def whole(self, value: Any) -> tuple[int, bytes]:
        """The answer as the client gets it."""
        chat, written = self.ask(value)
        response = await self._post(written)
        if response.status_code != 200:
            said = self.provider.refusal(response.content)
            return response.status_code, self.client.error(response.status_code, said.message, "", {}).body
        return 200, self.client.render(self.provider.answer(response.content), chat, 0.0)

    async def _post(self, written: Any) -> httpx.Response:
        async with httpx.AsyncClient(timeout=10) as http:
            url = self.sim.base_url + self.base + written.path.decode()
            return await http.post(url, content=written.body, headers=self._lines(written))

    def _lines(self, written: Any) -> list[tuple[bytes, bytes]]:
        return [*written.headers, (b"authorization", b"Bearer k"), (b"x-api-key", b"k")]

    async def stream(self, value: Any) -> tuple[bytes, list[Happening]]:
        """The stream as the client gets it, and what happened in it."""
        chat, written = self.ask({**value, "stream": True})
        reader, writer = self.provider.reader(), self.client.writer(chat, 0.0)
        told: list[Happening] = []
        out = b""
        async with httpx.AsyncClient(timeout=10) as http:
            url = self.sim.base_url + self.base + written.path.decode()
            async with http.stream("POST", url, content=written.body, headers=self._lines(written)) as response:
                try:
                    async for piece in response.aiter_raw():
                        for _, happened in reader.feed(piece):
                            told += happened
                            out += b"".join(map(writer.write, happened))
                except httpx.HTTPError:
                    pass
        return out, told + reader.finish()


@pytest.fixture(params=PAIRS, ids="-to-".join)
async def way(request: Any, nursery: trio.Nursery) -> Way:
    client, provider = request.param
    kind, _, _ = SIMULATORS[provider]
    sim = await kind(prefix="").start(nursery)
    return Way(client, provider, sim)


def summary(name: str, body: bytes) -> dict[str, Any]:
    """What a whole answer says, after the client's own types have been held against it."""
    value = json.loads(body)
    if name == "anthropic":
        conforms(value, anthropic.types.Message)
        blocks = value["content"]
        return {
            "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
            "calls": [block["input"] for block in blocks if block["type"] == "tool_use"],
            "output": value["usage"]["output_tokens"],
        }
    conforms(value, V2ChatResponse)
    message = value["message"]
    return {
        "text": "".join(block["text"] for block in message.get("content", []) if block["type"] == "text"),
        "calls": [json.loads(call["function"]["arguments"]) for call in message.get("tool_calls", [])],
        "output": int(value["usage"]["billed_units"]["output_tokens"]),
    }


def streamed(name: str, stream: bytes) -> dict[str, Any]:
    """What a stream says to the client's own library."""
    if name == "anthropic":
        answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
        with (
            httpx2.Client(transport=httpx2.MockTransport(lambda request: answer)) as own,
            anthropic.Anthropic(api_key="k", http_client=own, max_retries=0) as client,
            client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as said,
        ):
            return summary(name, said.get_final_message().to_json().encode())
    reply = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    with httpx.Client(transport=httpx.MockTransport(lambda request: reply)) as http:
        events = list(cohere.ClientV2(api_key="k", httpx_client=http).chat_stream(model="m", messages=[]))
    text, calls = "", list[str]()
    for event in events:
        if event.type == "content-delta":
            text += event.delta.message.content.text or ""
        elif event.type == "tool-call-start":
            calls.append("")
        elif event.type == "tool-call-delta":
            calls[event.index] += event.delta.message.tool_calls.function.arguments
    output = int(events[-1].delta.usage.billed_units.output_tokens)
    return {"text": text, "calls": [json.loads(call) for call in calls], "output": output}


@pytest.mark.parametrize("says", SAID, ids=lambda says: says.words or "tools")
async def test_an_answer_is_the_same_whole_and_streamed(way: Way, says: Says) -> None:
    way.sim.says(says)
    status, body = await way.whole(ROUND[way.name])
    assert status == 200, body
    stream, told = await way.stream(ROUND[way.name])
    assert streamed(way.name, stream) == summary(way.name, body)
    assert summary(way.name, body)["calls"] == [call.arguments for call in says.calls]
    assert isinstance(told[-1], Ended)
    used = [each.counted for each in told if isinstance(each, Used)][-1]
    assert says.tokens is not None
    assert (used.input_tokens, used.output_tokens) == (says.tokens.input, says.tokens.output)


@pytest.mark.parametrize(
    "manners",
    [Manners(cut_bytes=1), Manners(cut_bytes=7, crlf=True), Manners(comments=True, empty_frames=True)],
    ids=["bytes", "crlf", "comments"],
)
async def test_however_a_stream_travels_it_says_the_same(way: Way, manners: Manners) -> None:
    way.sim.says(Says("Hello, all of you"), Says("Hello, all of you", manners=manners, pieces=Pieces(ping_every=2)))
    plain, _ = await way.stream(ROUND[way.name])
    dressed, _ = await way.stream(ROUND[way.name])
    assert streamed(way.name, dressed)["text"] == streamed(way.name, plain)["text"] == "Hello, all of you"


@pytest.mark.parametrize("how", ["reset", "close", "end"])
async def test_a_stream_that_dies_has_no_end(way: Way, how: Any) -> None:
    way.sim.says(Says("Hello, all of you", manners=Manners(dies_after=3, how=how)))
    _, told = await way.stream(ROUND[way.name])
    assert not [each for each in told if isinstance(each, (Ended, Stopped, Failed))]


async def test_a_stream_that_fails_says_so_in_the_clients_dialect(way: Way) -> None:
    way.sim.says(Says("Hello, all of you", manners=Manners(dies_after=3, how="error")))
    stream, told = await way.stream(ROUND[way.name])
    assert isinstance(told[-1], Failed)
    if way.name == "anthropic":
        with pytest.raises(anthropic.APIStatusError):
            streamed(way.name, stream)
    else:
        assert b'"finish_reason":"ERROR"' in stream


async def test_a_refusal_keeps_its_words(way: Way) -> None:
    way.sim.says(Fails("limited", message="Too much."))
    status, body = await way.whole(ROUND[way.name])
    assert status == 429
    value = json.loads(body)
    assert (value["error"]["message"] if way.name == "anthropic" else value["message"]) == "Too much."


async def test_tokens_are_counted_before_they_are_sent(nursery: trio.Nursery) -> None:
    sim = await Anthropic(prefix="").start(nursery)
    sim.says(Says("", tokens=Tokens(42)))
    way = Way("cohere", "anthropic", sim)
    chat, _ = way.ask(ROUND["cohere"])
    response = await way._post(way.provider.write_count(chat, Endpoint("claude-sonnet-5-5")))
    assert response.status_code == 200, response.text
    assert way.provider.counted_tokens(response.content) == 42


async def test_cached_tokens_and_thoughts_are_counted_apart(nursery: trio.Nursery) -> None:
    sim = await Anthropic(prefix="").start(nursery)
    sim.says(Says("Hello", tokens=Tokens(11, 7, cached=4, cache_write=2, reasoning=3)))
    _, told = await Way("anthropic", "anthropic", sim).stream(ROUND["anthropic"])
    used = [each.counted for each in told if isinstance(each, Used)][-1]
    assert (used.input_tokens, used.cached_tokens, used.cache_write_tokens) == (11, 4, 2)
    assert isinstance(used, Counted)
