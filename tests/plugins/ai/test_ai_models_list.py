"""`ai.models`: the list of models, read by the clients' own SDKs."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest
import trio
from google import genai
from google.genai import types

from headgate.testing.gate import Gate, open_gate

POLICY = """policy 1
route models GET /v1/models public {
    ai.models from=["gpt-4.1", "claude-sonnet-*", "our-own"]
}
route model GET /v1/models/{name} public {
    ai.models from=["gpt-4.1", "claude-sonnet-*", "our-own"]
}
route theirs GET /v1beta/models public {
    ai.models from=["gemini-2.5-flash", "gemini-embedding-001"]
}
route keys GET /keys/v1/models {
    auth.key as key
    ai.models from=key.models
}
"""


async def called(call: Any, gate: Gate) -> Any:
    return await trio.to_thread.run_sync(call, gate)


def of_openai(gate: Gate) -> list[str]:
    with openai.OpenAI(base_url=gate.url + "/v1", api_key="mine", max_retries=0) as client:
        return [one.id for one in client.models.list()]


def of_anthropic(gate: Gate) -> list[str]:
    with anthropic.Anthropic(base_url=gate.url, api_key="mine", max_retries=0) as client:
        return [one.id for one in client.models.list()]


def of_gemini(gate: Gate) -> dict[str, Any]:
    with genai.Client(
        api_key="mine", http_options=types.HttpOptions(base_url=gate.url, api_version="v1beta")
    ) as client:
        return {str(one.name): one.input_token_limit for one in client.models.list(config={"query_base": True})}


@pytest.mark.parametrize("client", [of_openai, of_anthropic])
async def test_a_client_sees_what_the_list_names(client: Any) -> None:
    async with open_gate(POLICY) as gate:
        found = await called(client, gate)
    assert {"gpt-4.1", "our-own", "claude-sonnet-4-5"} <= set(found)
    assert all(name in ("gpt-4.1", "our-own") or name.startswith("claude-sonnet-") for name in found)


async def test_geminis_client_sees_names_and_windows() -> None:
    async with open_gate(POLICY) as gate:
        found = await called(of_gemini, gate)
    assert set(found) == {"models/gemini-2.5-flash", "models/gemini-embedding-001"}
    assert found["models/gemini-embedding-001"] == 2048


async def test_one_model_is_found_and_another_is_not() -> None:
    async with open_gate(POLICY) as gate:
        with openai.OpenAI(base_url=gate.url + "/v1", api_key="mine", max_retries=0) as client:
            found = await trio.to_thread.run_sync(client.models.retrieve, "gpt-4.1")
            with pytest.raises(openai.NotFoundError):
                await trio.to_thread.run_sync(client.models.retrieve, "gpt-4o")
    assert (found.id, found.owned_by) == ("gpt-4.1", "openai")


async def test_a_key_for_all_models_sees_all_and_one_for_some_those() -> None:
    async with open_gate(POLICY) as gate:
        names = {}
        for team, models in {"all": ["*"], "some": ["gpt-4.1"]}.items():
            secret = await gate.key(team, models=models)
            answer = await gate.send("GET", "/keys/v1/models", headers={"authorization": f"Bearer {secret}"})
            names[team] = [one["id"] for one in answer.json()["data"]]
    assert names["some"] == ["gpt-4.1"]
    assert len(names["all"]) > 100
