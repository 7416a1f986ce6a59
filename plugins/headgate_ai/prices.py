"""What a call costs, from the price list that `genai-prices` carries with it. No network.

1. Most prices are so much for a million tokens of input, cached input, cache writes and output. These are looked up once,
   when a policy loads, and a call then costs four multiplications of integers.
2. Prices with tiers, prices that change by the hour, and audio are computed by the library, call by call.
3. An unknown model has no price: the cost is absent, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Protocol

import msgspec

from headgate.api import NANO, Money
from headgate.api.ai import Counted

# Dollars for a million tokens, as integers of 10⁻⁹: then a product is 10⁻¹⁵ of a dollar.
_SCALE: Final = 10**9
_PER: Final = 10**6
# The prices of what every call is made of. A model may have others (searches, an hour of cache); calls here never have
# those, but for audio, which is left to the library.
_PLAIN: Final = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
# A fee for each call, whatever it is made of.
_PER_REQUEST: Final = "requests_kcount"


class Prices(Protocol):
    """The price list of one model."""

    def cost(self, counted: Counted) -> Money | None: ...

    def most(self, counted: Counted) -> Money | None:
        """The most that so many tokens can cost, however much of the input is cached or written to a cache."""
        ...


class Free:
    """What costs nothing."""

    def cost(self, counted: Counted) -> Money | None:
        return Money(0)

    def most(self, counted: Counted) -> Money | None:
        return Money(0)


class Unknown:
    """What nobody knows the price of."""

    def cost(self, counted: Counted) -> Money | None:
        return None

    def most(self, counted: Counted) -> Money | None:
        return None


class Listed:
    """A price that the library computes."""

    def __init__(self, provider: Any, model: Any) -> None:
        self._provider = provider
        self._model = model

    def cost(self, counted: Counted) -> Money | None:
        from genai_prices import types

        usage = types.Usage(
            **{
                name: value
                for name, value in (
                    ("input_tokens", counted.input_tokens),
                    ("output_tokens", counted.output_tokens),
                    ("cache_read_tokens", counted.cached_tokens),
                    ("cache_write_tokens", counted.cache_write_tokens),
                    ("input_audio_tokens", counted.input_audio_tokens),
                    ("output_audio_tokens", counted.output_audio_tokens),
                )
                if value
            }
        )
        try:
            price = self._model.calc_price(usage, self._provider, genai_request_timestamp=datetime.now(UTC))
        except ValueError:
            return None  # The provider counts what cannot be: more cached tokens than tokens.
        return Money((price.total_price * NANO).to_integral_value(ROUND_HALF_UP))

    def most(self, counted: Counted) -> Money | None:
        written = msgspec.structs.replace(counted, cache_write_tokens=counted.input_tokens)
        known = [cost for cost in (self.cost(counted), self.cost(written)) if cost is not None]
        return max(known, default=None)


@dataclass(frozen=True, slots=True)
class Plain:
    """Four prices for a million tokens, in 10⁻⁹ dollars, and the library for calls with audio."""

    input: int
    cached: int
    written: int
    output: int
    listed: Listed

    def cost(self, counted: Counted) -> Money | None:
        cached, written = counted.cached_tokens, counted.cache_write_tokens
        fresh = counted.input_tokens - cached - written
        if counted.input_audio_tokens or counted.output_audio_tokens or fresh < 0:
            return self.listed.cost(counted)
        total = fresh * self.input + cached * self.cached + written * self.written + counted.output_tokens * self.output
        return Money((total + _PER // 2) // _PER)

    def most(self, counted: Counted) -> Money | None:
        rate = max(self.input, self.cached, self.written)
        total = counted.input_tokens * rate + counted.output_tokens * self.output
        return Money(-(-total // _PER))


def prices_of(provider_id: str | None, model: str) -> Prices:
    """The prices of a provider's model; `Unknown` where the list does not have it."""
    if provider_id is None:
        return Unknown()
    from genai_prices import data_snapshot

    try:
        provider, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider_id, None)
    except LookupError:
        return Unknown()
    listed = Listed(provider, found)
    return _plain(found.prices, listed) or listed


def _plain(prices: Any, listed: Listed) -> Plain | None:
    """The four prices, where that is all there is."""
    if isinstance(prices, list):
        return None
    given = {name: value for name, value in vars(prices).items() if value is not None and not name.startswith("_")}
    if not {"input_mtok", "output_mtok"} <= given.keys() or _PER_REQUEST in given:
        return None
    rates: dict[str, int] = {}
    for name in _PLAIN:
        value = given.get(name, given["input_mtok"])
        if not isinstance(value, Decimal) or value * _SCALE != int(value * _SCALE):
            return None
        rates[name] = int(value * _SCALE)
    return Plain(rates["input_mtok"], rates["cache_read_mtok"], rates["cache_write_mtok"], rates["output_mtok"], listed)
