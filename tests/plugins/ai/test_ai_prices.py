"""Costs are exactly those of the price list, whichever way they are computed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import genai_prices
import pytest
from genai_prices import data_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai.batching import HALF, batch_prices
from headgate_ai.listing import Listed
from headgate_ai.prices import Free, Plain, Tiered, Unknown, prices_in, prices_of
from headgate_ai.prices import given as said
from headgate_ai.providers import providers

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


EVERY = [
    (provider.id, model.id, prices_in(Listed(provider, model)), Listed(provider, model))
    for provider in data_snapshot.get_snapshot().providers
    for model in provider.models
]


@st.composite
def counts(draw: st.DrawFn) -> Counted:
    """Counts that can be: what is cached, written and spoken are parts of the input, what is thought of the output."""
    asked, answered = draw(st.integers(0, 2_000_000)), draw(st.integers(0, 200_000))
    cached = draw(st.integers(0, asked))
    written = draw(st.integers(0, asked - cached))
    spoken = draw(st.integers(0, asked - cached - written) | st.just(0))
    return Counted(
        input_tokens=asked,
        output_tokens=answered,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=draw(st.integers(0, written) | st.just(0)),
        reasoning_tokens=draw(st.integers(0, answered)),
        input_audio_tokens=spoken,
    )


@settings(max_examples=12, deadline=None)
@given(counts())
def test_every_price_agrees_with_the_library_and_stays_below_its_bound(counted: Counted) -> None:
    """For every model of the list, whichever way its price is computed."""
    for provider, model, prices, itself in EVERY:
        cost = prices.cost(counted)
        if isinstance(prices, Plain | Tiered):
            assert cost == itself.cost(counted), (provider, model)
        if cost is not None:
            bound = prices.most(Counted(input_tokens=counted.input_tokens, output_tokens=counted.output_tokens))
            assert bound is not None, (provider, model)
            assert cost <= bound, (provider, model)


def test_nearly_all_prices_are_plain() -> None:
    plain = [one for one in EVERY if isinstance(one[2], Plain)]
    assert len(plain) > len(EVERY) // 2


def test_audio_is_priced_apart() -> None:
    counted = Counted(input_tokens=1000, output_tokens=10, input_audio_tokens=900)
    prices = prices_of("google", "gemini-2.5-flash")
    assert prices.cost(counted) == listed("google", "gemini-2.5-flash", counted)


TIERED = [one for one in EVERY if isinstance(one[2], Tiered)]


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_tiers_are_the_librarys_to_the_token(beyond: int) -> None:
    assert {"claude-sonnet-4-5", "gemini-2.5-pro"} <= {model for _, model, *_ in TIERED}
    for provider, model, prices, itself in TIERED:
        for start in {0, *(start for start, _ in prices.steps if start > 0)}:
            tokens = max(0, start + beyond)
            counted = Counted(input_tokens=tokens, output_tokens=77, cached_tokens=tokens // 3)
            assert prices.cost(counted) == itself.cost(counted), (provider, model, tokens)


def test_a_call_below_a_step_is_bounded_by_the_prices_below_it() -> None:
    prices = prices_of("google", "gemini-2.5-pro")
    below, above = (prices.most(Counted(input_tokens=tokens, output_tokens=1000)) or 0 for tokens in (200_000, 200_001))
    assert below == prices.cost(Counted(input_tokens=200_000, output_tokens=1000))
    assert above > 1.5 * below


def test_all_of_a_call_has_the_price_of_its_step() -> None:
    prices = prices_of("google", "gemini-2.5-pro")
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


# --- beside text -----------------------------------------------------------------------------------------------------


def test_images_are_priced_where_the_list_prices_them() -> None:
    text = Counted(input_tokens=1000, output_tokens=0)
    image = Counted(input_tokens=1000, output_tokens=0, input_image_tokens=900)
    assert prices_of("openai", "gpt-image-1").cost(image) == Money(100 * 5000 + 900 * 10_000)
    assert prices_of("openai", "gpt-4.1").cost(image) == prices_of("openai", "gpt-4.1").cost(text)


def test_cached_audio_is_taken_to_be_text_first() -> None:
    """Where both were in a call, and nobody says how much of the audio was cached: the dearer way."""
    both = Counted(input_tokens=1000, cached_tokens=300, input_audio_tokens=800)
    prices = prices_of("google", "gemini-2.5-flash")
    exact = genai_prices.Usage(
        input_tokens=1000, output_tokens=0, cache_read_tokens=300, input_audio_tokens=800, cache_audio_read_tokens=100
    )
    price = genai_prices.calc_price(exact, "gemini-2.5-flash", provider_id="google").total_price
    assert prices.cost(both) == Money((price * 10**9).to_integral_value(ROUND_HALF_UP))


def test_an_hour_of_cache_is_dearer_than_five_minutes() -> None:
    written = Counted(input_tokens=1000, cache_write_tokens=1000)
    hour = Counted(input_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=1000)
    prices = prices_of("anthropic", "claude-opus-4-5")
    assert (prices.cost(written), prices.cost(hour)) == (Money(6_250_000), Money(10_000_000))


def test_a_fee_for_each_call_is_in_the_cost_and_in_the_bound() -> None:
    prices = prices_of("perplexity", "sonar-pro")
    nothing = Counted()
    cost, most = prices.cost(nothing), prices.most(nothing)
    assert cost is not None
    assert most is not None
    assert Money(0) < cost <= most


def test_what_is_sold_by_the_hour_has_no_price_for_tokens() -> None:
    assert prices_of("openai", "whisper-1").cost(CALLS[0]) is None
    assert prices_of("openai", "whisper-1").most(CALLS[0]) is None


# --- batches and contracts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4.1"),
        ("anthropic", "claude-opus-4-1"),
        ("gemini", "gemini-2.5-flash"),
        ("mistral", "mistral-large-2512"),
    ],
)
def test_a_batch_costs_half(provider: str, model: str) -> None:
    row, counted = providers()[provider], Counted(input_tokens=2000, output_tokens=1000)
    whole = prices_of(row.prices, model).cost(counted)
    assert whole is not None
    assert batch_prices(row, model).cost(counted) == whole // 2
    assert HALF[provider].startswith("https://")


def test_what_a_batch_costs_where_nobody_says_is_not_known() -> None:
    assert not batch_prices(providers()["deepseek"], "deepseek-chat").known
    assert not batch_prices(providers()["openai"], "no-such-model").known


def test_a_contracts_price_is_what_it_says() -> None:
    prices = said({"input": Money(2 * 10**9), "output": Money(8 * 10**9), "cached": Money(5 * 10**8)})
    assert prices.known
    assert prices.cost(Counted(input_tokens=1000, cached_tokens=400, output_tokens=10)) == Money(
        600 * 2000 + 400 * 500 + 10 * 8000
    )
    assert prices.most(Counted(input_tokens=1000, output_tokens=10)) == Money(1000 * 2000 + 10 * 8000)


@pytest.mark.parametrize(
    ("price", "says"),
    [
        ({"input": Money(1)}, "`price` lacks `output`"),
        ({"input": Money(1), "output": Money(1), "words": Money(1)}, "knows no words"),
        ({"input": Money(1), "output": 3}, "output has to be an amount of money"),
        ({"input": Money(-1), "output": Money(3)}, "input has to be an amount of money"),
    ],
)
def test_a_price_that_cannot_be_is_refused(price: dict[str, Money], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        said(price)
