"""What goes to Google and comes back, against the simulator of Gemini and Vertex AI."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from headgate.api.ai import (
    Answer,
    Chat,
    Content,
    Ended,
    Endpoint,
    Failed,
    Happening,
    Image,
    Media,
    Message,
    Reasoning,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Used,
)
from headgate.testing.providers import Call, Fails, Gemini, Manners, Says, Thought, Tokens
from headgate_gemini.dialect import GeminiOut

OUT = GeminiOut()
WEATHER = Tool("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
HI = Message("user", [Text(text="Hi"), Image(media=Media(mime="image/png", data="iVBORw0KGgo="))])


async def sent(sim: Gemini, chat: Chat, to: Endpoint, version: str = "v1beta") -> httpx.Response:
    written = OUT.write(chat, to)
    headers = [*written.headers, (b"x-goog-api-key", b"key-of-google")]
    async with httpx.AsyncClient() as client:
        url = f"{sim.url}/{version}{written.path.decode()}"
        return await client.post(url, content=written.body, headers=headers)


PRO = Endpoint("gemini-3-pro")


async def asked(sim: Gemini, chat: Chat, to: Endpoint = PRO, version: str = "v1beta") -> Answer:
    response = await sent(sim, chat, to, version)
    assert response.status_code == 200, response.text
    return OUT.answer(response.content)


async def heard(sim: Gemini, chat: Chat) -> list[Happening]:
    response = await sent(sim, chat, Endpoint("gemini-3-pro"))
    assert response.status_code == 200, response.text
    reader = OUT.reader()
    found = [one for _, happened in reader.feed(response.content) for one in happened]
    return found + ([] if isinstance(found[-1], Failed) else reader.finish())


def made(*messages: Message, stream: bool = False, **fields: Any) -> Chat:
    return Chat.made("m", Content([*messages], tools=[WEATHER], **fields), stream=stream)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Gemini:
    return await Gemini(key="key-of-google", signatures=True).start(nursery)


@pytest.mark.parametrize(("version", "options"), [("v1beta", {}), ("v1", {"project": "p", "location": "europe-west4"})])
async def test_an_answer_is_read_and_counted(sim: Gemini, version: str, options: dict[str, Any]) -> None:
    sim.says(Says((Thought("Hm"), "Hello"), tokens=Tokens(11, 7, cached=4, reasoning=2)))
    chat = made(HI, thinking=Thinking("low", shown=True))
    answer = await asked(sim, chat, Endpoint("gemini-3-pro", options), version)
    assert [type(part) for part in answer.choices[0].parts][:2] == [Reasoning, Text]
    counted = answer.counted
    assert counted is not None
    assert (counted.input_tokens, counted.output_tokens) == (11, 7)
    assert (counted.cached_tokens, counted.reasoning_tokens) == (4, 2)


async def test_calls_go_back_with_their_signatures_through_a_client_of_another_dialect(sim: Gemini) -> None:
    """The client keeps ids, names and arguments, and nothing else."""
    sim.says(Says((Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))), Says("Wet."))
    first = await asked(sim, made(HI))
    calls = [part for part in first.choices[0].parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == 2
    kept = [ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in calls]
    results = [Message("tool", [ToolResult(id=call.id, parts=[Text(text="wet")])]) for call in reversed(kept)]
    second = await asked(sim, made(HI, Message("assistant", [*kept]), *results))
    assert [part for part in second.choices[0].parts if isinstance(part, Text)] == [Text(text="Wet.")]


async def test_calls_of_another_model_are_taken(sim: Gemini) -> None:
    sim.says(Says("Wet."))
    call = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
    answer = await asked(sim, made(HI, Message("assistant", [call]), Message("tool", [ToolResult(id="call_1")])))
    assert answer.choices[0].stop == "stop"


@pytest.mark.parametrize("manners", [Manners(), Manners(crlf=True), Manners(comments=True), Manners(empty_frames=True)])
async def test_a_stream_is_read_and_counted(sim: Gemini, manners: Manners) -> None:
    sim.says(
        Says((Thought("Hm"), "Hello there", Call("weather", {"city": "Oslo"})), tokens=Tokens(11, 7), manners=manners)
    )
    found = await heard(sim, made(HI, stream=True))
    assert "".join(one.text for one in found if isinstance(one, TextDelta)) == "Hello there"
    used = [one.counted for one in found if isinstance(one, Used)][-1]
    assert (used.input_tokens, used.output_tokens) == (11, 7)
    assert found[-1] == Ended()


async def test_a_stream_that_ends_early_has_no_end(sim: Gemini) -> None:
    sim.says(Says("Hello there", manners=Manners(dies_after=1, how="end")))
    assert Ended() not in await heard(sim, made(HI, stream=True))


async def test_an_error_in_mid_stream_is_told(sim: Gemini) -> None:
    sim.says(Says("Hello there", manners=Manners(dies_after=1, how="error")))
    assert isinstance((await heard(sim, made(HI, stream=True)))[-1], Failed)


@pytest.mark.parametrize(("kind", "code"), [("limited", "RESOURCE_EXHAUSTED"), ("overloaded", "UNAVAILABLE")])
async def test_an_error_is_kept(sim: Gemini, kind: Any, code: str) -> None:
    sim.says(Fails(kind, message="Not now."))
    refusal = OUT.refusal((await sent(sim, made(HI), Endpoint("gemini-3-pro"))).content)
    assert refusal == ("Not now.", {"code": code}, None)


async def test_tokens_are_counted(sim: Gemini) -> None:
    written = OUT.write_count(made(HI), Endpoint("gemini-3-pro"))
    headers = [*written.headers, (b"x-goog-api-key", b"key-of-google")]
    async with httpx.AsyncClient() as client:
        url = f"{sim.url}/v1beta{written.path.decode()}"
        response = await client.post(url, content=written.body, headers=headers)
    assert response.status_code == 200, response.text
    assert OUT.counted_tokens(response.content) > 0
