"""Embeddings and rankings between dialects: each client's own SDK, against each provider."""

from __future__ import annotations

from typing import Any

import cohere
import httpx
import openai
import pytest
import trio
from google import genai
from google.genai import types

from headgate.api import Money
from headgate.testing.gate import Gate, open_gate
from headgate.testing.providers import Cohere, Gemini, Mistral, OpenAI, Simulator

MODELS = {
    "openai": (OpenAI, "text-embedding-3-small", "/v1"),
    "gemini": (Gemini, "gemini-embedding-001", "/v1beta"),
    "cohere": (Cohere, "embed-v4.0", "/v2"),
    "mistral": (Mistral, "mistral-embed", "/v1"),
}
POLICY = """policy 1
model one {{ provider = {provider}, name = "{name}", key = secret("TASK_KEY"), url = "{url}" }}
model ranks {{ provider = {provider}, name = "rerank-v3.5", key = secret("TASK_KEY"), url = "{url}" }}
route openai POST /v1/embeddings public {{
    read.task as job
    ai.task one
}}
route cohere POST /v2/embed public {{
    read.task as job
    ai.task one
}}
route mistral POST /mistral/v1/embeddings public {{
    read.task dialect=mistral as job
    ai.task one
}}
route gemini POST /v1beta/models/{{what}} public {{
    read.task as job
    ai.task one
}}
route rank POST /v2/rerank public {{
    read.task as job
    ai.task ranks
}}
route old POST /v1/rerank public {{
    read.task as job
    ai.task ranks
}}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "the-providers-key")


def by_openai(gate: Gate) -> list[list[float]]:
    with openai.OpenAI(base_url=gate.url + "/v1", api_key="mine", max_retries=0, timeout=5) as client:
        found = client.embeddings.create(model="any", input=["one", "two"], dimensions=16)
    return [one.embedding for one in found.data]


def by_cohere(gate: Gate) -> list[list[float]]:
    with httpx.Client() as web:
        found = cohere.ClientV2("mine", base_url=gate.url, httpx_client=web).embed(
            model="any",
            texts=["one", "two"],
            input_type="search_document",
            embedding_types=["float"],
            output_dimension=16,
        )
    assert found.embeddings.float_ is not None
    return found.embeddings.float_


def by_gemini(gate: Gate) -> list[list[float]]:
    options = types.HttpOptions(base_url=gate.url, api_version="v1beta")
    with genai.Client(api_key="mine", http_options=options) as client:
        found = client.models.embed_content(
            model="any", contents=["one", "two"], config=types.EmbedContentConfig(output_dimensionality=16)
        )
    return [list(one.values or ()) for one in found.embeddings or ()]


def by_mistral(gate: Gate) -> list[list[float]]:
    from mistralai.client import Mistral as Client

    with Client(api_key="mine", server_url=gate.url + "/mistral") as client:
        found = client.embeddings.create(model="any", inputs=["one", "two"], output_dimension=16)
    return [list(one.embedding or ()) for one in found.data]


@pytest.mark.parametrize("client", [by_openai, by_cohere, by_gemini, by_mistral])
@pytest.mark.parametrize("provider", list(MODELS))
async def test_every_client_gets_embeddings_of_every_provider(client: Any, provider: str) -> None:
    make, name, base = MODELS[provider]
    async with trio.open_nursery() as nursery:
        sim: Simulator = await make().start(nursery)
        async with open_gate(POLICY.format(url=sim.url + base, provider=provider, name=name)) as gate:
            vectors = await trio.to_thread.run_sync(client, gate)
            row = await gate.row(0)
        assert [len(one) for one in vectors] == [16, 16]
        assert vectors[0] != vectors[1]
        assert row["model"] == name
        assert row["input_tokens"] > 0
        assert row["cost"] is not None
        nursery.cancel_scope.cancel()


async def test_a_ranking_is_paid_by_the_search() -> None:
    async with trio.open_nursery() as nursery:
        sim = await Cohere().start(nursery)
        policy = POLICY.format(url=sim.url + "/v2", provider="cohere", name="embed-v4.0")
        async with open_gate(policy) as gate:

            def call() -> Any:
                with httpx.Client() as web:
                    return cohere.ClientV2("mine", base_url=gate.url, httpx_client=web).rerank(
                        model="any", query="red apple", documents=["a green pear", "a red apple"], top_n=1
                    )

            found = await trio.to_thread.run_sync(call)
            row = await gate.row(0)
        assert [(one.index, one.relevance_score) for one in found.results] == [(1, 1.0)]
        assert row["cost"] == Money(2_000_000)
        nursery.cancel_scope.cancel()


async def test_a_client_of_the_first_version_gets_its_documents_back() -> None:
    async with trio.open_nursery() as nursery:
        sim = await Cohere().start(nursery)
        async with open_gate(POLICY.format(url=sim.url + "/v2", provider="cohere", name="embed-v4.0")) as gate:

            def call() -> Any:
                with httpx.Client() as web:
                    return cohere.Client("mine", base_url=gate.url, httpx_client=web).rerank(
                        model="any", query="red", documents=["green", {"text": "red"}], return_documents=True, top_n=1
                    )

            found = await trio.to_thread.run_sync(call)
        assert found.results[0].document is not None
        assert found.results[0].document.text == "red"
        assert "return_documents" not in sim.received[0].body
        nursery.cancel_scope.cancel()


async def test_tokens_are_for_openai_alone() -> None:
    policy = POLICY.format(url="http://127.0.0.1:1", provider="cohere", name="embed-v4.0")
    async with open_gate(policy) as gate:
        answer = await gate.send("POST", "/v1/embeddings", json_body={"model": "any", "input": [1, 2, 3]})
    assert answer.status == 400
    assert "not tokens" in answer.json()["error"]["message"]
