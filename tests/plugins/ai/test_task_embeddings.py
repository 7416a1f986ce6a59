"""Embeddings: the clients' own SDKs in front, simulated providers behind, real sockets between them."""

from __future__ import annotations

from typing import Any

import openai
import pytest
import trio

from headgate.api import Money
from headgate.testing.gate import open_gate
from headgate.testing.providers import Fails, OpenAI, Says, Tokens

POLICY = """policy 1
model small {{ provider = openai, name = "text-embedding-3-small", key = secret("TASK_KEY"), url = "{url}/v1" }}
model chats {{ provider = openai, name = "gpt-4.1", key = secret("TASK_KEY"), url = "{url}/v1" }}
route embed POST /v1/embeddings public {{
    read.task as job
    ai.task small
}}
route list POST /list/v1/embeddings public {{
    read.task as job
    ai.task [chats, small]
}}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "sk-the-providers-key")


def client_of(url: str, path: str = "/v1") -> openai.OpenAI:
    return openai.OpenAI(base_url=url + path, api_key="sk-the-clients-key", max_retries=0, timeout=5)


async def in_thread(call: Any) -> Any:
    return await trio.to_thread.run_sync(call)


async def test_openais_client_gets_vectors_and_the_row_says_what_they_cost() -> None:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        sim.says(Says(tokens=Tokens(1000)))
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            with client_of(gate.url) as client:
                found = await in_thread(
                    lambda: client.embeddings.create(model="any", input=["one", "two"], dimensions=8)
                )
            row = await gate.row(0)
        assert [len(one.embedding) for one in found.data] == [8, 8]
        assert sim.received[0].body["model"] == "text-embedding-3-small"
        assert sim.received[0].body["encoding_format"] == "base64"
        assert "sk-the-clients-key" not in str(sim.received[0].headers)
        assert (row["model_asked"], row["task"]) == ("any", "embedding")
        assert row["input_tokens"] == 1000
        assert row["cost"] == Money(20_000)
        nursery.cancel_scope.cancel()


async def test_a_chat_model_is_passed_over() -> None:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            with client_of(gate.url, "/list/v1") as client:
                found = await in_thread(lambda: client.embeddings.create(model="any", input="one"))
        assert len(found.data) == 1
        assert [one.body["model"] for one in sim.received] == ["text-embedding-3-small"]
        nursery.cancel_scope.cancel()


async def test_what_is_no_input_is_refused_by_name() -> None:
    async with open_gate(POLICY.format(url="http://127.0.0.1:1")) as gate:
        answer = await gate.send("POST", "/v1/embeddings", json_body={"model": "x", "input": [""]})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "input[0]")


async def test_a_limit_of_the_provider_reaches_the_client_as_its_own_exception() -> None:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        sim.says(Fails("limited"))
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            with client_of(gate.url) as client, pytest.raises(openai.RateLimitError):
                await in_thread(lambda: client.embeddings.create(model="any", input="one"))
        nursery.cancel_scope.cancel()
