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
    """Rows with the same fields, of which some have a column and the rest goes into `more`, as JSON.

    What such a row does not have is not bound: `None` costs SQLite's module four times what a number does.
    """

    __slots__ = ("columns", "inserts", "rest")

    def __init__(self, fields: Sequence[str]) -> None:
        self.columns = tuple(name for name in CALL_COLUMNS if name in fields)
        self.rest = tuple(name for name in fields if name not in _KNOWN)
        names = [*self.columns, "more"] if self.rest or not self.columns else self.columns
        one = f"({', '.join('?' * len(names))})"
        self.inserts = {
            size: f"INSERT INTO calls ({', '.join(names)}) VALUES {', '.join([one] * size)}"  # noqa: S608 - our own names
            for size in _SIZES
        }

    def values(self, row: Row) -> list[Any]:
        """What a row binds."""
        found = [*map(row.get, self.columns)]
        if self.rest:
            found.append(_more(row, self.rest))
        return found if found else [None]


class Mixed(Shape):
    """Rows of which each may have other fields."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__([*CALL_COLUMNS, "more"])

    def values(self, row: Row) -> list[Any]:
        rest = [name for name in row if name not in _KNOWN]
        return [*map(row.get, self.columns), _more(row, rest) if rest else None]


_shape = lru_cache(_SHAPES)(Shape)
_mixed: Final = Mixed()


def _more(row: Row, names: Sequence[str]) -> str:
    return msgspec.json.encode({name: row[name] for name in names}, enc_hook=str).decode()


def statements(rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """Inserts for all the rows, in order: a statement and the values that it binds."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            fields = {tuple(row) for row in some}
            shape = _shape(fields.pop()) if len(fields) == 1 else _mixed
            yield shape.inserts[size], [value for row in some for value in shape.values(row)]
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
