"""Opening the files of the data folder. Foreign exceptions become StoreErrors that name file, cause and fix."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headgate.api import SettingsError, StoreError
from headgate_sqlite.migrations import Migration, migrate

DAY_S: Final = 86_400
_CALLS = re.compile(r"calls-(\d{4}-\d{2}-\d{2})\.db")

# What SQLite says when somebody else holds the lock: waiting is ours, so it says so at once.
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def data_folder(data: Path | None) -> Path:
    """The data folder, made for its owner alone where it is new. SettingsError where there can be none."""
    if data is None:
        raise SettingsError("the SQLite stores need a data folder: set `data`", "data")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"`data`: {data} cannot be made: {error.strerror}", "data") from None
    return data


def open_file(
    file: Path, migrations: tuple[Migration, ...], synchronous: str, *, newer: bool = False
) -> sqlite3.Connection:
    """A connection in WAL mode, its schema brought up to date; `newer` allows one from a newer Headgate.

    sqlite3.OperationalError where the file is locked (try again), StoreError where it cannot be used at all.
    """
    connection = None
    try:
        _make(file)
        connection = sqlite3.connect(file, isolation_level=None, timeout=0, cached_statements=64)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        migrate(connection, file.name, migrations, newer=newer)
    except (sqlite3.Error, OSError, StoreError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error) and is_locked(error):
            raise
        raise unusable(file, error) from error
    return connection


def _make(file: Path) -> None:
    """The file, for its owner alone where it is new; SQLite gives -wal and -shm the same mode.

    One that is there is never opened here: closing it would drop every lock that this process has on it through another
    connection (POSIX), and whoever closes it elsewhere would then take the log of our writes for nobody's.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def open_to_read(file: Path) -> sqlite3.Connection:
    """A connection that only reads, beside whoever writes. StoreError where the file cannot be read."""
    try:
        try:
            return _reading(file, "mode=ro")
        except sqlite3.OperationalError:
            if file.with_name(f"{file.name}-wal").exists():
                raise
            return _reading(file, "immutable=1")  # nobody has it open, and the folder is not ours to write
    except sqlite3.Error as error:
        raise unusable(file, error) from error


def _reading(file: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=1.0)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_locked(error: sqlite3.Error) -> bool:
    """Whether waiting helps. The low byte of SQLite's extended code is the plain code."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _LOCKED


def unusable(file: Path, error: Exception) -> StoreError:
    """The error in words that say what to do."""
    if isinstance(error, StoreError):
        return error
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _CORRUPT:
        return StoreError(f"{file} is damaged or no database ({error}): move it away, and restore it from a backup")
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"{file} cannot grow: the disk is full")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return StoreError(f"{file} cannot be used: {reason}")


def day_of(at: float) -> int:
    """The UTC day of a moment, as days since 1970."""
    return int(at // DAY_S)


def calls_file(folder: Path, day: int) -> Path:
    """Where the calls of a day are."""
    return folder / f"calls-{datetime.fromtimestamp(day * DAY_S, UTC):%Y-%m-%d}.db"


def calls_files(folder: Path) -> list[tuple[int, Path]]:
    """Every call log of the folder with its day, oldest first."""
    found = [(_CALLS.fullmatch(file.name), file) for file in folder.glob("calls-*.db")]
    days = [(datetime.fromisoformat(match[1]).replace(tzinfo=UTC), file) for match, file in found if match]
    return sorted((day_of(when.timestamp()), file) for when, file in days)


def drop_calls(folder: Path, before: int) -> list[Path]:
    """Remove the call logs of days before that one, and say which."""
    dropped = [file for day, file in calls_files(folder) if day < before]
    for file in dropped:
        for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
            file.with_name(name).unlink(missing_ok=True)
    return dropped
