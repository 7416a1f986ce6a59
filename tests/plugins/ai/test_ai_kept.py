"""Answers that clients of OpenAI's Responses refer to: had again, forgotten, and nobody else's."""

from __future__ import annotations

from typing import Any

import openai
import pytest
import trio

from headgate.testing import Gate, open_gate
from headgate.testing.providers import OpenAI

POLICY = """policy 1
model echo { provider = echo, name = "echo-1" }
route responses POST /v1/responses { auth.key as key
 read.chat as chat
 ai.chat echo
}
route response GET, DELETE /v1/responses/{id} { auth.key as key
 ai.response request.params.id
}
"""


async def client(gate: Gate, team: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gate.url}/v1", api_key=await gate.key(team), max_retries=0, timeout=5)


async def run(call: Any) -> Any:
    return await trio.to_thread.run_sync(call)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_had_again_gone_on_with_and_forgotten(stream: bool) -> None:
    async with open_gate(POLICY) as gate:
        ours, theirs = await client(gate, "ours"), await client(gate, "theirs")

        def ask(**more: Any) -> Any:
            answer: Any = ours.responses.create(model="m", input="One", stream=stream, **more)
            return list(answer)[-1].response if stream else answer

        first = await run(ask)
        again = await run(lambda: ours.responses.retrieve(first.id))
        assert again.output_text == first.output_text == 'You said: "One" Nice to hear from you!'
        second = await run(lambda: ask(previous_response_id=first.id))
        assert second.usage.input_tokens > first.usage.input_tokens, "what went before is asked again"
        for gone in (lambda: theirs.responses.retrieve(first.id), lambda: theirs.responses.delete(first.id)):
            with pytest.raises(openai.NotFoundError, match="not found"):
                await run(gone)
        await run(lambda: ours.responses.delete(first.id))
        with pytest.raises(openai.NotFoundError):
            await run(lambda: ours.responses.retrieve(first.id))
        for one in (ours, theirs):
            one.close()


OPENAIS_OWN = """policy 1
model gpt {{ provider = openai, name = "gpt-4.1", url = "{url}", dialect = "openai-responses", key = secret("KEPT_KEY") }}
route responses POST /v1/responses {{ auth.key as key
 read.chat as chat
 ai.chat gpt
}}
"""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_that_openai_keeps_is_gone_on_with_by_its_own_team_alone(
    stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT_KEY", "sk-of-the-gateway")
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(OPENAIS_OWN.format(url=sim.base_url)) as gate:
            ours, theirs = await client(gate, "ours"), await client(gate, "theirs")

            def ask(who: openai.OpenAI, **more: Any) -> Any:
                answer: Any = who.responses.create(model="m", input="One", stream=stream, **more)
                return list(answer)[-1].response if stream else answer

            first = await run(lambda: ask(ours))
            second = await run(lambda: ask(ours, previous_response_id=first.id))
            assert second.previous_response_id == first.id
            asked = len(sim.received)
            with pytest.raises(openai.BadRequestError, match="not found"):
                await run(lambda: ask(theirs, previous_response_id=first.id))
            assert len(sim.received) == asked, "OpenAI, who would have gone on with it, is not asked"
            for one in (ours, theirs):
                one.close()
        nursery.cancel_scope.cancel()
