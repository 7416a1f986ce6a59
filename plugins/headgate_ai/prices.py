"""What a call costs, from the price list that `genai-prices` carries with it. No network.

1. Most prices are so much for a million tokens of input, cached input, cache writes and output, some of them by the size
   of the input. These are looked up once, when a policy loads, and a call then costs four multiplications of integers.
2. Prices that change by the hour, fees, and calls with audio or images are computed by the library.
3. An unknown model has no price: the cost is absent, never zero. So is that of a model that is not sold by tokens.
4. What a call can cost at most is reckoned at the dearest rate of each direction that its size allows, whatever its tokens
   turn out to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, Protocol

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai import units
from headgate_ai.listing import Listed, dearest, fields, steps

# Dollars for a million tokens, as integers of 10⁻⁹: then a product is 10⁻¹⁵ of a dollar.
_SCALE: Final = 10**9
_PER: Final = 10**6
# The prices of what every call is made of. A model may have others (searches, an hour of cache).
_PLAIN: Final = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
# What makes a call more than these, and is counted: the library knows how to take it apart.
_APART: Final = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


class Prices(Protocol):
    """The price list of one model. `known` tells whether there is one."""

    @property
    def known(self) -> bool: ...

    @property
    def unit(self) -> str:
        """What it is sold by: token, second, character, image or search."""
        ...

    def cost(self, counted: Counted) -> Money | None: ...

    def most(self, counted: Counted) -> Money | None:
        """The most that so many tokens can cost, however much of the input is cached or written to a cache."""
        ...


class Free:
    """What costs nothing."""

    known = True
    unit = "token"

    def cost(self, counted: Counted) -> Money | None:
        return Money(0)

    def most(self, counted: Counted) -> Money | None:
        return Money(0)


class Unknown:
    """What nobody knows the price of."""

    known = False
    unit = "token"

    def cost(self, counted: Counted) -> Money | None:
        return None

    def most(self, counted: Counted) -> Money | None:
        return None


@dataclass(frozen=True, slots=True)
class Plain:
    """Four prices for a million tokens, in 10⁻⁹ dollars, and the list for calls with audio or images that it prices.

    `dear` are the dearest rates, in and out, where they are not among the four.
    """

    input: int
    cached: int
    written: int
    output: int
    listed: Listed | None = None
    dear: tuple[int, int] = (0, 0)

    known = True
    unit = "token"

    def cost(self, counted: Counted) -> Money | None:
        cached, written = counted.cached_tokens, counted.cache_write_tokens
        fresh = counted.input_tokens - cached - written
        if fresh < 0 or ((counted.web_searches or counted.file_searches) and not self._searches(counted)):
            return None
        if self.listed is not None and self.listed.takes_apart(counted):
            return self.listed.cost(counted)
        total = fresh * self.input + cached * self.cached + written * self.written + counted.output_tokens * self.output
        return Money((total + _PER // 2) // _PER)

    def _searches(self, counted: Counted) -> bool:
        """Whether what was searched has a price."""
        return self.listed is not None and self.listed.prices_searches(counted)

    def most(self, counted: Counted) -> Money:
        most_in = max(self.input, self.cached, self.written, self.dear[0])
        most_out = max(self.output, self.dear[1])
        total = counted.input_tokens * most_in + counted.output_tokens * most_out
        return Money(-(-total // _PER))


@dataclass(frozen=True, slots=True)
class Tiered:
    """Prices of calls with more input than so many tokens, the largest first: all of a call has the price of its step."""

    steps: tuple[tuple[int, Plain], ...]

    known = True
    unit = "token"

    def cost(self, counted: Counted) -> Money | None:
        tokens = counted.input_tokens
        return next((plain.cost(counted) for start, plain in self.steps if tokens > start), None)

    def most(self, counted: Counted) -> Money:
        # What has no more input than this stays below the steps that begin above it.
        return max(plain.most(counted) for start, plain in self.steps if counted.input_tokens > start)


def prices_of(provider_id: str | None, model: str) -> Prices:
    """The prices of a provider's model; `Unknown` where the list does not have it."""
    return prices_in(listed_of(provider_id, model))


def prices_in(found: Listed | None) -> Prices:
    """The prices of a model of the list."""
    if found is None or not found.known:
        return (None if found is None else units.listed(found.fields_now())) or Unknown()
    return _plain(found) or found


def listed_of(provider_id: str | None, model: str, when: dict[str, str] | None = None) -> Listed | None:
    """A model of the list; None where the list does not have it. `when` is the way in which it is used."""
    if provider_id is None:
        return None
    from genai_prices import data_snapshot

    try:
        provider, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider_id, None)
    except LookupError:
        return None
    return Listed(provider, found, when)


def all_of(provider_id: str | None) -> list[Listed]:
    """The models of a provider that the list has."""
    if provider_id is None:
        return []
    from genai_prices import data_snapshot

    found = (one for one in data_snapshot.get_snapshot().providers if one.id == provider_id)
    return [Listed(provider, model) for provider in found for model in provider.models]


def given(price: dict[str, Money]) -> Plain:
    """The prices of a resource: so much for a million tokens. ValueError where they cannot be."""
    names = {"input", "output", "cached", "cache_write"}
    if unknown := price.keys() - names:
        raise ValueError(f"`price` knows no {min(unknown)}; it knows {', '.join(sorted(names))}")
    if not {"input", "output"} <= price.keys():
        raise ValueError(
            "`price` lacks " + " and ".join(f"`{name}`" for name in ("input", "output") if name not in price),
            "it is so much for a million tokens: `price = {input: $2, output: $8}`",
        )
    for name, value in price.items():
        if isinstance(value, bool) or not isinstance(value, Money) or value < 0:
            raise ValueError(f"`price`: {name} has to be an amount of money for a million tokens, such as $0.50")
    of = {name: int(price.get(name, price["input"])) for name in names}
    return Plain(of["input"], of["cached"], of["cache_write"], of["output"])


def _plain(listed: Listed) -> Plain | Tiered | None:
    """The four prices, where that is all there is to a call; by the size of its input, where they depend on it."""
    if listed.changes:
        return None
    of = fields(listed.now(datetime.now(UTC)))
    if not {"input_mtok", "output_mtok"} <= of.keys() or any(name in of for name in _APART):
        return None
    four = {name: of.get(name, of["input_mtok"]) for name in _PLAIN}
    starts = sorted({start for value in four.values() for start, _ in steps(value)}, reverse=True)
    found = [(start, plain) for start in starts if (plain := _step(listed, of, four, start)) is not None]
    if len(found) < len(starts):
        return None
    return found[0][1] if len(found) == 1 else Tiered(tuple(found))


def _step(listed: Listed, of: dict[str, Any], four: dict[str, Any], start: int) -> Plain | None:
    """The four prices of a call with more input than `start`; None where one of them is finer than our integers."""
    now = {name: _at(value, start) for name, value in four.items()}
    if any(price * _SCALE != int(price * _SCALE) for price in now.values()):
        return None
    whole = {name: int(price * _SCALE) for name, price in now.items()}
    most = dearest([{name: _at(value, start) for name, value in of.items() if name.endswith("_mtok")}])
    return Plain(
        whole["input_mtok"], whole["cache_read_mtok"], whole["cache_write_mtok"], whole["output_mtok"], listed,
        (_up(most[0]), _up(most[1])),
    )  # fmt: skip


def _at(value: Any, start: int) -> Decimal:
    """A price, for more input than `start`."""
    return next(price for at, price in reversed(steps(value)) if at <= start)


def _up(dollars: Decimal) -> int:
    return int((dollars * _SCALE).to_integral_value(ROUND_CEILING))
