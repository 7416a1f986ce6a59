"""Teams and keys: `state.db` on disk, every key in memory.

1. A key is found in a dictionary by its HMAC; no look-up ever reaches the disk.
2. Every write gives its row the next number of one sequence (`change`). Four times a second the writer's thread asks
   `PRAGMA data_version`, which tells whether another process has committed; if so, the rows with higher numbers are read.
   So a key that was revoked anywhere is refused everywhere within a second.
3. That holds only while the file can be read. When that has failed for `stale_s`, every look-up raises: a node that
   cannot learn of a revocation lets nobody in.
4. Keys are never removed, so the sequence never goes back.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlite_utils import Database

from headgate.api import Clock, Key, StoreError
from headgate_sqlite.migrations import STATE_SCHEMA
from headgate_sqlite.pepper import Hashing, make_pepper, mark, read_pepper
from headgate_sqlite.writer import JobLane

POLL_S: Final = 0.25
SECRET_BYTES: Final = 32
LONGEST_NAME: Final = 200

_names = msgspec.json.Decoder(list[str])


class StateLane(JobLane):
    """`state.db` and the keys that it held when it was last read."""

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        super().__init__(folder / "state.db", STATE_SCHEMA, "FULL", wake)
        self.keys: dict[bytes, Key] = {}
        self.pepper = b""
        self.hashing = Hashing(b"")
        self.confirmed = time.monotonic()
        self._seen = 0
        self._version = -1
        self._inode = 0
        self._poll_at = 0.0

    def open(self) -> None:
        connection = self.connection()
        self._inode = self._inode or self.file.stat().st_ino
        if not self.pepper:
            self.pepper = _pepper_of(connection, self.file.with_name("pepper"))
            self.hashing = Hashing(self.pepper)
        self._load(connection)

    def poll_at(self) -> float:
        return self._poll_at

    def poll(self) -> None:
        """Read what other processes have changed. StoreError where the file is no longer the one that was opened."""
        self._poll_at = time.monotonic() + POLL_S
        connection = self.connection()
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if os.stat(self.file).st_ino != self._inode:
            raise StoreError(f"{self.file} was replaced while the node runs: restart the node")
        if version != self._version:
            self._load(connection)
            self._version = version
        self.confirmed = time.monotonic()

    def after_commit(self, connection: sqlite3.Connection) -> None:
        self._load(connection)

    def close(self) -> None:
        super().close()
        self._version = -1

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = Database(connection).table("keys").rows_where("change > ?", [self._seen], order_by="change")
        for row in rows:
            self.keys[row["digest"]] = _key_of(row)
            self._seen = row["change"]
        self.confirmed = time.monotonic()


class SqliteIdentity:
    """The role `identity`."""

    def __init__(self, lane: StateLane, clock: Clock, stale_s: float) -> None:
        self._lane = lane
        self._clock = clock
        self._stale_s = stale_s

    def __repr__(self) -> str:
        return f"<SqliteIdentity {self._lane.file.name} [{len(self._lane.keys)} keys]>"

    def digest(self, secret: str) -> bytes:
        """The HMAC under which a key is stored."""
        return self._lane.hashing.digest(secret)

    def find_key(self, digest: bytes) -> Key | None:
        """As `Identity.find_key`. StoreError when `state.db` could not be read for `stale_s`."""
        lane = self._lane
        if time.monotonic() - lane.confirmed > self._stale_s:
            raise StoreError(f"{lane.file} cannot be read, so no key is believed")
        return lane.keys.get(digest)

    async def create_key(
        self,
        *,
        team: str,
        name: str,
        models: Sequence[str] = ("*",),
        scopes: Sequence[str] = (),
        application: str | None = None,
        expires_at: float | None = None,
    ) -> tuple[Key, str]:
        """As `Identity.create_key`; on disk when it returns. ValueError for a name that cannot be used. StoreError."""
        secret = f"hg_{secrets.token_urlsafe(SECRET_BYTES)}"
        key = Key(
            id=f"k_{secrets.token_hex(6)}",
            name=_fit("name", name),
            team=_fit("team", team),
            application=None if application is None else _fit("application", application),
            models=[_fit("model", model) for model in models],
            scopes=[_fit("scope", scope) for scope in scopes],
            created_at=self._clock.time(),
            expires_at=expires_at,
        )
        digest = self.digest(secret)
        await self._lane.run(lambda connection: _insert(connection, key, digest))
        return key, secret

    async def list_keys(self, team: str | None = None) -> list[Key]:
        """Every key, or those of a team, in the order in which they were made."""
        keys = [key for key in tuple(self._lane.keys.values()) if team is None or key.team == team]
        return sorted(keys, key=lambda key: key.created_at)

    async def revoke_key(self, key_id: str) -> Key | None:
        """As `Identity.revoke_key`; on disk when it returns. A key that is revoked already stays as it is."""
        now = self._clock.time()
        return await self._lane.run(lambda connection: _revoke(connection, key_id, now))


def _pepper_of(connection: sqlite3.Connection, file: Path) -> bytes:
    """The pepper that the keys were hashed with. StoreError where it is lost: then no key can be recognised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = connection.execute("SELECT value FROM meta WHERE name = 'pepper'").fetchone()
        pepper = read_pepper(file)
        if known is not None and (pepper is None or mark(pepper) != known[0]):
            raise _lost(file, pepper)  # noqa: TRY301 - the transaction has to end first
        if pepper is None:
            pepper = make_pepper(file)
        if known is None:
            connection.execute("INSERT INTO meta (name, value) VALUES ('pepper', ?)", (mark(pepper),))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return pepper


def _lost(file: Path, pepper: bytes | None) -> StoreError:
    what = "is missing" if pepper is None else "is not the one that the keys were made with"
    return StoreError(f"{file} {what}: restore it from a backup; without it no key in state.db can be recognised")


def _next(connection: sqlite3.Connection) -> int:
    change: int = connection.execute("SELECT coalesce(max(change), 0) + 1 FROM keys").fetchone()[0]
    return change


def _insert(connection: sqlite3.Connection, key: Key, digest: bytes) -> None:
    teams = "INSERT INTO teams (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
    connection.execute(teams, (key.team, key.created_at))
    connection.execute(
        "INSERT INTO keys (id, digest, name, team, application, models, scopes, created_at, expires_at, change)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.id, digest, key.name, key.team, key.application, _text(key.models), _text(key.scopes), key.created_at,
            key.expires_at, _next(connection),
        ),
    )  # fmt: skip


def _revoke(connection: sqlite3.Connection, key_id: str, now: float) -> Key | None:
    connection.execute(
        "UPDATE keys SET revoked_at = ?, change = ? WHERE id = ? AND revoked_at IS NULL",
        (now, _next(connection), key_id),
    )
    row = next(Database(connection).table("keys").rows_where("id = ?", [key_id]), None)
    return None if row is None else _key_of(row)


def _key_of(row: dict[str, Any]) -> Key:
    return Key(
        id=row["id"], name=row["name"], team=row["team"], application=row["application"],
        models=_names.decode(row["models"]), scopes=_names.decode(row["scopes"]), created_at=row["created_at"],
        expires_at=row["expires_at"], revoked_at=row["revoked_at"],
    )  # fmt: skip


def _text(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode()


def _fit(what: str, name: str) -> str:
    """A name as it came. ValueError where it is empty, too long, or would not print on one line."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"the {what} {name!r} is not 1 to {LONGEST_NAME} printable characters without outer spaces")
    return name
