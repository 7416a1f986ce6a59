"""Files and batches through `ai.forward`, with OpenAI's own client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
import trio

from headgate.api import ClientFault
from headgate.testing import ScriptedUpstream
from headgate.testing.gate import Gate, open_gate
from headgate.testing.providers import OpenAI
from headgate.testing.upstreams import Wire
from headgate_ai.batch_models import check_body
from headgate_ai.forward_paths import place_of

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
    assert (row["provider"], "model" in row) == ("openai", False)


async def test_what_is_not_there_is_not_found_for_the_client_too() -> None:
    async with opened() as (_, gate):
        with pytest.raises(openai.NotFoundError, match="There is no `file-none`"):
            await called(gate, lambda client: client.files.retrieve("file-none"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/others", "/v1/others/chat/completions", "/v1/filesystem", "/v1/files/../models", "/v1/files/f-1/models",
        "/v1/files/f-1/content/more", "/v1/others/files/x/files", "/v1/files/f-1/", "/v1/files//f-1", "/v1/files/a%2fb",
        "/v1/batches/b-1/content", "/v1/files/%2e%2e%2fmodels", "/v1/others/FILES", "/v1/files/f:1", "/v1/files/f%3fx=1",
    ],
)  # fmt: skip
async def test_no_other_path_is_reached(path: str) -> None:
    async with opened() as (sim, gate):
        answer = await gate.send("GET", path)
        assert not sim.received
    assert answer.status in (400, 404)
    said = answer.json()
    assert "error" in said or said["type"] == "about:blank", "the step speaks the client's dialect, the engine none"


@pytest.mark.parametrize("path", ["/v1/batches/", "/v1/Batches", "/v1//batches", "/v1/batches%2f", "/v1/x/batches/"])
async def test_no_way_of_writing_a_path_makes_a_batch_inside_a_budget(path: str) -> None:
    policy = """policy 1
model store {{ provider = openai, name = "gpt-4.1", key = secret("TASK_KEY"), url = "{url}/v1" }}
route all POST /{{rest:path}} public {{
    budget $1 per=day by=client.ip {{ ai.forward store }}
}}
"""
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(policy.format(url=sim.url)) as gate:
            assert (await gate.send("POST", path, json_body={"input_file_id": "f"})).status in (400, 404)
        nursery.cancel_scope.cancel()
    assert not sim.received


async def test_the_clients_key_in_a_query_stays_here() -> None:
    async with opened() as (sim, gate):
        await gate.send("GET", "/v1/files?limit=3&key=mine")
        assert sim.received[0].query == {"limit": "10000"}


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


TEAMS = """policy 1
model store {{ provider = openai, name = "gpt-4.1", key = secret("TASK_KEY"), url = "{url}/v1" }}
route files GET, POST, DELETE /v1/{{rest:path}} {{
    auth.key as key
    ai.forward store models=key.models max=1MB
}}
"""


@asynccontextmanager
async def teams(**keys: Any) -> AsyncIterator[tuple[OpenAI, list[openai.OpenAI]]]:
    """Clients of two teams, in front of one key of the provider."""
    async with trio.open_nursery() as nursery:
        sim = await OpenAI(key="sk-the-providers-key").start(nursery)
        async with open_gate(TEAMS.format(url=sim.url)) as gate:
            clients = [
                openai.OpenAI(base_url=gate.url + "/v1", api_key=await gate.key(team, **keys), max_retries=0, timeout=5)
                for team in ("ours", "theirs")
            ]
            yield sim, clients
            for client in clients:
                client.close()
        nursery.cancel_scope.cancel()


def questions(*models: str) -> bytes:
    rows = [
        {"custom_id": one, "method": "POST", "url": "/v1/chat/completions", "body": {"model": one}} for one in models
    ]
    return "\n".join(map(json.dumps, rows)).encode()


def answers(*bodies: Any) -> Any:
    """A provider that gives these in turn, over however many connections."""
    left = iter(bodies)

    async def script(wire: Wire) -> None:
        while await wire.request() is not None:
            body = json.dumps(next(left)).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            await wire.send(head.encode() + body)

    return script


async def run(call: Any) -> Any:
    return await trio.to_thread.run_sync(call)


async def test_files_and_batches_of_one_team_are_not_there_for_another() -> None:
    async with teams() as (sim, (ours, theirs)):
        sent = await run(lambda: ours.files.create(file=("in.jsonl", questions("gpt-4.1")), purpose="batch"))
        batch = await run(
            lambda: ours.batches.create(
                input_file_id=sent.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        )  # fmt: skip
        before = len(sim.received)
        for call in (
            lambda: theirs.files.retrieve(sent.id),
            lambda: theirs.files.content(sent.id),
            lambda: theirs.files.delete(sent.id),
            lambda: theirs.batches.retrieve(batch.id),
            lambda: theirs.batches.cancel(batch.id),
            lambda: theirs.batches.create(
                input_file_id=sent.id, endpoint="/v1/chat/completions", completion_window="24h"
            ),
        ):
            with pytest.raises(openai.NotFoundError, match="There is no"):
                await run(call)
        assert len(sim.received) == before, "the provider is not asked"
        own = await run(lambda: theirs.files.create(file=("b.jsonl", questions("gpt-4.1")), purpose="batch"))
        assert [one.id for one in await run(lambda: list(theirs.files.list()))] == [own.id]
        assert [one.id for one in await run(lambda: list(ours.files.list()))] == [sent.id]
        await run(lambda: ours.files.delete(sent.id))
        with pytest.raises(openai.NotFoundError):
            await run(lambda: ours.files.content(sent.id))


async def test_what_comes_out_of_a_batch_is_its_makers() -> None:
    page = {"id": "batch_1", "object": "batch", "output_file_id": "file-out", "error_file_id": None}
    policy = TEAMS.replace(" models=key.models max=1MB", "")
    async with trio.open_nursery() as nursery:
        made = [{"id": "file-in", "object": "file"}, {"id": "batch_1", "object": "batch"}]
        sim = await ScriptedUpstream(answers(*made, page, {"said": "the answers"})).start(nursery)
        async with open_gate(policy.format(url=sim.url)) as gate:
            keys = [{"authorization": f"Bearer {await gate.key(team)}"} for team in ("ours", "theirs")]
            await gate.send("POST", "/v1/files", headers=keys[0], body=b"x")
            await gate.send("POST", "/v1/batches", headers=keys[0], json_body={"input_file_id": "file-in"})
            assert (await gate.send("GET", "/v1/files/file-out", headers=keys[0])).status == 404, "not yet known"
            await gate.send("GET", "/v1/batches/batch_1", headers=keys[0])
            assert (await gate.send("GET", "/v1/files/file-out/content", headers=keys[1])).status == 404
            assert (await gate.send("GET", "/v1/files/file-out/content", headers=keys[0])).status == 200
        nursery.cancel_scope.cancel()


async def test_an_empty_page_is_not_the_end_of_a_list() -> None:
    pages = [
        {"object": "list", "data": [{"id": "file-1"}, {"id": "file-2"}], "has_more": True},
        {"object": "list", "data": [{"id": "file-3"}, {"id": "mine"}], "has_more": True},
    ]
    async with trio.open_nursery() as nursery:
        sim = await ScriptedUpstream(answers({"id": "mine", "object": "file"}, *pages)).start(nursery)
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            await gate.send("POST", "/v1/files", body=b"x")
            said = (await gate.send("GET", "/v1/files?limit=2")).json()
        nursery.cancel_scope.cancel()
    assert said["data"] == [{"id": "mine"}]
    assert [one.path for one in sim.received[1:]] == ["/v1/files?limit=10000", "/v1/files?limit=10000&after=file-2"]


def page(*idents: str, more: bool) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": one} for one in idents], "has_more": more, "last_id": idents[-1]}


async def listed(path: str, made: int, *pages: Any) -> tuple[Any, int]:
    """What the client is told of a list, and how often the provider was asked for it."""
    files = [{"id": f"mine-{at}", "object": "file"} for at in range(made)]
    async with trio.open_nursery() as nursery:
        sim = await ScriptedUpstream(answers(*files, *pages)).start(nursery)
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            for _ in range(made):
                await gate.send("POST", "/v1/files", body=b"x")
            said = (await gate.send("GET", path)).json()
        nursery.cancel_scope.cancel()
    return said, len(sim.received) - made


async def test_a_list_that_is_full_of_others_says_where_it_goes_on() -> None:
    said, asked = await listed("/v1/files", 1, *(page(f"file-{at}", more=True) for at in range(50)))
    assert (said["data"], said["has_more"], said["last_id"], asked) == ([], True, "file-9", 10)


async def test_a_list_is_as_long_as_its_client_wants() -> None:
    everything = page("file-1", "mine-0", "file-2", "mine-1", "mine-2", more=False)
    said, asked = await listed("/v1/files?limit=2", 3, everything)
    assert [one["id"] for one in said["data"]] == ["mine-0", "mine-1"]
    assert (said["has_more"], said["last_id"], asked) == (True, "mine-1", 1)


async def test_a_limit_that_is_none_is_the_providers_to_judge() -> None:
    async with opened() as (sim, gate):
        await gate.send("GET", "/v1/files?limit=many")
        assert sim.received[0].query == {"limit": "many"}


async def test_a_batch_asks_only_models_that_its_caller_may_use() -> None:
    async with teams(models=["gpt-4.1-*"]) as (sim, (ours, _)):
        for models in (["gpt-4.1-mini", "gpt-5"], ["gpt-4.1"]):
            with pytest.raises(openai.PermissionDeniedError, match="You may not use the model"):
                await run(lambda m=models: ours.files.create(file=("in.jsonl", questions(*m)), purpose="batch"))
        twice = b'{"body": {"model": "gpt-4.1-mini", "model": "gpt-5"}}'
        with pytest.raises(openai.BadRequestError, match="twice"):
            await run(lambda: ours.files.create(file=("in.jsonl", twice), purpose="batch"))
        assert not sim.received
        await run(lambda: ours.files.create(file=("in.jsonl", questions("gpt-4.1-mini")), purpose="batch"))
        await run(lambda: ours.files.create(file=("any.txt", b"gpt-5"), purpose="user_data"))
        with pytest.raises(openai.APIStatusError) as large:
            await run(lambda: ours.files.create(file=("in.jsonl", b" " * (1 << 20)), purpose="batch"))
    assert large.value.status_code == 413


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        ({"requests": [{"params": {"model": "a"}}]}, True),
        ({"requests": [{"params": {"model": "a"}}, {"params": {"model": "b"}}]}, False),
        ({"model": "b", "input_files": ["f"]}, False),
        ({"model": "a", "requests": [{"body": {"model": "b"}}]}, False),
        ({"agent_id": "x"}, False),
        ({"model": ["a"]}, False),
    ],
)
def test_the_models_of_a_batch_are_found_in_each_dialect(body: Any, fine: bool) -> None:
    if fine:
        check_body(body, ["a"])
    else:
        with pytest.raises(ClientFault, match="You may not use"):
            check_body(body, ["a"])


@pytest.mark.parametrize(
    ("dialect", "method", "path", "shape"),
    [
        ("anthropic", "POST", "/v1/messages/batches", ("create", "/messages/batches", None)),
        ("anthropic", "GET", "/v1/messages/batches/b_1/results", ("one", "/messages/batches", "b_1")),
        ("anthropic", "POST", "/v1/messages", None),
        ("anthropic", "POST", "/v1/messages/count_tokens", None),
        ("gemini", "GET", "/v1beta/files/abc:download", ("one", "/files", "abc")),
        ("gemini", "POST", "/v1beta/batches/abc:cancel", ("one", "/batches", "abc")),
        ("gemini", "POST", "/v1beta/batches", None),
        ("mistral", "POST", "/v1/batch/jobs", ("create", "/batch/jobs", None)),
        ("mistral", "GET", "/v1/files/f-1/url", ("one", "/files", "f-1")),
        ("openai", "PUT", "/v1/files/f-1", None),
        ("openai", "GET", "/v1/files/f-1\n", None),
        ("openai", "GET", "/v1/uploads/u-1", None),
        ("cohere", "GET", "/v2/files", None),
    ],
)
def test_only_what_a_provider_documents_has_a_place(dialect: str, method: str, path: str, shape: Any) -> None:
    place = place_of(dialect, method, path)
    assert (None if place is None else (place.shape.does, place.shape.collection, place.id)) == shape
