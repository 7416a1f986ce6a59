"""What is kept for somebody until it expires: `blobs.db`.

1. Reads go through the writer's thread too, behind the writes that were asked for before them.
2. The file is written with synchronous=NORMAL: what a power cut takes back are the last moments' references.
3. What has expired is never given. It is removed some rows at a time, with later writes, so that no request waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headgate.api import Clock
from headgate_sqlite.migrations import BLOBS_SCHEMA
from headgate_sqlite.writer import JobLane

CLEAN_EVERY_S: Final = 30.0
CLEAN_ROWS: Final = 100

_PUT: Final = "INSERT OR REPLACE INTO blobs (owner, key, data, expires_at) VALUES (?, ?, ?, ?)"
_GET: Final = "SELECT data FROM blobs WHERE owner = ? AND key = ? AND expires_at > ?"
_DELETE: Final = "DELETE FROM blobs WHERE owner = ? AND key = ? RETURNING expires_at"
_CLEAN: Final = "DELETE FROM blobs WHERE rowid IN (SELECT rowid FROM blobs WHERE expires_at <= ? LIMIT ?)"


class BlobLane(JobLane):
    """`blobs.db`."""

    def __init__(self, folder: Path, clock: Clock, wake: Callable[[], None]) -> None:
        super().__init__(folder / "blobs.db", BLOBS_SCHEMA, "NORMAL", wake)
        self.clock = clock
        self._clean_at = 0.0

    def before_commit(self, connection: sqlite3.Connection) -> None:
        now = self.clock.time()
        if now >= self._clean_at:
            gone = connection.execute(_CLEAN, (now, CLEAN_ROWS))
            self._clean_at = now if gone.rowcount == CLEAN_ROWS else now + CLEAN_EVERY_S


class SqliteBlobs:
    """The role `blobs`."""

    def __init__(self, lane: BlobLane) -> None:
        self._lane = lane

    def __repr__(self) -> str:
        return f"<SqliteBlobs {self._lane.file.name} [{len(self._lane.jobs)} waiting]>"

    async def put(self, key: str, data: bytes, *, owner: str, expires_at: float) -> None:
        """As `Blobs.put`. StoreError when the file is locked beyond patience or broken: nothing was kept."""

        def put(connection: sqlite3.Connection) -> None:
            connection.execute(_PUT, (owner, key, data, expires_at))

        await self._lane.run(put)

    async def get(self, key: str, *, owner: str) -> bytes | None:
        """As `Blobs.get`. StoreError."""
        lane = self._lane

        def get(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(_GET, (owner, key, lane.clock.time())).fetchone()
            return None if row is None else row[0]

        return await lane.run(get)

    async def delete(self, key: str, *, owner: str) -> bool:
        """As `Blobs.delete`. StoreError."""
        lane = self._lane

        def delete(connection: sqlite3.Connection) -> bool:
            row = connection.execute(_DELETE, (owner, key)).fetchone()
            return row is not None and row[0] > lane.clock.time()

        return await lane.run(delete)
