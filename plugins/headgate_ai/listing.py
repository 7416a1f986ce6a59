"""A model in the price list of `genai-prices`, which knows tiers, hours, fees, and what audio and images cost.

The list counts as OpenAI does: input includes what was cached, what was written to a cache, audio and images. Where two
of these overlap (cached audio), and the list prices the overlap apart, it wants to be told; no provider's chat counts it,
and realtime sessions do. Else what was cached is taken to be text first: the dearer way, and the one that the counts allow for sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any, Final

from headgate.api import NANO, Money
from headgate.api.ai import Counted

# The list's names for what is counted.
_NAMES: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "output_image_tokens": "output_image_tokens",
    "web_searches": "web_searches",
    "file_searches": "storage_searches",
}
# What is counted and has a price of its own in some lists, and what that is called.
_SPECIAL: Final = {
    "cache_write_1h_tokens": "cache_write_1h_mtok",
    "input_audio_tokens": "input_audio_mtok",
    "output_audio_tokens": "output_audio_mtok",
    "input_image_tokens": "input_image_mtok",
    "output_image_tokens": "output_image_mtok",
    "web_searches": "web_searches_kcount",
    "file_searches": "storage_searches_kcount",
}
# What is no token has no price where the list has none: it is not among the tokens that are priced anyway.
_SEARCHES: Final = ("web_searches", "file_searches")
_OVERLAPS: Final = {
    "cache_audio_read_tokens": "input_audio_tokens",
    "cache_image_read_tokens": "input_image_tokens",
}
# What of these a provider of realtime sessions tells.
_TOLD: Final = {"cache_audio_read_tokens": "cached_audio_tokens", "cache_image_read_tokens": "cached_image_tokens"}
_MILLION: Final = 10**6
# A call may end in an hour that has another price.
_LONGEST: Final = timedelta(hours=1)


class Listed:
    """A price that the library computes. `when` is the way of use that some prices depend on."""

    __slots__ = ("_model", "_provider", "_special", "_when", "changes")

    def __init__(self, provider: Any, model: Any, when: Mapping[str, str] | None = None) -> None:
        self._provider = provider
        self._model = model
        self._when = dict(when) if when else None
        self.changes = isinstance(model.prices, list)
        priced = fields(self.now(datetime.now(UTC)))
        self._special = tuple(name for name, price in _SPECIAL.items() if price in priced)

    def __repr__(self) -> str:
        return f"<Listed {self._provider.id}/{self._model.id}>"

    @property
    def id(self) -> str:
        """What the list calls the model."""
        return str(self._model.id)

    @property
    def context(self) -> int | None:
        """The tokens of its window, where the list says."""
        window: int | None = self._model.context_window
        return window

    @property
    def known(self) -> bool:
        """Whether it is sold by tokens, or is free; what is sold by the hour or the page has no price for tokens."""
        of = fields(self.now(datetime.now(UTC)))
        return not of or any(name.endswith("_mtok") for name in of)

    @property
    def unit(self) -> str:
        """See `Prices`."""
        return "token"

    def fields_now(self) -> dict[str, Any]:
        """What its prices are made of."""
        return fields(self.now(datetime.now(UTC)))

    @property
    def varies(self) -> bool:
        """Whether the list has a price for the way in which it is used."""
        when = self._when or {}
        return any(when.items() >= one.when.items() for one in self._model.price_variants or ())

    def now(self, at: datetime) -> Any:
        """The prices at a time, as the library has them."""
        return self._model.get_prices(at, self._when)

    def takes_apart(self, counted: Counted) -> bool:
        """Whether a call holds what has a price of its own beside the usual four."""
        for name in self._special:  # noqa: SIM110 - for every call; `any` would cost twice as much
            if getattr(counted, name):
                return True
        return False

    def cost(self, counted: Counted) -> Money | None:
        """What a call costs; None where the counts cannot be (more cached tokens than tokens), or have no price."""
        if not self.prices_searches(counted):
            return None
        try:
            price = self._model.calc_price(
                _usage(counted), self._provider, genai_request_timestamp=datetime.now(UTC), price_context=self._when
            )
        except ValueError:
            return None
        return Money((price.total_price * NANO).to_integral_value(ROUND_HALF_UP))

    def prices_searches(self, counted: Counted) -> bool:
        """Whether what was searched, if anything was, has a price."""
        return all(name in self._special for name in _SEARCHES if getattr(counted, name))

    def most(self, counted: Counted) -> Money | None:
        """See `Prices`."""
        now = datetime.now(UTC)
        lists = [fields(self.now(at)) for at in (now, now + _LONGEST)]
        most_in, most_out = dearest(lists)
        total = (counted.input_tokens * most_in + counted.output_tokens * most_out) / _MILLION
        total += max(fee(of) for of in lists)
        return Money((total * NANO).to_integral_value(ROUND_CEILING))


def _usage(counted: Counted) -> Any:
    from genai_prices import types

    said = {theirs: getattr(counted, ours) for ours, theirs in _NAMES.items() if getattr(counted, ours)}
    for both, one in _OVERLAPS.items():
        if one in said and "cache_read_tokens" in said:
            least = max(0, said["cache_read_tokens"] + said[one] - counted.input_tokens)
            said[both] = min(max(least, getattr(counted, _TOLD[both])), said[one])
    return types.Usage(**said)


def fields(prices: Any) -> dict[str, Any]:
    """What a model's prices are made of, by the list's own names."""
    return {name: value for name, value in vars(prices).items() if value is not None and not name.startswith("_")}


def dearest(lists: Iterable[Mapping[str, Any]]) -> tuple[Decimal, Decimal]:
    """The dearest rates for a million tokens, in and out, of several lists, all tiers included."""
    rates = {"in": Decimal(0), "out": Decimal(0)}
    for of in lists:
        for name, value in of.items():
            if name.endswith("_mtok"):
                way = "out" if name.startswith("output_") else "in"
                rates[way] = max(rates[way], *_tiers(value))
    return rates["in"], rates["out"]


def fee(of: Mapping[str, Any]) -> Decimal:
    """What each call costs, whatever it is made of."""
    return max(_tiers(of.get("requests_kcount", Decimal(0)))) / 1000


def _tiers(value: Any) -> list[Decimal]:
    return [price for _, price in steps(value)]


def steps(value: Any) -> list[tuple[int, Decimal]]:
    """A price, and above how many tokens of input it holds, the smallest first. The first holds for all: above -1."""
    if isinstance(value, Decimal):
        return [(-1, value)]
    return [(-1, value.base), *((tier.start, tier.price) for tier in value.tiers)]
