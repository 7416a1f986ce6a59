"""A row of the call log as SQLite takes it, and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from headgate_sqlite.migrations import CALL_COLUMNS

Row = Mapping[str, Any]

_KNOWN: Final = frozenset(CALL_COLUMNS)
# Statements of a few fixed sizes stay prepared; a step of many rows runs without the interpreter's lock.
_SIZES: Final = (100, 10, 1)
# A node has a few kinds of rows; who has more than these is not as fast.
_SHAPES: Final = 64


class Shape:
    """Rows with the same fields, of which some have a column and `rest` goes into `more`, as JSON.

    What a row does not have is not bound: `None` costs SQLite's module four times what a number does.
    """

    __slots__ = ("columns", "inserts", "rest")

    def __init__(self, fields: Sequence[str]) -> None:
        self.rest = tuple(name for name in fields if name not in _KNOWN)
        self.columns = tuple(name for name in CALL_COLUMNS if name in fields)
        names = [*self.columns, "more"] if self.rest or not self.columns else self.columns
        one = f"({', '.join('?' * len(names))})"
        self.inserts = {
            size: f"INSERT INTO calls ({', '.join(names)}) VALUES {', '.join([one] * size)}"  # noqa: S608 - our own names
            for size in _SIZES
        }

    def values(self, row: Row) -> list[Any]:
        """What a row binds."""
        found = [*map(row.__getitem__, self.columns)]
        if self.rest:
            found.append(msgspec.json.encode({name: row[name] for name in self.rest}, enc_hook=str).decode())
        return found if found else [None]


_shape = lru_cache(_SHAPES)(Shape)


def statements(rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """Inserts for all the rows, those of a shape in their order: a statement and the values that it binds."""
    shapes: dict[Shape, list[Row]] = {}
    for row in rows:
        shapes.setdefault(_shape(tuple(row)), []).append(row)
    for shape, alike in shapes.items():
        start = 0
        for size in _SIZES:
            while len(alike) - start >= size:
                yield shape.inserts[size], [value for row in alike[start : start + size] for value in shape.values(row)]
                start += size


# Deeper than what anybody means, and far from where an encoder gives up.
_DEEPEST: Final = 100


def tamed(row: Row) -> dict[str, Any]:
    """The row with everything that cannot be written turned into something that can: nothing fails over one value."""
    fit = {str(name): _tame(value) for name, value in row.items()}
    return {name: _flat(value) if name in _KNOWN else value for name, value in fit.items()}


def _flat(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value


def _tame(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return "…"
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case bool() | None:
            return value
        case int():
            return int(value) if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _tame(inner, depth + 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_tame(inner, depth + 1) for inner in value]
    return _tame(repr(value))


def read_back(found: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it was added: absent fields are left out, `more` is unfolded."""
    row = {name: value for name, value in found.items() if value is not None}
    more = row.pop("more", None)
    if "estimated" in row:
        row["estimated"] = bool(row["estimated"])
    if more:
        row.update(msgspec.json.decode(more))
    return row
