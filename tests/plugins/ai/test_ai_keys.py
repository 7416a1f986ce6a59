"""Pools of keys in front of real sockets: what a provider's answer says of a key, and what the call does then."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import trio

from headgate.testing import Gate, open_gate
from headgate.testing.providers import Anthropic, Bedrock, Cohere, Fails, Gemini, Mistral, OpenAI, Says, Simulator

ONE, TWO = "sk-the-first-key-of-the-pool", "sk-the-second-key-of-the-pool"
POLICY = """policy 1
model one {{ provider = {provider}, name = "m-1", url = "{url}", {keys}{more} }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    ai.chat one timeout=5s
}}
"""
BOTH = 'keys = [secret("POOL_ONE"), secret("POOL_TWO")]'
SIMULATORS: dict[str, type[Simulator]] = {
    "openai": OpenAI, "anthropic": Anthropic, "gemini": Gemini, "mistral": Mistral, "cohere": Cohere, "bedrock": Bedrock,
}  # fmt: skip
MORE = {"bedrock": ', options = {region: "us-east-1"}'}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOL_ONE", ONE)
    monkeypatch.setenv("POOL_TWO", TWO)


@asynccontextmanager
async def opened(provider: str, keys: str = BOTH) -> AsyncIterator[tuple[Simulator, Gate]]:
    async with trio.open_nursery() as nursery:
        sim = await SIMULATORS[provider]().start(nursery)
        policy = POLICY.format(provider=provider, url=sim.url + sim.prefix, keys=keys, more=MORE.get(provider, ""))
        async with open_gate(policy) as gate:
            yield sim, gate
        nursery.cancel_scope.cancel()


async def ask(gate: Gate) -> Any:
    return await gate.send(
        "POST", "/v1/chat/completions", json_body={"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    )


def by_key(sim: Simulator, fails: Mapping[str, Fails]) -> Callable[[Any], Any]:
    """An answer, but for the keys that fail."""
    return lambda asked: fails.get(sim.key_of(asked)) or Says("Hello.")


def asked_with(sim: Simulator) -> list[str]:
    return [sim.key_of(one) for one in sim.received]


@pytest.mark.parametrize("kind", ["limited", "credit", "key"])
@pytest.mark.parametrize("provider", SIMULATORS)
async def test_the_call_goes_on_with_the_next_key_and_the_first_rests(provider: str, kind: Any) -> None:
    async with opened(provider) as (sim, gate):
        sim.says(by_key(sim, {ONE: Fails(kind, retry_after_s=30 if kind == "limited" else None)}))
        answers = [await ask(gate) for _ in range(3)]
        row = await gate.row(0)
    assert [answer.status for answer in answers] == [200] * 3
    assert asked_with(sim) == [ONE, TWO, TWO, TWO]
    assert [one["key"] for one in row["attempts"]] == ["POOL_ONE", "POOL_TWO"]
    assert "sk-the" not in str(gate.rows)


@pytest.mark.parametrize("kind", ["bad", "forbidden", "too_long", "server", "overloaded", "model"])
@pytest.mark.parametrize("provider", [name for name in SIMULATORS if name != "bedrock"])
async def test_an_error_that_is_about_the_request_rests_no_key(provider: str, kind: Any) -> None:
    async with opened(provider) as (sim, gate):
        sim.says(Fails(kind))
        for _ in range(4):
            assert (await ask(gate)).status >= 400
    assert asked_with(sim) == [ONE, TWO, ONE, TWO], "nobody was asked twice, and every key goes round"


@pytest.mark.parametrize(
    ("provider", "kind", "message"),
    [
        ("anthropic", "bad", "messages.0: Your credit balance is too low to access the Anthropic API"),
        ("gemini", "forbidden", "You do not have permission to access the File f-1 or it may not exist."),
        ("bedrock", "bad", "The provided S3 location is not yours: The security token included in the request"),
        ("openai", "limited", "Request too large for m-1 on tokens per min (TPM): Limit 1000, Requested 1200."),
    ],
)
async def test_a_client_cannot_talk_a_key_into_resting(provider: str, kind: Any, message: str) -> None:
    async with opened(provider) as (sim, gate):
        sim.says(Fails(kind, message))
        for _ in range(4):
            assert (await ask(gate)).status >= 400
    assert asked_with(sim) == [ONE, TWO, ONE, TWO]


@pytest.mark.parametrize("kind", ["limited", "credit", "key"])
async def test_a_single_key_is_always_tried(kind: Any) -> None:
    async with opened("openai", 'key = secret("POOL_ONE")') as (sim, gate):
        sim.says(Fails(kind), Says("Hello."))
        assert [(await ask(gate)).status for _ in range(2)][1] == 200
    assert asked_with(sim) == [ONE, ONE]


async def test_where_all_rest_the_one_that_is_free_soonest_is_tried_and_the_client_waits_for_that_one() -> None:
    async with opened("openai") as (sim, gate):
        sim.says(by_key(sim, {ONE: Fails("limited", retry_after_s=20), TWO: Fails("limited", retry_after_s=90)}))
        first, second = await ask(gate), await ask(gate)
    assert asked_with(sim) == [ONE, TWO, ONE]
    assert (first.status, first.headers.get(b"retry-after")) == (429, b"20")
    assert (second.status, second.headers.get(b"retry-after")) == (429, b"20")


async def test_a_key_that_is_not_set_is_none_while_another_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POOL_ONE")
    async with opened("openai") as (sim, gate):
        assert [(await ask(gate)).status for _ in range(3)] == [200] * 3
    assert asked_with(sim) == [TWO] * 3


async def test_a_gateway_without_credit_is_no_mistake_of_the_client() -> None:
    async with opened("anthropic", 'key = secret("POOL_ONE")') as (sim, gate):
        sim.says(Fails("credit"))
        answer = await ask(gate)
    assert (answer.status, "credit balance" in answer.text) == (502, True)


LIMITED = """policy 1
model one {{ provider = openai, name = "gpt-4.1", url = "{url}", key = secret("POOL_ONE") }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    budget {lines} {{ ai.chat one timeout=5s references=any }}
}}
"""


@pytest.mark.parametrize(
    ("lines", "more", "kind"),
    [
        ("$0.0000001 per=day by=client.ip", {}, "budget.exhausted"),
        ("$1 per=day by=client.ip", {"messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_id": "file-1"}}]}]}, "budget.unbounded"),
    ],
)  # fmt: skip
async def test_what_a_limit_refuses_stands_among_the_attempts(lines: str, more: Any, kind: str) -> None:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(LIMITED.format(url=sim.base_url, lines=lines)) as gate:
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}
            await gate.send("POST", "/v1/chat/completions", json_body=body)
            row = await gate.row(0)
        nursery.cancel_scope.cancel()
    (attempt,) = row["attempts"]
    assert (attempt["target"], attempt["result"], attempt["duration_s"]) == ("openai/gpt-4.1", kind, 0.0)
    assert attempt["why"]
    assert sim.received == []


async def test_the_row_says_of_each_attempt_what_came_of_it_and_what_it_cost() -> None:
    async with opened("openai") as (sim, gate):
        sim.says(by_key(sim, {ONE: Fails("limited")}))
        await ask(gate)
        row = await gate.row(0)
    first, second = row["attempts"]
    assert (first["result"], first["status"], "Rate limit reached" in first["why"]) == ("429", 429, True)
    assert (second["result"], second["status"], "why" in second) == ("ok", 200, False)
    assert row["key"] == "POOL_TWO"
    assert {"cache_write_tokens", "audio_tokens"} <= row.keys()


async def test_a_key_that_comes_back_in_any_field_is_in_no_answer_and_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk/with+signs=and-more-0123456789"
    monkeypatch.setenv("POOL_ONE", secret)
    forms = [secret, quote(secret, safe=""), base64.b64encode(f"user:{secret}".encode()).decode(), f"a.{secret}.b"]
    async with opened("openai", 'key = secret("POOL_ONE")') as (sim, gate):
        sim.says(Fails("bad", f"Not {forms[0]}, {forms[1]}, {forms[2]}.", param=forms[3]))
        answer = await ask(gate)
        row = await gate.row(0)
    assert (answer.status, "Not …, …" in answer.text) == (400, True)
    for said in (answer.text, str(answer.headers.lines), str(row)):
        assert not [form for form in (*forms[:2], "with+signs", "with%2Bsigns") if form in said]
        assert base64.b64encode(f"user:{secret}".encode()).decode()[8:-4] not in said


async def test_each_part_of_an_aws_credential_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    session = "FwoGZXIvYXdzEBYaDHNlc3Npb24+/token=="
    monkeypatch.setenv("POOL_ONE", f"AKIASIMULATED0000000:simulated-secret-key:{session}")
    async with opened("bedrock", 'key = secret("POOL_ONE")') as (sim, gate):
        sim.says(Fails("bad", f"The canonical request had {quote(session, safe='')} and simulated-secret-key."))
        answer = await ask(gate)
    assert answer.status == 400, answer.text
    assert "The canonical request had … and …." in answer.text


async def test_a_key_for_which_no_token_can_be_got_is_passed_over_and_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"client_email": "someone@project.iam", "private_key": "-----BEGIN no key", "token_uri": "http://nowhere"}
    monkeypatch.setenv("POOL_ONE", json.dumps(account))
    async with opened("gemini") as (sim, gate):
        assert [(await ask(gate)).status for _ in range(3)] == [200] * 3
        row = await gate.row(0)
    assert asked_with(sim) == [TWO] * 3
    assert [(one["key"], one["result"]) for one in row["attempts"]] == [
        ("POOL_ONE", "upstream.refused"), ("POOL_TWO", "ok"),
    ]  # fmt: skip


FILES = """policy 1
model one {{ provider = openai, name = "m-1", url = "{url}", {keys} }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    ai.chat one timeout=5s
}}
route files GET /v1/files public {{ ai.forward one }}
"""


@pytest.mark.parametrize(("kind", "rests"), [("forbidden", False), ("bad", False), ("key", True), ("credit", True)])
async def test_forwarding_learns_of_a_key_by_the_same_rule(kind: Any, rests: bool) -> None:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(FILES.format(url=sim.base_url, keys=BOTH)) as gate:
            sim.says(Fails(kind), Says("Hello."))
            assert (await gate.send("GET", "/v1/files")).status >= 400
            for _ in range(4):
                assert (await ask(gate)).status == 200
            row = await gate.row(0)
        nursery.cancel_scope.cancel()
    assert (row["key"], row["attempts"][0]["key"]) == ("POOL_ONE", "POOL_ONE")
    assert asked_with(sim) == [ONE, *([TWO] * 4 if rests else [ONE, TWO, ONE, TWO])]
