"""Files and batches through `ai.forward`, with OpenAI's own client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
import trio

from headgate.testing.gate import Gate, open_gate
from headgate.testing.providers import OpenAI

POLICY = """policy 1
model store {{ provider = openai, name = "gpt-4.1", key = secret("TASK_KEY"), url = "{url}/v1" }}
route files GET, POST /v1/files public {{
    ai.forward store
}}
route file GET, DELETE /v1/files/{{rest:path}} public {{
    ai.forward store
}}
route batches GET, POST /v1/batches public {{
    ai.forward store
}}
route batch GET, POST /v1/batches/{{rest:path}} public {{
    ai.forward store
}}
route others GET /v1/others/{{rest:path}} public {{
    ai.forward store
}}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "sk-the-providers-key")


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[OpenAI, Gate]]:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI(key="sk-the-providers-key").start(nursery)
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            yield sim, gate
        nursery.cancel_scope.cancel()


async def called(gate: Gate, call: Any) -> Any:
    def run() -> Any:
        with openai.OpenAI(base_url=gate.url + "/v1", api_key="mine", max_retries=0, timeout=5) as client:
            return call(client)

    return await trio.to_thread.run_sync(run)


async def test_a_file_goes_there_and_back_and_is_gone() -> None:
    lines = b'{"custom_id": "1"}\n' * 5000

    def call(client: openai.OpenAI) -> Any:
        sent = client.files.create(file=("in.jsonl", lines), purpose="batch")
        listed = [one.id for one in client.files.list()]
        content = client.files.content(sent.id).read()
        gone = client.files.delete(sent.id)
        return sent, listed, content, gone

    async with opened() as (sim, gate):
        sent, listed, content, gone = await called(gate, call)
    assert (sent.bytes, listed, gone.deleted) == (len(lines), [sent.id], True)
    assert content == lines
    assert all("mine" not in str(list(one.headers)) for one in sim.received)
    assert {one.header("x-stainless-lang") for one in sim.received} == {""}


async def test_a_batch_is_made_and_looked_up() -> None:
    def call(client: openai.OpenAI) -> Any:
        sent = client.files.create(file=("in.jsonl", b"{}"), purpose="batch")
        made = client.batches.create(input_file_id=sent.id, endpoint="/v1/chat/completions", completion_window="24h")
        return client.batches.retrieve(made.id)

    async with opened() as (_, gate):
        found = await called(gate, call)
        row = await gate.row(1)
    assert found.status == "completed"
    assert row.get("cost") is None


async def test_what_is_not_there_is_not_found_for_the_client_too() -> None:
    async with opened() as (_, gate):
        with pytest.raises(openai.NotFoundError, match="No such File object"):
            await called(gate, lambda client: client.files.retrieve("file-none"))


@pytest.mark.parametrize("path", ["/v1/others", "/v1/others/chat/completions", "/v1/filesystem", "/v1/files/../models"])
async def test_no_other_path_is_reached(path: str) -> None:
    async with opened() as (sim, gate):
        answer = await gate.send("GET", path)
        assert not sim.received
    assert answer.status in (400, 404)


async def test_the_clients_key_in_a_query_stays_here() -> None:
    async with opened() as (sim, gate):
        await gate.send("GET", "/v1/files?limit=3&key=mine")
        assert sim.received[0].query == {"limit": "3"}


async def test_a_batch_inside_a_budget_is_refused_for_it_has_no_bound() -> None:
    policy = """policy 1
model store { provider = openai, name = "gpt-4.1", key = secret("TASK_KEY"), url = "http://127.0.0.1:1/v1" }
route batches POST /v1/batches public {
    budget $1 per=day by=client.ip {
        ai.forward store
    }
}
"""
    async with open_gate(policy) as gate:
        answer = await gate.send("POST", "/v1/batches", json_body={})
    assert answer.status >= 400
    assert "no known size" in json.dumps(answer.json())
