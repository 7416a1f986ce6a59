"""Prices of what is not sold by tokens: by the second of sound, the character, the image, the search of a reranker.

The price list has those of sound and of characters; what it lacks is in a table of ours (`units.toml`). A call of which
nobody knows how many units it took has no cost: absent, never zero.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from headgate.api import NANO, Money
from headgate.api.ai import Counted

Unit = Literal["second", "character", "image", "search"]
_COUNTED: Final[dict[Unit, str]] = {
    "second": "seconds", "character": "characters", "image": "images", "search": "searches",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ByUnit:
    """Dollars for one unit. Images are priced by size and quality: `sizes`, where they differ from `each`."""

    unit: Unit
    each: Decimal
    sizes: Mapping[str, Decimal] | None = None

    @property
    def known(self) -> bool:
        return True

    def cost(self, counted: Counted) -> Money | None:
        """See `Prices`."""
        total = self._total(counted)
        return None if total is None else Money(int((total * NANO).to_integral_value(ROUND_HALF_UP)))

    def most(self, counted: Counted) -> Money | None:
        """See `Prices`."""
        total = self._total(counted)
        return None if total is None else Money(int((total * NANO).to_integral_value(ROUND_CEILING)))

    def _total(self, counted: Counted) -> Decimal | None:
        number = getattr(counted, _COUNTED[self.unit])
        each = self.each if self.sizes is None else self.sizes.get(counted.size)
        return None if not number or each is None else Decimal(str(number)) * each


def listed(prices: Mapping[str, Any]) -> ByUnit | None:
    """What the price list says of a model that it does not price by tokens."""
    hours = prices.get("input_audio_hours") or prices.get("audio_hours")
    if isinstance(hours, Decimal):
        return ByUnit("second", hours / 3600)
    characters = prices.get("input_mchars")
    return ByUnit("character", characters / 10**6) if isinstance(characters, Decimal) else None


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    docs: str
    search: Decimal | None = None
    image: dict[str, Decimal] | None = None


@cache
def _table() -> dict[str, dict[str, _Row]]:
    text = files("headgate_ai").joinpath("units.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text, parse_float=Decimal), dict[str, dict[str, _Row]])


def ours(provider: str, names: Sequence[str]) -> ByUnit | None:
    """What our own table says of a model, by its names, the most exact first."""
    rows = _table().get(provider, {})
    row = next((rows[name] for name in names if name in rows), None)
    if row is None:
        return None
    if row.search is not None:
        return ByUnit("search", row.search)
    return ByUnit("image", Decimal(0), row.image)
