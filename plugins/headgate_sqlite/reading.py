"""Reading the call log: across day files, beside the nodes that write them, or when none runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlite_utils import Database

from headgate_sqlite.files import calls_files, day_of, open_to_read
from headgate_sqlite.rows import read_back


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted. `since` is seconds since 1970; `statuses` a lowest and a highest status."""

    since: float = 0.0
    equal: dict[str, str] = field(default_factory=dict)
    statuses: tuple[int, int] | None = None

    def where(self) -> tuple[str, list[Any]]:
        """The condition, and the values that it binds. Names of columns are ours, never the asker's."""
        parts, bound = ["at >= ?"], [self.since]
        for column, value in self.equal.items():
            parts.append(f"[{column}] = ?")
            bound.append(value)  # type: ignore[arg-type]
        if self.statuses is not None:
            parts.append("status BETWEEN ? AND ?")
            bound += self.statuses
        return " AND ".join(parts), bound


def last_calls(folder: Path, wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """The last rows that fit, oldest first. StoreError where a file cannot be read."""
    found: list[dict[str, Any]] = []
    for day, file in reversed(calls_files(folder)):
        if day < day_of(wanted.since) or len(found) >= limit:
            break
        found += list(_rows(file, wanted, "at desc, rowid desc", limit - len(found)))
    return found[::-1]


def booked(folder: Path, since: float, holder: str) -> int:
    """What the log knows to be booked on a slice of an account. StoreError where a file cannot be read."""
    total = 0
    for day, file in calls_files(folder):
        if day >= day_of(since):
            total += sum(
                amount
                for (more,) in _containing(file, holder)
                for *_, amount, by in msgspec.json.decode(more).get("spent", ())
                if by == holder
            )
    return total


def _containing(file: Path, word: str) -> Iterator[tuple[str]]:
    connection = open_to_read(file)
    try:
        if _is_made(connection):
            yield from connection.execute("SELECT more FROM calls WHERE instr(more, ?)", (word,))
    finally:
        connection.close()


class Tail:
    """Rows as they come. `next` gives those that were committed since it was last asked."""

    def __init__(self, folder: Path, wanted: Filter) -> None:
        self._folder = folder
        self._wanted = wanted
        self._seen = {file: _last_rowid(file) for _, file in calls_files(folder)}

    def next(self) -> list[dict[str, Any]]:
        """The rows that are new. A new day's file is read from its first row. StoreError."""
        found: list[dict[str, Any]] = []
        for _, file in calls_files(self._folder)[-2:]:
            seen = self._seen.get(file, 0)
            last = _last_rowid(file)
            if last > seen:
                self._seen[file] = last
                found += _rows(file, self._wanted, "rowid", None, between=(seen, last))
        return found


def _rows(
    file: Path, wanted: Filter, order: str, limit: int | None, between: tuple[int, int] | None = None
) -> Iterator[dict[str, Any]]:
    where, bound = wanted.where()
    if between is not None:
        where, bound = f"{where} AND rowid > ? AND rowid <= ?", [*bound, *between]
    connection = open_to_read(file)
    try:
        for row in Database(connection).table("calls").rows_where(where, bound, order_by=order, limit=limit):
            yield read_back(row)
    finally:
        connection.close()


def _last_rowid(file: Path) -> int:
    connection = open_to_read(file)
    try:
        if not _is_made(connection):
            return 0
        last: int = connection.execute("SELECT coalesce(max(rowid), 0) FROM calls").fetchone()[0]
    finally:
        connection.close()
    return last


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether it has its table. A file is there before: while it is made, and where its node was killed at that moment, or
    the disk was full."""
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'calls'").fetchone() is not None
