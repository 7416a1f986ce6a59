"""What providers say that they used: all of it is counted and priced, and what cannot be is not believed."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.plugins.ai.test_ai_money import world

from headgate.api import Bound, Money, Usage
from headgate.api.ai import Counted, Endpoint, EventReader, PassesFast, Used
from headgate.testing.providers import Says, Tokens
from headgate_ai.asking import Asked
from headgate_ai.prices import given, prices_of
from headgate_ai.tasks.estimates import used
from headgate_anthropic import Anthropic
from headgate_anthropic.outbound import AnthropicOut
from headgate_bedrock import Bedrock
from headgate_cohere import Cohere
from headgate_gemini import Gemini
from headgate_openai import OpenAi

PLUGINS = (OpenAi, Anthropic, Cohere, Gemini, Bedrock)
OUT = {one.name: one.outbound for plugin in PLUGINS for one in plugin().register_dialects()}  # type: ignore[attr-defined]


def counted(dialect: str, answer: dict[str, Any]) -> Counted:
    outbound = OUT[dialect]
    assert outbound is not None
    found = outbound.count(json.dumps(answer).encode())
    assert found is not None
    return found


CLAUDE = {
    "content": [],
    "usage": {
        "input_tokens": 10, "output_tokens": 20, "cache_creation_input_tokens": 500, "cache_read_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 1},
    },
}  # fmt: skip


def test_an_hour_of_cache_and_searches_of_anthropic_are_counted_and_cost() -> None:
    said = counted("anthropic", CLAUDE)
    assert (said.cache_write_tokens, said.cache_write_1h_tokens, said.web_searches) == (500, 200, 3)
    # $3, $0.30 read, $3.75 and $6 written, $15 out for a million; $10 for a thousand searches.
    nano = 10 * 3_000 + 7 * 300 + 300 * 3_750 + 200 * 6_000 + 20 * 15_000 + 3 * 10_000_000
    assert prices_of("anthropic", "claude-sonnet-4-5").cost(said) == Money(nano)


def test_they_are_counted_in_streams_too() -> None:
    usage = {**CLAUDE["usage"], "output_tokens": 1}  # type: ignore[dict-item]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "c", "usage": usage}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ]
    blocks = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    outbound = OUT["anthropic"]
    assert isinstance(outbound, PassesFast)
    passing = outbound.passing(hides_counts=False)
    for block in blocks:
        passing.take(block)
    assert passing.counted == counted("anthropic", CLAUDE)
    reader: EventReader = outbound.reader()  # type: ignore[attr-defined]
    told = [one for _, happenings in reader.feed(b"".join(blocks)) for one in happenings if isinstance(one, Used)]
    assert told[-1].counted == passing.counted


def test_an_hour_of_cache_at_bedrock_is_counted() -> None:
    details = [{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 300}]
    usage = {"inputTokens": 10, "outputTokens": 2, "cacheWriteInputTokens": 500, "cacheDetails": details}
    answer = {"output": {"message": {"content": []}}, "stopReason": "end_turn", "usage": usage}
    said = counted("bedrock", answer)
    assert (said.input_tokens, said.cache_write_tokens, said.cache_write_1h_tokens) == (510, 500, 200)


RESPONSE = {
    "object": "response",
    "status": "completed",
    "output": [
        {"type": "web_search_call", "id": "w1", "action": {"type": "search", "query": "x"}},
        {"type": "web_search_call", "id": "w2", "action": {"type": "open_page", "url": "https://x.example"}},
        {"type": "file_search_call", "id": "f1", "queries": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a web_search_call"}]},
    ],
    "usage": {"input_tokens": 100, "output_tokens": 10},
}


def test_searches_of_openai_are_counted_and_cost_whole_and_streamed() -> None:
    said = counted("openai-responses", RESPONSE)
    assert (said.web_searches, said.file_searches) == (1, 1)
    assert prices_of("openai", "gpt-5").cost(said) == Money(100 * 1_250 + 10 * 10_000 + 10_000_000 + 2_500_000)
    outbound = OUT["openai-responses"]
    assert isinstance(outbound, PassesFast)
    passing = outbound.passing(hides_counts=False)
    passing.take(b"data: " + msgspec.json.encode({"type": "response.completed", "response": RESPONSE}) + b"\n\n")
    assert passing.counted == said


def test_a_search_without_a_price_makes_the_cost_unknown_and_not_zero() -> None:
    said = Counted(input_tokens=10, output_tokens=1, web_searches=1)
    assert given({"input": Money(10**9), "output": Money(10**9)}).cost(said) is None
    assert prices_of("mistral", "mistral-large-latest").cost(said) is None


def test_a_cache_write_is_within_the_bound() -> None:
    for model in ("claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"):
        prices = prices_of("anthropic", model)
        most = prices.most(Counted(input_tokens=1000, output_tokens=5))
        dear = Counted(input_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=1000, output_tokens=5)
        cost = prices.cost(dear)
        assert most is not None
        assert cost is not None
        assert cost <= most


def test_thoughts_that_are_counted_beside_the_completion_are_output() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}
    usage["completion_tokens_details"] = {"reasoning_tokens": 100}  # type: ignore[assignment]
    assert counted("openai", {"choices": [], "usage": usage}).output_tokens == 105
    assert counted("openai", {"choices": [], "usage": {**usage, "total_tokens": 15}}).output_tokens == 5


NONSENSE = [
    Counted(input_tokens=-5, output_tokens=10),
    Counted(input_tokens=5, output_tokens=-10),
    Counted(input_tokens=5, output_tokens=10, cached_tokens=6),
    Counted(input_tokens=5, output_tokens=10, cached_tokens=3, cache_write_tokens=3),
    Counted(input_tokens=5, output_tokens=10, cache_write_tokens=2, cache_write_1h_tokens=3),
    Counted(input_tokens=5, output_tokens=10, cached_tokens=-3),
    Counted(input_tokens=5, output_tokens=10, reasoning_tokens=11),
    Counted(input_tokens=5, output_tokens=10, input_audio_tokens=6),
    Counted(input_tokens=10**15, output_tokens=10),
    Counted(input_tokens=5, output_tokens=10, web_searches=-1),
    Counted(),
]


class Books:
    """A hold that keeps what it is told."""

    def settle(self, usage: Usage) -> None:
        self.usage = usage

    def release(self) -> None:
        raise AssertionError("it was used")


@pytest.mark.parametrize("said", NONSENSE)
@pytest.mark.parametrize("whole", [True, False])
def test_counts_that_cannot_be_are_settled_by_an_estimate_above_zero_and_within_the_bound(
    said: Counted, whole: bool
) -> None:
    prices = given({"input": Money(10**9), "output": Money(2 * 10**9)})
    bound = Bound("p/m", 50 + 30, prices.most(Counted(input_tokens=50, output_tokens=30)))
    model = SimpleNamespace(prices=prices, label="p/m", context=None)
    question = SimpleNamespace(
        most_input=lambda model: 50, likely=lambda model: Counted(input_tokens=10), hides=lambda model: False
    )
    ctx = SimpleNamespace(usage=None, note=lambda *said: None)
    written = SimpleNamespace(body=b"x" * 40)
    books = Books()
    asked = Asked(ctx, model, question, written, 0.0, bound, [books])  # type: ignore[arg-type]
    (asked.settle_whole if whole else asked.settle_guessed)(said, 5000)
    assert books.usage.estimated
    assert books.usage.cost is not None
    assert bound.cost is not None
    assert 0 < books.usage.cost <= bound.cost
    assert ctx.usage.estimated


def test_what_may_have_been_thought_is_no_more_than_the_answer_could_be() -> None:
    """What the bound has left of the input is not booked as output, which costs more."""
    prices = given({"input": Money(10**9), "output": Money(5 * 10**9)})
    bound = Bound("p/m", 5000 + 30, prices.most(Counted(input_tokens=5000, output_tokens=30)), answered=30)
    question = SimpleNamespace(
        most_input=lambda model: 5000, likely=lambda model: Counted(input_tokens=2), hides=lambda model: True
    )
    ctx = SimpleNamespace(
        usage=None, note=lambda *said: None, node=SimpleNamespace(clock=SimpleNamespace(monotonic=lambda: 60.0))
    )
    books = Books()
    model = SimpleNamespace(prices=prices, label="p/m", context=None)
    asked = Asked(ctx, model, question, SimpleNamespace(), 0.0, bound, [books])  # type: ignore[arg-type]
    asked.settle_guessed(Counted(input_tokens=9, output_tokens=1), 12)
    assert (books.usage.input_tokens, books.usage.output_tokens) == (9, 30)
    assert (ctx.usage.input_tokens, ctx.usage.output_tokens) == (9, 3)


def test_an_estimate_costs_no_more_than_the_bound_whatever_its_prices_are() -> None:
    """Gemini's prices have steps: what is estimated to be above one may be dearer than what was bounded below it."""
    prices = prices_of("google", "gemini-2.5-pro")
    bound = Bound("p/m", 100, Money(7), answered=50)
    question = SimpleNamespace(
        most_input=lambda model: 50, likely=lambda model: Counted(input_tokens=50), hides=lambda _: False
    )
    ctx, books = SimpleNamespace(usage=None, note=lambda *said: None), Books()
    model = SimpleNamespace(prices=prices, label="p/m", context=None)
    asked = Asked(ctx, model, question, SimpleNamespace(), 0.0, bound, [books])  # type: ignore[arg-type]
    asked.settle_guessed(None, 400)
    assert (books.usage.cost, ctx.usage.cost) == (Money(7), Money(7))


@pytest.mark.parametrize(
    ("name", "unasked"), [("claude-sonnet-4-5", False), ("claude-3-haiku", False), ("claude-opus-4-7", True), ("claude-next", True)]
)  # fmt: skip
def test_a_claude_that_thinks_to_a_budget_does_not_think_unasked(name: str, unasked: bool) -> None:
    assert AnthropicOut().thinks_unasked(Endpoint(name)) is unasked


def test_a_task_does_not_believe_them_either() -> None:
    job = SimpleNamespace(wants=lambda: SimpleNamespace(texts=["x" * 40]))
    told = used(job, prices_of("openai", "text-embedding-3-small"), Counted(input_tokens=-9))  # type: ignore[arg-type]
    assert told == Counted(input_tokens=10, estimated=True)


async def test_a_provider_that_says_nonsense_is_booked_by_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world("budget $5 per=day { ai.chat gpt }", monkeypatch) as w:
        w.sims["gpt"].says(Says("Words.", tokens=Tokens(5, 7, cached=500)))
        assert (await w.ask()).status == 200
        [row] = await w.rows(1)
        assert row["estimated"]
        assert w.booked([row]) > 0
        assert row["cost"] > 0
