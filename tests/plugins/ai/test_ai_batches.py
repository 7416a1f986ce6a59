"""Batches through `ai.forward`: whose files they refer to, whom they ask, and what is booked for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from tests.plugins.ai.test_ai_forwarding import answers

from headgate.api import ClientFault
from headgate.testing import ScriptedUpstream
from headgate.testing.gate import open_gate
from headgate_ai.batch_models import check_body, check_form


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "sk-the-providers-key")


POLICY = """policy 1
model store {{ provider = {provider}, name = "{name}", key = secret("TASK_KEY"), url = "{url}" }}
route all GET, POST, DELETE /v1/{{rest:path}} {{
    auth.key as key
    {lines}
}}
"""


async def said(lines: str, calls: list[Any], bodies: list[Any], provider: str = "openai") -> Any:
    """The statuses of the answers to these calls, `(team, method, path, more)`, and what the provider got."""
    statuses = []
    async with trio.open_nursery() as nursery:
        sim = await ScriptedUpstream(answers(*bodies)).start(nursery)
        name = "gpt-4.1" if provider == "openai" else "claude-3-5-haiku-latest"
        policy = POLICY.format(provider=provider, name=name, url=sim.url, lines=lines)
        async with open_gate(policy) as gate:
            keys = {team: {"authorization": f"Bearer {await gate.key(team)}"} for team in ("ours", "theirs")}
            for team, method, path, more in calls:
                headers = {**keys[team], **more.pop("headers", {})}
                statuses.append((await gate.send(method, path, headers=headers, **more)).status)
        nursery.cancel_scope.cancel()
    return statuses, sim.received


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    written = b""
    for name, filename, data in parts:
        named = f'; filename="{filename}"' if filename else ""
        head = f'--B\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        written += head.encode() + data + b"\r\n"
    return written + b"--B--\r\n"


KIND = "multipart/form-data; boundary=B"
FILE = {"id": "file-in", "object": "file"}
MADE = ("ours", "POST", "/v1/files", {"body": b"x"})


def line(**body: Any) -> bytes:
    return json.dumps({"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": body}).encode()


def made() -> tuple[str, str, str, dict[str, Any]]:
    return "ours", "POST", "/v1/batches", {"json_body": {"input_file_id": "file-in"}}


async def test_a_batch_costs_what_the_budget_assumes() -> None:
    bodies = [FILE, *({"id": f"batch_{at}"} for at in range(3))]
    lines = "budget $1 per=day by=key.id assume=$1 { ai.forward store }"
    statuses, received = await said(lines, [dict_free(MADE), made(), made()], bodies)
    assert statuses == [200, 200, 402]
    assert len(received) == 2


async def test_a_batch_that_is_refused_costs_nothing() -> None:
    lines = "budget $1 per=day by=key.id assume=$1 { ai.forward store }"
    unknown = ("ours", "POST", "/v1/batches", {"json_body": {"input_file_id": "file-none"}})
    statuses, _ = await said(lines, [dict_free(MADE), unknown, made()], [FILE, {"id": "batch_1"}])
    assert statuses == [200, 404, 200]


async def test_a_batch_uses_what_a_limit_of_tokens_sets_aside() -> None:
    lines = "limit.tokens 10/min by=key.id\n    ai.forward store"
    statuses, received = await said(lines, [dict_free(MADE), made(), made()], [FILE, {"id": "b1"}, {"id": "b2"}])
    assert statuses == [200, 200, 429]
    assert len(received) == 2


def dict_free(call: tuple[str, str, str, dict[str, Any]]) -> tuple[str, str, str, dict[str, Any]]:
    """The call, to be used up."""
    team, method, path, more = call
    return team, method, path, dict(more)


async def test_a_batch_refers_to_no_file_of_another_team() -> None:
    source = {"type": "document", "source": {"type": "file", "file_id": "file-in"}}
    asked = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": [source]}]}
    body = {"requests": [{"custom_id": "1", "params": asked}]}
    calls = [
        dict_free(MADE),
        *((team, "POST", "/v1/messages/batches", {"json_body": body}) for team in ("theirs", "ours")),
    ]
    statuses, _ = await said("ai.forward store", calls, [FILE, {"id": "b"}], "anthropic")
    assert statuses == [200, 404, 200]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-in"}]}]}, 404),
        ({"conversation": "conv_1"}, 400),
        ({"previous_response_id": "resp_1"}, 400),
        ({"input": "Hi"}, 200),
    ],
)
@pytest.mark.parametrize("options", ["", "references=any"])
async def test_a_line_of_a_batch_refers_to_nothing_of_another_team(body: Any, status: int, options: str) -> None:
    data = form(("purpose", None, b"batch"), ("file", "a.jsonl", line(model="gpt-4.1", **body)))
    sent = ("theirs", "POST", "/v1/files", {"body": data, "headers": {"content-type": KIND}})
    statuses, _ = await said(f"ai.forward store {options}", [dict_free(MADE), sent], [FILE, {"id": "file-2"}])
    assert statuses == [200, 200 if options else status]


BAD = line(model="gpt-5")
PURPOSE = ("purpose", None, b"batch")


@pytest.mark.parametrize(
    "parts",
    [
        [PURPOSE, ("file", "a.jsonl", BAD)],
        [PURPOSE, ("file", None, BAD)],
        [("purpose", None, b"user_data"), PURPOSE, ("file", "a.jsonl", BAD)],
        [PURPOSE, ("File", "a.jsonl", BAD)],
        [PURPOSE, ("file", "a.jsonl", BAD.replace(b'"model"', b'"Model"'))],
        [PURPOSE, ("file", "a.jsonl", BAD.replace(b'"body"', b'"Body"'))],
        [PURPOSE, ("file", "a.jsonl", line(model="gpt-4.1", models=["gpt-5"]))],
        [PURPOSE, ("file", "a.jsonl", line(model="gpt-4.1", tools=[{"type": "image_generation", "model": "gpt-5"}]))],
    ],
)
def test_no_way_of_writing_a_file_asks_another_model(parts: Any) -> None:
    with pytest.raises(ClientFault) as raised:
        check_form(form(*parts), KIND, ["gpt-4.1"])
    assert raised.value.status_hint in (400, 403)


def test_a_file_of_allowed_questions_passes_with_its_other_fields() -> None:
    parts = [PURPOSE, ("expires_after[anchor]", None, b"created_at"), ("file", "a.jsonl", line(model="gpt-4.1"))]
    assert check_form(form(*parts), KIND, ["gpt-4.1"]) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"requests": 5}, 400),
        ({"requests": [5]}, 400),
        ({"requests": [{"params": {"Model": "opus"}}]}, 400),
        ({"requests": [{"Params": {"model": "opus"}}]}, 400),
        ({"Requests": [{"params": {"model": "opus"}}]}, 400),
        ({"requests": [{"params": {"model": "a", "fallbacks": [{"model": "opus"}]}}]}, 403),
        ({"requests": [{"params": {"model": "a", "tools": [{"type": "advisor", "model": "opus"}]}}]}, 403),
    ],
)
def test_no_way_of_writing_a_batch_asks_another_model(body: Any, status: int) -> None:
    with pytest.raises(ClientFault) as raised:
        check_body(body, ["a"])
    assert raised.value.status_hint == status


async def test_a_key_that_is_given_twice_in_a_batch_is_refused() -> None:
    body = b'{"requests": [{"params": {"model": "a", "model": "b"}}]}'
    call = ("ours", "POST", "/v1/messages/batches", {"body": body})
    statuses, received = await said("ai.forward store", [call], [], "anthropic")
    assert (statuses, received) == ([400], [])


async def test_what_one_team_asks_once_is_not_what_another_asks() -> None:
    calls = [
        (team, "POST", "/v1/files", {"body": b"x", "headers": {"idempotency-key": "1"}})
        for team in ("ours", "theirs", "ours")
    ]  # fmt: skip
    _, received = await said("ai.forward store", calls, [{"id": f"f{at}"} for at in range(3)])
    ours, theirs, again = [dict(one.headers)[b"idempotency-key"] for one in received]
    assert ours == again
    assert len({b"1", ours, theirs}) == 3
