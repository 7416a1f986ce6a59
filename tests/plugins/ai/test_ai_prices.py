"""Costs are exactly those of the price list, whichever way they are computed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import genai_prices
import pytest
from genai_prices import data_snapshot

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai.prices import Free, Listed, Plain, Unknown, prices_of

CALLS = [
    Counted(input_tokens=1, output_tokens=1),
    Counted(input_tokens=1234, output_tokens=567, cached_tokens=1000),
    Counted(input_tokens=300_007, output_tokens=4_093, cached_tokens=12_345, cache_write_tokens=678),
    Counted(input_tokens=10, reasoning_tokens=5, output_tokens=7),
]
MODELS = [
    ("openai", "gpt-4.1"),
    ("openai", "gpt-4.1-mini"),
    ("openai", "gpt-5"),
    ("openai", "o3"),
    ("anthropic", "claude-sonnet-4"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("mistral", "mistral-large-latest"),
    ("groq", "llama-3.3-70b-versatile"),
    ("deepseek", "deepseek-chat"),
]


def listed(provider: str, model: str, counted: Counted) -> Money:
    """What the list says, by its own public function."""
    usage = genai_prices.Usage(
        input_tokens=counted.input_tokens,
        output_tokens=counted.output_tokens,
        cache_read_tokens=counted.cached_tokens or None,
        cache_write_tokens=counted.cache_write_tokens or None,
        input_audio_tokens=counted.input_audio_tokens or None,
        output_audio_tokens=counted.output_audio_tokens or None,
    )
    price = genai_prices.calc_price(usage, model, provider_id=provider)
    return Money((price.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


@pytest.mark.parametrize("counted", CALLS)
@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_a_cost_is_that_of_the_list_to_the_last_digit(provider: str, model: str, counted: Counted) -> None:
    assert prices_of(provider, model).cost(counted) == listed(provider, model, counted)


def test_cached_tokens_cost_what_the_list_says() -> None:
    cost = prices_of("openai", "gpt-4.1").cost(Counted(input_tokens=1000, cached_tokens=600, output_tokens=100))
    assert cost == Money(400 * 2000 + 600 * 500 + 100 * 8000)


def test_every_plain_price_agrees_with_the_library() -> None:
    plain = 0
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            prices = prices_of(provider.id, model.id)
            if isinstance(prices, Plain):
                plain += 1
                for counted in CALLS[:3]:
                    assert prices.cost(counted) == prices.listed.cost(counted), (provider.id, model.id)
    assert plain > 300


def test_audio_is_priced_apart() -> None:
    counted = Counted(input_tokens=1000, output_tokens=10, input_audio_tokens=900)
    prices = prices_of("google", "gemini-2.5-flash")
    assert prices.cost(counted) == listed("google", "gemini-2.5-flash", counted)


def test_tiers_are_the_librarys() -> None:
    prices = prices_of("google", "gemini-2.5-pro")
    assert isinstance(prices, Listed)
    low, high = (prices.cost(Counted(input_tokens=tokens)) or 0 for tokens in (200_000, 400_000))
    assert high > 2 * low


def test_what_is_not_in_the_list_has_no_price_rather_than_none_to_pay() -> None:
    assert prices_of("openai", "no-such-model").cost(CALLS[0]) is None
    assert isinstance(prices_of(None, "gpt-4.1"), Unknown)
    assert Free().cost(CALLS[0]) == Money(0)


def test_counts_that_cannot_be_have_no_price() -> None:
    assert prices_of("openai", "gpt-4.1").cost(Counted(input_tokens=1, cached_tokens=5)) is None


def test_half_a_nanodollar_is_rounded_up() -> None:
    prices = prices_of("openai", "gpt-4.1-nano")
    assert isinstance(prices, Plain)
    exact = Decimal(prices.cached) / 10**6 * 3
    assert prices.cost(Counted(input_tokens=3, cached_tokens=3)) == int(exact.to_integral_value(ROUND_HALF_UP))
