"""What is booked, over real sockets, against the bill of a provider that is not in on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from headgate.testing import Gate, MemoryLedger, ScriptedUpstream, Wire, open_gate
from headgate.testing.providers import Anthropic as AnthropicSim
from headgate.testing.providers import Fails, Manners, OpenAI, Pieces, Says, Simulator, Tokens
from headgate_ai import Ai, failures
from headgate_anthropic import Anthropic
from headgate_cache import Cache
from headgate_openai import OpenAi
from headgate_quota import Quota
from headgate_routing import Routing

PLUGINS = [
    ("ai", Ai), ("anthropic", Anthropic), ("openai", OpenAi), ("quota", Quota), ("routing", Routing), ("cache", Cache),
]  # fmt: skip
# Dollars for a million tokens, so a token of input is 10 millionths of a dollar, and one of output 20.
IN, OUT = 10_000, 20_000
WORDS = "The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 4
CHAT = {"model": "any", "messages": [{"role": "user", "content": "Say something long about animals, please."}]}


class World:
    """A gate, and the providers behind it."""

    def __init__(self, gate: Gate, sims: dict[str, Simulator]) -> None:
        self.gate, self.sims = gate, sims

    async def ask(self, path: str = "/v1/chat/completions", **more: Any) -> Any:
        return await self.gate.send("POST", path, json_body={**CHAT, "max_tokens": 400, **more})

    async def rows(self, count: int) -> list[Any]:
        with trio.fail_after(5):
            while len(self.gate.rows) < count:
                await trio.sleep(0.01)
        return list(self.gate.rows)

    @property
    def billed(self) -> int:
        """What all providers have written on their bills, at our price."""
        return sum(price(sim.billed) for sim in self.sims.values())

    def booked(self, rows: list[Any]) -> int:
        return sum(spent[2] for row in rows for spent in row.get("spent", ()))

    def accounts(self) -> list[Any]:
        ledger = self.gate.node.stores.ledger
        assert isinstance(ledger, MemoryLedger)
        return [book for _, book in ledger._books.values()]


def price(tokens: Tokens) -> int:
    return tokens.input * IN + tokens.output * OUT


@asynccontextmanager
async def world(
    lines: str, monkeypatch: pytest.MonkeyPatch, *, models: str = "", price: bool = True
) -> AsyncIterator[World]:
    """`gpt` and `mini` speak OpenAI, `claude` Anthropic; each has a provider of its own."""
    monkeypatch.setenv("K", "sk-money")
    cost = ", price = {input: $10, output: $20}" if price else ""
    async with trio.open_nursery() as nursery:
        sims: dict[str, Simulator] = {"gpt": OpenAI(), "mini": OpenAI(), "claude": AnthropicSim()}
        text = "policy 1\n"
        for name, sim in sims.items():
            await sim.start(nursery)
            provider = "anthropic" if name == "claude" else "openai"
            url = sim.url
            text += (
                f'model {name} {{ provider = {provider}, name = "m-{name}", key = secret("K"), url = "{url}"{cost} }}\n'
            )
        text += f"""{models}
route r POST /v1/chat/completions public {{
    read.chat as chat
    {lines}
}}
"""
        async with open_gate(text, plugins=PLUGINS, discover=False) as gate:
            yield World(gate, sims)
        nursery.cancel_scope.cancel()


def dying(how: str, after: int = 12) -> Says:
    return Says(WORDS, manners=Manners(dies_after=after, how=how, pause_s=0.001))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["gpt", "claude"])
@pytest.mark.parametrize("how", ["reset", "close", "hang"])
async def test_the_network_is_pulled_under_a_stream_and_the_ledger_has_what_was_used(
    monkeypatch: pytest.MonkeyPatch, model: str, how: str
) -> None:
    async with world(f"budget $5 per=day {{ ai.chat {model} idle=200ms }}", monkeypatch) as w:
        w.sims[model].says(dying(how))
        with pytest.raises(Exception, match=r"."):
            await w.ask(stream=True)
        [row] = await w.rows(1)
        assert row["outcome"] == "cut"
        assert row["estimated"]
        [attempt] = row["attempts"]
        assert (attempt["target"], attempt["result"]) == (f"{row['provider']}/m-{model}", "cut")
        assert attempt["why"], "it was not the client who went"
        assert w.booked([row]) >= w.billed > 0
        if model == "claude":
            assert row["input_tokens"] == w.sims[model].billed.input, "it was said when the stream began"


async def test_a_client_that_hangs_up_pays_for_what_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $5 per=day { ai.chat claude }", monkeypatch) as w:
        w.sims["claude"].says(Says(WORDS, manners=Manners(pause_s=0.01)))
        data = json.dumps({**CHAT, "stream": True, "max_tokens": 400}).encode()
        port = int(w.gate.url.rpartition(":")[2])
        async with await trio.open_tcp_stream("127.0.0.1", port) as client:
            await client.send_all(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data)
            )
            came = b""
            while came.count(b'"content"') < 5:
                came += (piece := await client.receive_some())
                assert piece, came
        [row] = await w.rows(1)
        with trio.fail_after(5):
            while not w.sims["claude"].bills:
                await trio.sleep(0.01)
        assert (row["outcome"], row["estimated"]) == ("client_gone", True)
        assert w.booked([row]) >= w.billed > 0


async def test_calls_at_the_same_time_never_overspend(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $0.05 per=day { ai.chat gpt timeout=9s }", monkeypatch) as w:
        w.sims["gpt"].says(Says(WORDS, manners=Manners(pause_s=0.02)))
        statuses: list[int] = []
        most = 0

        async def one() -> None:
            statuses.append((await w.ask(max_tokens=100)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(one)
            for _ in range(20):
                await trio.sleep(0.01)
                most = max([most, *(book.settled + book.leased for book in w.accounts())])
        assert set(statuses) == {200, 402}
        assert most <= 50_000_000
        rows = await w.rows(40)
        assert w.booked(rows) == w.billed <= 50_000_000


async def test_each_try_of_a_fallback_pays_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "budget $5 per=day { fallback { ai.chat gpt\n ai.chat mini\n ai.chat claude } }"
    async with world(lines, monkeypatch) as w:
        w.sims["gpt"].says(Fails("server"))
        w.sims["mini"].says(Says(WORDS, manners=Manners(dies_after=1, how="close")))
        w.sims["claude"].says(Says(WORDS, tokens=Tokens(30, 60)))
        assert (await w.ask()).status == 200
        [row] = await w.rows(1)
        assert [attempt["result"] for attempt in row["attempts"]] == ["500", "upstream.protocol", "ok"]
        mini, claude = row["spent"]
        assert claude[2] == price(Tokens(30, 60))
        assert mini[2] >= price(w.sims["mini"].billed) > 0, "half of an answer that was asked whole costs its bound"


async def test_the_loser_of_a_hedge_is_billed_what_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "budget $5 per=day { hedge after=50ms { ai.chat gpt\n ai.chat mini } }"
    async with world(lines, monkeypatch) as w:
        w.sims["gpt"].says(Says(WORDS, manners=Manners(pause_s=0.7)))
        w.sims["mini"].says(Says("Quick.", tokens=Tokens(20, 5)))
        assert (await w.ask()).status == 200
        [row] = await w.rows(1)
        assert sorted(attempt["target"] for attempt in row["attempts"]) == ["openai/m-gpt", "openai/m-mini"]
        assert len(row["spent"]) == 2
        assert price(Tokens(20, 5)) in [spent[2] for spent in row["spent"]]
        with trio.move_on_after(1.5):
            while len(w.sims["gpt"].bills) < 1:
                await trio.sleep(0.01)
        assert w.booked([row]) >= w.billed


async def test_what_the_cache_answers_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "cache.exact ttl=1h by=[request.path] { budget $5 per=day { ai.chat gpt } }"
    async with world(lines, monkeypatch) as w:
        w.sims["gpt"].says(Says(WORDS, tokens=Tokens(10, 10)))
        for _ in range(3):
            assert (await w.ask(temperature=0)).status == 200
        rows = await w.rows(3)
        assert len(w.sims["gpt"].bills) == 1
        assert w.booked(rows) == w.billed
        assert [row.get("cost") or 0 for row in rows] == [price(Tokens(10, 10)), 0, 0]


async def test_a_cap_is_sent_where_the_client_gave_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $5 per=day cap=77 { ai.chat gpt }", monkeypatch) as w:
        assert (await w.ask(max_tokens=None)).status == 200
        sent = w.sims["gpt"].received[0].body
        assert 77 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


@pytest.mark.parametrize(("assume", "status"), [("", 400), (" assume=$0.20", 200)])
async def test_what_has_no_bound_is_refused_in_the_clients_words_or_assumed(
    monkeypatch: pytest.MonkeyPatch, assume: str, status: int
) -> None:
    async with world(f"budget $5 per=day{assume} {{ ai.chat gpt }}", monkeypatch) as w:
        answer = await w.ask(max_tokens=None)
        assert answer.status == status
        if status == 400:
            assert answer.json()["error"]["type"] == "invalid_request_error"
            assert "has no bound" in answer.json()["error"]["message"]
            assert w.sims["gpt"].received == []


# The tokens of languages that are written close are nearer to a byte each than to four.
@pytest.mark.parametrize("words", ["狐狸跳过了懒狗。" * 30, "{}[]();!?" * 30])
async def test_dense_text_that_is_cut_is_not_booked_below_its_bill(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    async with world("budget $5 per=day { ai.chat gpt idle=200ms }", monkeypatch) as w:
        tokens = Tokens(120, len(words))
        w.sims["gpt"].says(
            Says(words, tokens=tokens, pieces=Pieces(text=3), manners=Manners(dies_after=20, how="close"))
        )  # fmt: skip
        with pytest.raises(Exception, match=r"."):
            await w.ask(stream=True)
        [row] = await w.rows(1)
        assert w.booked([row]) >= w.billed > 0
        assert row["cost"] < w.billed, "the guess for people is what it was; that is why accounts do not use it"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_try_that_got_no_answer_is_in_the_row_without_any_limit(
    monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    async with world("fallback { ai.chat gpt timeout=100ms\n ai.chat mini }", monkeypatch) as w:
        w.sims["gpt"].says(Says(WORDS, manners=Manners(pause_s=5)))
        w.sims["mini"].says(Says("Here.", tokens=Tokens(10, 2)))
        assert (await w.ask(stream=stream)).status == 200
        [row] = await w.rows(1)
        asked = -(-len(CHAT["messages"][0]["content"]) // 4)
        assert row["estimated"]
        assert row["input_tokens"] == 10 + asked
        assert [attempt["result"] for attempt in row["attempts"]] == ["upstream.timeout", "ok"]


async def test_what_was_never_sent_used_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = 'model gone { provider = openai, name = "m", key = secret("K"), url = "http://127.0.0.1:9", price = {input: $10, output: $20} }'
    lines = "budget $5 per=day { fallback { ai.chat gone\n ai.chat mini } }"
    async with world(lines, monkeypatch, models=gone) as w:
        w.sims["mini"].says(Says("Here.", tokens=Tokens(10, 2)))
        assert (await w.ask()).status == 200
        [row] = await w.rows(1)
        assert not row["estimated"]
        assert w.booked([row]) == row["cost"] == w.billed


async def test_a_cut_stream_is_never_booked_above_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $5 per=day { ai.chat gpt idle=200ms }", monkeypatch) as w:
        w.sims["gpt"].says(dying("close"))
        with pytest.raises(Exception, match=r"."):
            await w.ask(stream=True, max_tokens=3)
        [row] = await w.rows(1)
        [spent] = row["spent"]
        assert row["output_tokens"] + row["input_tokens"] > 0
        most_in = 616 + len(CHAT["messages"][0]["content"]) + 100
        assert 0 < spent[2] <= price(Tokens(most_in, 3))


async def test_a_picture_that_is_cut_off_is_guessed_as_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $5 per=day { ai.chat gpt idle=200ms }", monkeypatch) as w:
        w.sims["gpt"].says(dying("close"))
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
        with pytest.raises(Exception, match=r"."):
            await w.ask(stream=True, messages=[{"role": "user", "content": [picture]}])
        [row] = await w.rows(1)
        assert row["input_tokens"] == 1000


async def test_an_error_that_is_never_told_to_its_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_ERROR_S", 0.05)

    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 500 Oh\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{")
        with trio.fail_after(5):
            while await wire.receive():
                pass
        closed.set()

    closed = trio.Event()
    async with trio.open_nursery() as nursery:
        up = await ScriptedUpstream(endless).start(nursery)
        slow = f'model slow {{ provider = openai, name = "m", key = secret("K"), url = "{up.url}" }}'
        lines = "fallback { ai.chat slow timeout=30s idle=30s\n ai.chat mini }"
        async with world(lines, monkeypatch, models=slow) as w:
            with trio.fail_after(3):
                assert (await w.ask()).status == 200
                await closed.wait()
        nursery.cancel_scope.cancel()


async def test_a_cap_is_sent_by_the_line_that_has_it_and_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "fallback { budget $5 per=day cap=77 { ai.chat gpt }\n ai.chat mini }"
    async with world(lines, monkeypatch) as w:
        w.sims["gpt"].says(Fails("server"))
        assert (await w.ask(max_tokens=None)).status == 200
        first, second = w.sims["gpt"].received[0].body, w.sims["mini"].received[0].body
        assert 77 in (first.get("max_tokens"), first.get("max_completion_tokens"))
        assert second.get("max_tokens") is second.get("max_completion_tokens") is None


@asynccontextmanager
async def scripted(lines: str, script: Any, monkeypatch: pytest.MonkeyPatch, known: str = "") -> AsyncIterator[World]:
    """A model `odd` whose provider does what the script says, which gets each connection."""
    async with trio.open_nursery() as nursery:
        up = await ScriptedUpstream(script).start(nursery)
        odd = f'model odd {{ provider = openai, name = "m-odd", key = secret("K"), url = "{up.url}"{known} }}'
        async with world(lines, monkeypatch, models=odd) as w:
            yield w
        nursery.cancel_scope.cancel()


THINKS = ', abilities = ["reasoning"], price = {input: $10, output: $20}'
TALKS = ', abilities = ["tools"], price = {input: $10, output: $20}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(("known", "hidden"), [(THINKS, 5000), (TALKS, 0)])
async def test_a_model_that_thinks_is_booked_for_what_it_may_have_thought(
    monkeypatch: pytest.MonkeyPatch, known: str, hidden: int
) -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD)
        while await wire.receive():
            pass

    lines = "budget $5 per=day { ai.chat odd timeout=100ms }"
    async with scripted(lines, silent, monkeypatch, known) as w:
        assert (await w.ask(stream=True, max_tokens=30_000)).status == 504
        [row] = await w.rows(1)
        [spent] = row["spent"]
        least, most = hidden * OUT, hidden * 2 * OUT + 1_000 * IN
        assert least <= spent[2] <= most, "nobody makes more than 5,000 tokens a second, and it had a second or two"


async def test_a_hang_up_is_never_booked_above_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD)
        while await wire.receive():
            pass

    async with scripted("budget $5 per=day { ai.chat odd timeout=100ms }", silent, monkeypatch, THINKS) as w:
        assert (await w.ask(stream=True, max_tokens=7)).status == 504
        [row] = await w.rows(1)
        assert row["spent"][0][2] <= 1_000 * IN + 7 * OUT


@pytest.mark.parametrize(("status", "booked"), [(504, True), (408, True), (503, False), (429, False)])
async def test_who_waited_no_longer_says_nothing_of_the_provider(
    monkeypatch: pytest.MonkeyPatch, status: int, booked: bool
) -> None:
    async def gives_up(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)

    async with scripted("budget $5 per=day { ai.chat odd }", gives_up, monkeypatch, TALKS) as w:
        assert (await w.ask(max_tokens=400)).status >= 400
        [row] = await w.rows(1)
        spent = sum(one[2] for one in row.get("spent", ()))
        assert (spent >= 400 * OUT) if booked else spent == 0


async def test_what_costs_nothing_is_limited_in_tokens_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(wire: Wire) -> None:
        await wire.request()
        while await wire.receive():
            pass

    async with trio.open_nursery() as nursery:
        up = await ScriptedUpstream(slow).start(nursery)
        home = f'model home {{ provider = vllm, name = "x", url = "{up.url}", context = 128000 }}'
        async with world("limit.tokens 2000/min\n ai.chat home timeout=300ms", monkeypatch, models=home) as w:
            statuses: list[int] = []

            async def one() -> None:
                statuses.append((await w.ask(max_tokens=100_000)).status)

            async with trio.open_nursery() as calls:
                for _ in range(4):
                    calls.start_soon(one)
            assert sorted(statuses) == [429, 429, 429, 504]
        nursery.cancel_scope.cancel()
