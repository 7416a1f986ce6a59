"""Counts: https://docs.cohere.com/reference/chat. What is billed is what a price is for; `tokens` also counts what Cohere
adds to a prompt itself, and stands in where nothing is said of billing."""

from __future__ import annotations

from math import ceil
from typing import Any

import msgspec

from headgate.api.ai import Counted


class Units(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None


class WireUsage(msgspec.Struct):
    billed_units: Units | None = None
    tokens: Units | None = None
    cached_tokens: float | None = None

    def counted(self) -> Counted:
        billed, seen = self.billed_units or Units(), self.tokens or Units()
        asked = _first(billed.input_tokens, seen.input_tokens)
        return Counted(
            input_tokens=asked,
            output_tokens=_first(billed.output_tokens, seen.output_tokens),
            # Of what is read from a cache a part may not be billed at all.
            cached_tokens=min(asked, _first(self.cached_tokens)),
        )


def _first(*counts: float | None) -> int:
    return ceil(next((count for count in counts if count is not None), 0))


def usage(counted: Counted | None) -> dict[str, Any]:
    """Counts in Cohere's words."""
    said = counted or Counted()
    units = {"input_tokens": said.input_tokens, "output_tokens": said.output_tokens}
    return {"billed_units": units, "tokens": units, "cached_tokens": said.cached_tokens}
