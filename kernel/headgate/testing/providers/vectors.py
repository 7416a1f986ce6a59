"""Embeddings without a model: the same text always has the same direction, and different texts differ."""

from __future__ import annotations

import hashlib
import math


def vector(text: str, dimensions: int) -> list[float]:
    """A vector of length 1 that depends on the text alone."""
    values = [_value(text, at) for at in range(dimensions)]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [round(value / length, 7) for value in values]


def _value(text: str, at: int) -> float:
    return hashlib.blake2b(text.encode(), digest_size=2, salt=at.to_bytes(8, "big")).digest()[0] / 255 - 0.5


def likeness(query: str, text: str) -> float:
    """How well a text answers a query, from 0 to 1: the share of the query's words that it has."""
    asked, given = (set(each.lower().split()) for each in (query, text))
    return round(len(asked & given) / (len(asked) or 1), 6)
