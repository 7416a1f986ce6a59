"""Answers that clients of OpenAI's Responses refer to: had again, forgotten, and nobody else's."""

from __future__ import annotations

from typing import Any

import openai
import pytest
import trio

from headgate.testing import Gate, open_gate

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
