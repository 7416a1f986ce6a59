"""`ai.count`: tokens counted before a chat is sent, by the clients' own SDKs."""

from __future__ import annotations

import anthropic
import pytest
import trio
from google import genai
from google.genai import types

from headgate.testing.gate import Gate, open_gate
from headgate.testing.providers import Anthropic, Gemini, Says, Simulator, Tokens

POLICY = """policy 1
model one {{ provider = {provider}, name = "{name}", key = secret("TASK_KEY"), url = "{url}" }}
route claude POST /v1/messages/count_tokens public {{
    read.chat as chat
    ai.count one
}}
route gemini POST /v1beta/models/{{call}} public {{
    read.chat as chat
    ai.count one
}}
route strict POST /strict/v1/messages/count_tokens public {{
    read.chat as chat
    ai.count one estimate=false
}}
"""
OURS = POLICY.format(provider="openai", name="gpt-4.1", url="http://127.0.0.1:1/v1")
BODY = {"model": "any", "messages": [{"role": "user", "content": "How many tokens are these?"}]}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "the-providers-key")


def by_anthropic(gate: Gate) -> int:
    with anthropic.Anthropic(base_url=gate.url, api_key="mine", max_retries=0) as client:
        found = client.messages.count_tokens(model="any", messages=[{"role": "user", "content": "How many?"}])
    return found.input_tokens


def by_gemini(gate: Gate) -> int:
    with genai.Client(
        api_key="mine", http_options=types.HttpOptions(base_url=gate.url, api_version="v1beta")
    ) as client:
        return client.models.count_tokens(model="any", contents="How many?").total_tokens or 0


@pytest.mark.parametrize("client", [by_anthropic, by_gemini])
@pytest.mark.parametrize(
    ("make", "provider", "name", "base"),
    [(Anthropic, "anthropic", "claude-sonnet-4-5", "/v1"), (Gemini, "gemini", "gemini-2.5-flash", "/v1beta")],
)
async def test_a_provider_that_counts_is_asked(client, make, provider, name, base) -> None:  # type: ignore[no-untyped-def]
    async with trio.open_nursery() as nursery:
        sim: Simulator = await make().start(nursery)
        sim.says(Says(tokens=Tokens(77)))
        async with open_gate(POLICY.format(provider=provider, name=name, url=sim.url + base)) as gate:
            count = await trio.to_thread.run_sync(client, gate)
            row = await gate.row(0)
        assert count == 77
        assert name in sim.received[0].path + str(sim.received[0].body)
        assert row.get("cost") in (None, 0)
        nursery.cancel_scope.cancel()


async def test_where_nobody_counts_the_answer_is_an_estimate_and_says_so() -> None:
    async with open_gate(OURS) as gate:
        answer = await gate.send("POST", "/v1/messages/count_tokens", json_body=BODY)
    assert answer.headers.get(b"x-headgate-estimated") == b"true"
    assert 5 <= answer.json()["input_tokens"] <= 20


async def test_who_wants_no_estimate_gets_none() -> None:
    async with open_gate(OURS) as gate:
        answer = await gate.send("POST", "/strict/v1/messages/count_tokens", json_body=BODY)
    assert answer.status == 400
    assert answer.json()["type"] == "error"


async def test_a_picture_is_not_guessed() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    body = {"model": "any", "messages": [{"role": "user", "content": [picture]}]}
    async with open_gate(OURS) as gate:
        answer = await gate.send("POST", "/v1/messages/count_tokens", json_body=body)
    assert answer.status == 400
