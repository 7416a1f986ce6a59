"""What goes to Bedrock and comes back, against the simulator, which checks signatures."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import trio

from headgate.api import Outgoing, Secret, Target
from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
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
    Tool,
    ToolCall,
    ToolResult,
    Used,
)
from headgate.testing.providers import Bedrock, Call, Fails, Manners, Says, Thought, Tokens
from headgate_bedrock.dialect import BedrockOut

OUT = BedrockOut()
MODEL = Endpoint("anthropic.claude-x:0")
WEATHER = Tool("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
HI = Message("user", [Text(text="Hi"), Image(media=Media(mime="image/png", data="iVBORw0KGgo="))])


async def sent(sim: Bedrock, chat: Chat, key: str | None = None) -> httpx.Response:
    written = OUT.write(chat, MODEL)
    outgoing = Outgoing("POST", written.path, [*written.headers], written.body)
    node: Any = SimpleNamespace(rehearsing=False, clock=SimpleNamespace(time=time.time))
    known = sim.credentials
    secret = Secret("K", key or f"{known.access_key}:{known.secret_key}")
    await OUT.authorize(outgoing, Target.parse(sim.url), secret, {"region": known.region}, node)
    async with httpx.AsyncClient() as client:
        url = sim.url + outgoing.path.decode()
        return await client.post(url, content=written.body, headers=outgoing.headers)


async def asked(sim: Bedrock, chat: Chat, key: str | None = None) -> Answer:
    response = await sent(sim, chat, key)
    assert response.status_code == 200, response.text
    return OUT.answer(response.content)


async def heard(sim: Bedrock, chat: Chat) -> list[Happening]:
    response = await sent(sim, chat)
    assert response.status_code == 200, response.text
    reader = OUT.reader()
    found = [one for _, happened in reader.feed(response.content) for one in happened]
    return found if isinstance(found[-1], Failed | Ended) else found + reader.finish()


def made(*messages: Message, stream: bool = False, **fields: Any) -> Chat:
    return Chat.made("m", Content([*messages], tools=[WEATHER], **fields), stream=stream)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Bedrock:
    return await Bedrock(key="bearer-key").start(nursery)


@pytest.mark.parametrize("key", [None, "bearer-key"])
async def test_an_answer_is_read_and_counted(sim: Bedrock, key: str | None) -> None:
    sim.says(Says((Thought("Hm"), "Hello"), tokens=Tokens(11, 7, cached=4, cache_write=2)))
    answer = await asked(sim, made(HI), key)
    assert [type(part) for part in answer.choices[0].parts] == [Reasoning, Text]
    counted = answer.counted
    assert counted is not None
    assert (counted.input_tokens, counted.output_tokens) == (11, 7)
    assert (counted.cached_tokens, counted.cache_write_tokens) == (4, 2)


async def test_a_wrong_secret_is_refused(sim: Bedrock) -> None:
    response = await sent(sim, made(HI), f"{sim.credentials.access_key}:wrong")
    assert response.status_code == 403
    lines = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    refusal = OUT.refusal(response.content, lines)
    assert refusal is not None
    assert refusal.fields["code"]


async def test_calls_and_thoughts_go_back(sim: Bedrock) -> None:
    sim.says(Says((Thought("Hm"), Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))), Says("Wet."))
    first = (await asked(sim, made(HI))).choices[0]
    assert first.stop == "tools"
    calls = [part for part in first.parts if isinstance(part, ToolCall)]
    results = [Message("tool", [ToolResult(id=call.id, parts=[Text(text="wet")])]) for call in calls]
    second = await asked(sim, made(HI, Message("assistant", [*first.parts]), *results))
    assert second.choices[0].parts == [Text(text="Wet.")]


async def test_a_stream_is_read_and_counted(sim: Bedrock) -> None:
    says = Says((Thought("Hm"), "Hello there", Call("weather", {"city": "Oslo"})), tokens=Tokens(11, 7))
    sim.says(says)
    found = await heard(sim, made(HI, stream=True))
    assert "".join(one.text for one in found if isinstance(one, TextDelta)) == "Hello there"
    assert "".join(one.text for one in found if isinstance(one, ArgumentsDelta)) == '{"city": "Oslo"}'
    used = [one.counted for one in found if isinstance(one, Used)][-1]
    assert (used.input_tokens, used.output_tokens) == (11, 7)
    assert found[-1] == Ended()


async def test_a_stream_that_ends_early_has_no_end(sim: Bedrock) -> None:
    sim.says(Says("Hello there", manners=Manners(dies_after=2, how="end")))
    assert Ended() not in await heard(sim, made(HI, stream=True))


async def test_an_error_in_mid_stream_is_told(sim: Bedrock) -> None:
    sim.says(Says("Hello there", manners=Manners(dies_after=2, how="error")))
    assert isinstance((await heard(sim, made(HI, stream=True)))[-1], Failed)


async def test_an_error_is_kept(sim: Bedrock) -> None:
    sim.says(Fails("limited", message="Not now."))
    response = await sent(sim, made(HI))
    lines = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    assert OUT.refusal(response.content, lines) == ("Not now.", {"code": "ThrottlingException"}, "limited")
