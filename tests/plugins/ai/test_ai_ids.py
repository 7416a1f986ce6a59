"""Clients find the id of their request where their own library looks for it."""

from __future__ import annotations

import anthropic
import openai
import pytest
import trio

from headgate.testing import Gate, open_gate
from headgate_ai import Ai
from headgate_anthropic import Anthropic
from headgate_openai import OpenAi

POLICY = """policy 1
model echo { provider = echo, name = "echo-1" }
route messages POST /v1/messages public {
    read.chat as chat
    require chat.model != "nobody" else 404 "There is no such model."
    ai.chat echo
}
route chat POST /v1/chat/completions public {
    read.chat as chat
    require chat.model != "nobody" else 404 "There is no such model."
    ai.chat echo
}
"""
MESSAGES: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_client_finds_the_id_of_a_request(stream: bool) -> None:
    async with open_gate(
        POLICY, plugins=[("ai", Ai), ("anthropic", Anthropic), ("openai", OpenAi)], discover=False
    ) as gate:
        answered, failed = await trio.to_thread.run_sync(_ask_anthropic, gate, stream)
        assert [answered, failed] == [row["id"] for row in await _rows(gate)]


def _ask_anthropic(gate: Gate, stream: bool) -> tuple[str | None, str | None]:
    with anthropic.Anthropic(base_url=gate.url, api_key="k", max_retries=0) as client:
        if stream:
            with client.messages.stream(model="any", max_tokens=9, messages=MESSAGES) as said:
                said.until_done()
                answered = said.request_id
        else:
            answered = client.messages.create(model="any", max_tokens=9, messages=MESSAGES)._request_id
        with pytest.raises(anthropic.NotFoundError) as caught:
            client.messages.create(model="nobody", max_tokens=9, messages=MESSAGES)
        return answered, caught.value.request_id


async def test_openais_client_finds_the_id_of_a_request() -> None:
    async with open_gate(
        POLICY, plugins=[("ai", Ai), ("anthropic", Anthropic), ("openai", OpenAi)], discover=False
    ) as gate:
        answered = await trio.to_thread.run_sync(_ask_openai, gate)
        assert [answered] == [row["id"] for row in await _rows(gate)]


def _ask_openai(gate: Gate) -> str | None:
    with openai.OpenAI(base_url=gate.url + "/v1", api_key="k", max_retries=0) as client:
        return client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hi"}])._request_id


async def _rows(gate: Gate) -> list[dict[str, object]]:
    await trio.testing.wait_all_tasks_blocked(0.01)
    return list(gate.rows)
