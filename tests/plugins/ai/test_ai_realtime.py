"""Realtime sessions, with the official client in front and a simulator of OpenAI's API behind."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from headgate.errors import PolicyError
from headgate.testing import Gate, MemoryLedger, open_gate
from headgate.testing.providers import Fails, Manners, OpenAI, Says, Tokens
from headgate_ai import Ai
from headgate_auth import Auth
from headgate_openai import OpenAi
from headgate_quota import Quota
from headgate_routing import Routing

PLUGINS = [("ai", Ai), ("auth", Auth), ("openai", OpenAi), ("quota", Quota), ("routing", Routing)]
# The client opens its connection in a way that newer versions of the library warn of.
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used:DeprecationWarning")
WORDS = "The quick brown fox jumps over the lazy dog."
LOUD, SILENT = (base64.b64encode(one * 4800).decode() for one in (b"\1", b"\0"))


class World:
    """A gate and the provider behind it."""

    def __init__(self, gate: Gate, sim: OpenAI, secret: str) -> None:
        self.gate, self.sim, self.secret = gate, sim, secret

    async def talk(
        self, work: Callable[[Any], Any], secret: str | None = None, model: str = "gpt-realtime", *, beta: bool = False
    ) -> Any:
        """Run `work(connection)` with OpenAI's own client, in a thread."""

        def run() -> Any:
            url = self.gate.url + "/v1"
            # The beta speaks TLS wherever it is not told otherwise.
            over = {"websocket_base_url": url.replace("http:", "ws:")} if beta else {}
            with openai.OpenAI(base_url=url, api_key=secret or self.secret, **over) as client:
                api = client.beta.realtime if beta else client.realtime
                with api.connect(model=model, websocket_connection_options={"proxy": None}) as connection:
                    return work(connection)

        with trio.fail_after(20):
            return await trio.to_thread.run_sync(run)

    @property
    def booked(self) -> int:
        """All that is settled on the accounts."""
        ledger = self.gate.node.stores.ledger
        assert isinstance(ledger, MemoryLedger)
        return sum(spent[2] for row in self.gate.rows for spent in row.get("spent", ()))

    @property
    def held(self) -> int:
        """What calls have set aside at this moment."""
        accounts = self.gate.node.state["accounts"]
        return sum(purse.slice.open for purse in accounts.purses.values())


@asynccontextmanager
async def world(
    monkeypatch: pytest.MonkeyPatch,
    lines: str = "ai.realtime rt",
    *,
    options: str = "",
    pool: bool = False,
    provider: str = "openai",
    prefix: str | None = None,
) -> AsyncIterator[World]:
    monkeypatch.setenv("RT_KEY", "sk-the-providers-key")
    monkeypatch.setenv("RT_BAD", "sk-an-old-key")
    keys = 'keys = [secret("RT_BAD"), secret("RT_KEY")]' if pool else 'key = secret("RT_KEY")'
    async with trio.open_nursery() as nursery:
        sim = await OpenAI(key="sk-the-providers-key", prefix=prefix).start(nursery)
        sim.says(Says(WORDS))
        text = f"""policy 1
model rt {{ provider = {provider}, name = "gpt-realtime", {keys}, url = "{sim.url}"{options} }}
route rt GET /v1/realtime websocket=true {{
    auth.key as key
    {lines}
}}
"""
        async with open_gate(text, plugins=PLUGINS, discover=False) as gate:
            yield World(gate, sim, await gate.key())
        nursery.cancel_scope.cancel()


def until(connection: Any, kind: str) -> Any:
    """The next event of that kind."""
    for event in connection:
        if event.type == kind:
            return event
    raise AssertionError(f"no {kind} came")


def question(connection: Any, text: str = "Hi", **response: Any) -> Any:
    """Ask, and wait for the end of the answer."""
    connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    )
    connection.response.create(**({"response": response} if response else {}))
    return until(connection, "response.done").response


def in_words(connection: Any) -> Any:
    connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
    return until(connection, "session.updated").session


async def test_answers_pass_and_their_usage_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        created = until(connection, "session.created")
        in_words(connection)
        first = question(connection)
        second = question(connection, "And then?")
        return created.session.model, [one.usage.total_tokens for one in (first, second)]

    async with world(monkeypatch) as w:
        model, totals = await w.talk(work)
        row = await w.gate.row(0)
        assert model == "gpt-realtime"
        assert row["input_tokens"] == w.sim.billed.input
        assert row["output_tokens"] == w.sim.billed.output
        assert sum(totals) == w.sim.billed.input + w.sim.billed.output
        assert (row["status"], row["outcome"], row["close_code"], row["closed_by"]) == (101, "ok", 1000, "client")
        assert (row["estimated"], row["model"], row["provider"]) == (False, "gpt-realtime", "openai")
        assert row["cost"] == w.sim.billed.input * 4_000 + w.sim.billed.output * 16_000
        [attempt] = row["attempts"]
        assert (attempt["result"], attempt["status"], attempt["cost"]) == ("ok", 101, row["cost"])
        assert row["messages_in"] == 5
        assert w.sim.received[0].query == {"model": "gpt-realtime"}


async def test_the_client_s_beta_talks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        until(connection, "session.created")
        return question(connection).usage.total_tokens

    async with world(monkeypatch) as w:
        total = await w.talk(work, beta=True)
        row = await w.gate.row(0)
        assert (row["outcome"], row["input_tokens"] + row["output_tokens"]) == ("ok", total)
        assert w.sim.received[0].headers.get(b"openai-beta") == b"realtime=v1"


async def test_azure_is_asked_where_it_has_its_sessions_and_with_its_own_key_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(connection: Any) -> Any:
        until(connection, "session.created")
        return question(connection).usage.total_tokens

    async with world(monkeypatch, provider="azure", prefix="/openai/v1") as w:
        total = await w.talk(work)
        row = await w.gate.row(0)
        assert (row["provider"], row["input_tokens"] + row["output_tokens"]) == ("azure", total)
        [asked] = w.sim.received
        assert asked.path == "/openai/v1/realtime"
        assert asked.headers.get(b"api-key") == b"sk-the-providers-key"


async def test_sound_has_its_own_price_and_so_has_sound_that_was_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(1000, 500, cached=300, heard=800, spoken=400)

    async with world(monkeypatch) as w:
        w.sim.says(Says(WORDS, tokens=tokens))
        done = await w.talk(question)
        row = await w.gate.row(0)
        assert done.usage.input_token_details.cached_tokens_details.audio_tokens == 300
        assert (row["audio_tokens"], row["cached_tokens"]) == (1200, 300)
        # 200 text in, 500 sound in, 300 sound from the cache, 100 text out, 400 sound out.
        assert row["cost"] == 200 * 4_000 + 500 * 32_000 + 300 * 400 + 100 * 16_000 + 400 * 64_000


async def test_what_is_heard_is_answered_and_its_transcript_is_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        connection.session.update(
            session={"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
        )
        connection.input_audio_buffer.append(audio=LOUD)
        connection.input_audio_buffer.append(audio=SILENT)
        until(connection, "conversation.item.input_audio_transcription.completed")
        return until(connection, "response.done").response.usage

    async with world(monkeypatch) as w:
        await w.talk(work)
        row = await w.gate.row(0)
        assert len(w.sim.bills) == 2
        assert row["input_tokens"] == w.sim.billed.input
        assert row["output_tokens"] == w.sim.billed.output
        assert row["cost"] is not None


async def test_the_providers_key_goes_out_and_the_clients_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as w:
        url = w.gate.url.replace("http", "ws", 1) + "/v1/realtime?model=gpt-realtime"
        offered = ["realtime", f"openai-insecure-api-key.{w.secret}", "openai-beta.realtime-v1"]

        def run() -> Any:
            with connect(
                url, proxy=None, subprotocols=offered, additional_headers={"openai-beta": "realtime=v1"}
            ) as ws:  # type: ignore[arg-type]
                ws.recv()
                return ws.subprotocol, ws.response.headers if ws.response else {}

        protocol, answered = await trio.to_thread.run_sync(run)
        assert protocol == "realtime"
        assert "sec-websocket-extensions" not in answered
        [asked] = w.sim.received
        assert asked.header("authorization") == "Bearer sk-the-providers-key"
        assert asked.header("openai-beta") == "realtime=v1"
        assert asked.header("sec-websocket-protocol") == "realtime, openai-beta.realtime-v1"
        assert asked.header("sec-websocket-extensions") == ""
        assert not [line for line in asked.headers if w.secret.encode() in line[1]]
        row = await w.gate.row(0)
        assert row["team"] == "demo"


async def test_a_key_that_is_refused_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pool=True) as w:
        await w.talk(question)
        row = await w.gate.row(0)
        assert [one["result"] for one in row["attempts"]] == ["401", "ok"]
        assert [one["key"] for one in row["attempts"]] == ["RT_BAD", "RT_KEY"]
        assert row["attempts"][1]["cost"] == row["cost"]


async def test_a_plain_request_is_told_to_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as w:
        headers = {"authorization": f"Bearer {w.secret}"}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{w.gate.url}/v1/realtime?model=gpt-realtime", headers=headers)
        assert (answer.status_code, answer.headers.get("upgrade")) == (426, "websocket")
        assert answer.json()["title"] == "Upgrade Required"
        assert not w.sim.received


@pytest.mark.parametrize(
    ("model", "option", "line", "says"),
    [
        ('provider = openai, name = "gpt-realtime"', "", "ai.realtime m", "websocket=true"),
        ('provider = openai, name = "gpt-4.1"', "websocket=true", "ai.realtime m", "It is no realtime model"),
        ('provider = anthropic, name = "claude-sonnet-4-5"', "websocket=true", "ai.realtime m", "no realtime API"),
        (
            'provider = openai, name = "gpt-realtime-99"', "websocket=true", "budget $5 per=day { ai.realtime m }",
            "nobody here knows the price",
        ),
    ],
)  # fmt: skip
async def test_a_line_that_cannot_work_is_found_when_the_policy_is_checked(
    model: str, option: str, line: str, says: str
) -> None:
    from headgate_anthropic import Anthropic

    text = f"""policy 1
model m {{ {model}, key = secret("RT_KEY") }}
route rt GET /v1/realtime {option} public {{ {line} }}
"""
    with pytest.raises(PolicyError) as caught:
        async with open_gate(text, plugins=[*PLUGINS, ("anthropic", Anthropic)], discover=False):
            pass
    [finding] = caught.value.diagnostics
    assert finding.code == "E114"
    assert says in " ".join([finding.message, *finding.helps])


async def test_a_client_that_goes_in_mid_answer_pays_for_what_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> None:
        in_words(connection)
        connection.response.create()
        until(connection, "response.output_text.delta")

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        w.sim.says(Says(WORDS * 20, manners=Manners(pause_s=0.02)))
        await w.talk(work)
        row = await w.gate.row(0)
        assert row["estimated"]
        assert row["output_tokens"] >= 1
        with trio.fail_after(5):
            while not w.sim.bills:
                await trio.sleep(0.01)
        assert w.booked >= w.sim.billed.input * 4_000 + w.sim.billed.output * 16_000
        assert w.held == 0


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_provider_that_breaks_off_is_counted_as_far_as_it_came(
    monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    def work(connection: Any) -> Any:
        with pytest.raises(ConnectionClosed) as caught:
            question(connection)
        return caught.value.rcvd.code if caught.value.rcvd else None

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        w.sim.says(Says(WORDS, manners=Manners(dies_after=3, how=how), tokens=Tokens(40, 60, spoken=50)))
        assert await w.talk(work) == 1014
        row = await w.gate.row(0)
        assert (row["outcome"], row["error"], row["estimated"]) == ("cut", "upstream.protocol", True)
        assert row["audio_tokens"] > 0
        assert w.booked >= w.sim.billed.input * 4_000 + w.sim.billed.output * 64_000
        assert w.held == 0


async def test_a_provider_that_fails_an_answer_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        w.sim.says(Fails("server"), Says(WORDS))

        def work(connection: Any) -> Any:
            return question(connection).status, question(connection).status

        assert await w.talk(work) == ("failed", "completed")
        row = await w.gate.row(0)
        assert row["cost"] == w.booked > 0
        assert len(w.sim.bills) == 1
        assert w.held == 0


# --- money --------------------------------------------------------------------------------------------------------------

# Dollars for a million tokens: what a turn is reserved at is the window and 100 tokens of an answer, at most.
CHEAP = ", context = 2000, most_output = 100, price = {input: $10, output: $20}"
MOST = 2000 * 10_000 + 100 * 20_000


def closing(connection: Any, work: Callable[[Any], Any]) -> tuple[int, str]:
    """How the session is closed while `work` goes on."""
    try:
        while True:
            work(connection)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")


async def test_a_budget_ends_a_session_before_the_answer_that_it_cannot_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []

    def work(connection: Any) -> Any:
        return closing(connection, lambda one: answers.append(question(one)))

    async with world(monkeypatch, "budget $0.03 per=day { ai.realtime rt }", options=CHEAP) as w:
        w.sim.says(Says(WORDS, tokens=Tokens(500, 50)))
        code, reason = await w.talk(work)
        assert code == 1008
        assert reason.startswith("budget.exhausted: The budget of $0.03 for this day has ")
        row = await w.gate.row(0)
        assert (row["close_code"], row["closed_by"], row["error"]) == (1008, "gateway", "budget.exhausted")
        assert row["attempts"][0]["result"] == "budget.exhausted"
        assert len(w.sim.bills) == len(answers) >= 1, "the provider was not asked for what could not be paid"
        assert w.booked == row["cost"] == len(answers) * (500 * 10_000 + 50 * 20_000) <= 30_000_000
        assert not row["estimated"]
        assert w.held == 0


async def test_who_has_no_money_left_gets_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "budget $0.01 per=day { ai.realtime rt }", options=CHEAP) as w:
        with pytest.raises(InvalidStatus) as caught:
            await w.talk(question)
        assert caught.value.response.status_code == 402
        assert not w.sim.received
        assert w.held == 0


async def test_turns_that_end_by_themselves_are_paid_for_before_they_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = []

    def turn(connection: Any) -> None:
        connection.input_audio_buffer.append(audio=LOUD)
        connection.input_audio_buffer.append(audio=SILENT)
        answers.append(until(connection, "response.done").response)

    async with world(monkeypatch, "budget $0.03 per=day { ai.realtime rt }", options=CHEAP) as w:
        w.sim.says(Says(WORDS, tokens=Tokens(500, 50)))
        code, reason = await w.talk(lambda connection: closing(connection, turn))
        assert (code, reason.partition(":")[0]) == (1008, "budget.exhausted")
        row = await w.gate.row(0)
        assert len(w.sim.bills) == len(answers) >= 1
        assert w.booked == row["cost"] == len(answers) * 6_000_000
        assert w.held == 0


async def test_a_client_that_wants_turn_detection_gets_its_answers_within_a_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(connection: Any) -> Any:
        detects = {"type": "server_vad", "create_response": True, "threshold": 0.4}
        connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": detects}}})
        until(connection, "session.updated")
        for sound in (LOUD, SILENT):
            connection.input_audio_buffer.append(audio=sound)
        return until(connection, "response.done").response.status

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        assert await w.talk(work) == "completed"
        assert len(w.sim.bills) == 1


async def test_answers_are_left_to_a_client_that_wants_to_ask_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        detects = {"type": "server_vad", "create_response": False}
        connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": detects}}})
        for sound in (LOUD, SILENT):
            connection.input_audio_buffer.append(audio=sound)
        until(connection, "input_audio_buffer.committed")
        return question(connection).status

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        assert await w.talk(work) == "completed"
        assert len(w.sim.bills) == 1


async def test_an_event_that_the_provider_refuses_holds_no_money(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        in_words(connection)
        connection.response.create()
        connection.response.create()
        error = until(connection, "error").error
        until(connection, "response.done")
        return error.code, question(connection).status

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        w.sim.says(Says(WORDS, manners=Manners(pause_s=0.01)))
        assert await w.talk(work) == ("conversation_already_has_active_response", "completed")
        row = await w.gate.row(0)
        assert w.booked == row["cost"]
        assert not row["estimated"]
        assert w.held == 0


async def test_the_cap_of_a_budget_bounds_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, "budget $5 per=day cap=7 { ai.realtime rt }") as w:
        w.sim.says(Says(WORDS))
        assert (await w.talk(question)).usage.output_tokens == 7


async def test_transcripts_have_no_bound_unless_the_budget_assumes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hears = {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}

    def heard(connection: Any) -> None:
        connection.session.update(session=hears)
        for sound in (LOUD, SILENT):
            connection.input_audio_buffer.append(audio=sound)
        until(connection, "response.done")

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        code, reason = await w.talk(lambda connection: closing(connection, heard))
        assert (code, reason.partition(":")[0]) == (1008, "budget.unbounded")
        assert not w.sim.bills
    async with world(monkeypatch, "budget $5 per=day assume=$0.05 { ai.realtime rt }") as w:
        await w.talk(heard)
        row = await w.gate.row(0)
        assert len(w.sim.bills) == 2
        assert w.booked == row["cost"] > 0
        assert w.held == 0


@pytest.mark.parametrize(
    ("session", "says"),
    [
        ({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x.test"}]}, "the tool `mcp` is run"),
        ({"prompt": {"id": "pmpt_1"}}, "a stored prompt"),
    ],
)  # fmt: skip
async def test_what_the_provider_adds_has_no_bound(
    monkeypatch: pytest.MonkeyPatch, session: dict[str, Any], says: str
) -> None:
    def work(connection: Any) -> Any:
        connection.session.update(session={"type": "realtime", **session})
        return closing(connection, question)

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt references=any }") as w:
        code, _ = await w.talk(work)
        assert code == 1008
        row = await w.gate.row(0)
        assert says in row["detail"]


async def test_a_limit_of_tokens_ends_a_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "limit.tokens 3000/h by=key.team\n    ai.realtime rt"
    async with world(monkeypatch, lines, options=CHEAP) as w:
        w.sim.says(Says(WORDS, tokens=Tokens(900, 100)))
        code, reason = await w.talk(lambda connection: closing(connection, question))
        assert (code, reason.partition(":")[0]) == (1008, "limit.exceeded")
        assert len(w.sim.bills) >= 1


# --- who may what -------------------------------------------------------------------------------------------------------

NAMED = 'ai.realtime request.query["model"] ?? "gpt-realtime" from=key.models'


async def test_the_client_names_a_model_that_its_key_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, NAMED) as w:
        secret = await w.gate.key(models=("gpt-4o-*",))
        with pytest.raises(InvalidStatus) as caught:
            await w.talk(question, secret)
        assert caught.value.response.status_code == 403


async def test_a_session_keeps_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        connection.session.update(session={"type": "realtime", "model": "gpt-realtime-2"})
        return closing(connection, lambda one: until(one, "session.updated"))

    async with world(monkeypatch) as w:
        assert (await w.talk(work))[0] == 1008


async def test_a_prompt_that_the_provider_holds_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        connection.response.create(response={"prompt": {"id": "pmpt_1"}})
        return closing(connection, lambda one: one.recv())

    async with world(monkeypatch) as w:
        code, reason = await w.talk(work)
        assert (code, reason.partition(":")[0]) == (1008, "ai.unsupported")


async def test_a_session_is_not_transcribed_by_a_model_that_its_key_does_not_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hears = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}

    def work(connection: Any) -> Any:
        connection.session.update(session=hears)
        return closing(connection, lambda one: one.recv())

    async with world(monkeypatch, "ai.realtime rt from=key.models") as w:
        secret = await w.gate.key(models=("gpt-*",))
        assert (await w.talk(work, secret))[0] == 1008
        assert (await w.gate.row(0))["close_code"] == 1008


async def test_an_event_that_can_be_read_in_two_ways_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(connection: Any) -> Any:
        connection._connection.send('{"type": "response.create", "type": "response.cancel"}')
        return closing(connection, lambda one: one.recv())

    async with world(monkeypatch, "budget $5 per=day { ai.realtime rt }") as w:
        assert (await w.talk(work))[0] == 1007
        assert not w.sim.bills


async def test_limits_count_a_session_as_one_call_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(
        monkeypatch, "limit.concurrent 1 by=key.id\n    limit.rate 2/h by=key.id\n    ai.realtime rt"
    ) as w:

        def second() -> int:
            with pytest.raises(InvalidStatus) as refused:
                connect(
                    w.gate.url.replace("http", "ws") + "/v1/realtime?model=gpt-realtime",
                    additional_headers={"authorization": f"Bearer {w.secret}"}, proxy=None,
                )  # fmt: skip
            return refused.value.response.status_code

        def work(connection: Any) -> Any:
            in_words(connection)
            assert second() == 429, "one is at it"
            return question(connection).usage.total_tokens

        for _ in range(2):
            assert await w.talk(work) > 0
        assert await trio.to_thread.run_sync(second) == 429, (
            "what the one limit refuses is none of the other's business"
        )
        assert [row["status"] for row in w.gate.rows].count(101) == 2
