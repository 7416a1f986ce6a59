"""A row of the call log as SQLite takes it, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from headgate_sqlite.migrations import CALL_COLUMNS

Row = Mapping[str, Any]

_NAMES: Final = tuple(CALL_COLUMNS)
_KNOWN: Final = frozenset(_NAMES)
# What a call of a model has and others have not: half of all columns, and to bind nothing takes as long as anything else.
_EVERY: Final = _NAMES[: _NAMES.index("model")]
_MODELS: Final = _KNOWN.difference(_EVERY)
# Statements of a few fixed sizes stay prepared; a step of many rows runs without the interpreter's lock.
_SIZES: Final = (100, 10, 1)
_INSERTS: Final = {
    (names, size): f"INSERT INTO calls ({', '.join(names)}, more) VALUES "  # noqa: S608 - names from our own table
    + ", ".join([f"({', '.join('?' * (len(names) + 1))})"] * size)
    for size in _SIZES
    for names in (_EVERY, _NAMES)
}


def statements(rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """Inserts for all the rows, in order: a statement and the values that it binds."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            names = _EVERY if all(row.keys().isdisjoint(_MODELS) for row in some) else _NAMES
            yield _INSERTS[names, size], [value for row in some for value in values(row, names)]
            start += size


def values(row: Row, names: Sequence[str] = _NAMES) -> list[Any]:
    """The values of these columns of one row; whatever has no column is in `more`, as JSON."""
    rest = row.keys() - _KNOWN
    return [*map(row.get, names), _more(row, rest) if rest else None]


def _more(row: Row, names: Iterable[str]) -> str:
    return msgspec.json.encode({name: row[name] for name in sorted(names)}, enc_hook=str).decode()


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
