"""Quotas counted over all processes on this machine: windows in rows, changed under one write lock.

1. The arithmetic is that of every store (`Window`); only its state lives here. A bucket's row is read and written in the
   transaction that grants, so two processes never grant the same unit.
2. What waits together is granted together: one transaction, and each bucket is read and written once in it.
3. The store's clock does not jump: it is the machine's monotonic clock, which all processes share, set forward by an
   offset that the first process after a boot writes down. It is read inside the transaction.
4. `leases.db` is a file of its own, so that no lease waits for the disk to confirm a key. It is written with
   synchronous=NORMAL: not OFF, for a power cut must not damage the file, and not FULL, for what a power cut takes
   back is at most the count of the last moments, and a commit in front of every request would wait for the disk.
5. Buckets that are wholly in the past are removed, some at a time, and faster than they can be made: who is counted may
   be whatever a client says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headgate.api import Clock, Lease, Limit, Rate, Window
from headgate_sqlite.migrations import LEASES_SCHEMA
from headgate_sqlite.writer import JobLane

CLEAN_EVERY_S: Final = 30.0
CLEAN_ROWS: Final = 1000

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class LeaseLane(JobLane):
    """`leases.db`. `window` gives a bucket inside a job; what was changed is written before the commit."""

    def __init__(self, folder: Path, clock: Clock, wake: Callable[[], None]) -> None:
        super().__init__(folder / "leases.db", LEASES_SCHEMA, "NORMAL", wake)
        self.clock = clock
        self._windows: dict[str, Window] = {}
        self._clean_at = 0.0
        self._offset_s: float | None = None

    def open(self) -> None:
        connection = self.connection()
        if self._offset_s is None:
            self._offset_s = _offset(connection, self.clock)

    def now(self) -> float:
        """The store's clock: seconds, the same for all processes, never back."""
        return self.clock.time() if self._offset_s is None else self.clock.monotonic() + self._offset_s

    def window(self, connection: sqlite3.Connection, bucket: str) -> Window | None:
        """A bucket as it is in this transaction, or None where nothing was ever taken from it."""
        window = self._windows.get(bucket)
        if window is None:
            row = connection.execute("SELECT period_s, window FROM buckets WHERE bucket = ?", (bucket,)).fetchone()
            if row is not None:
                window = self._windows[bucket] = Window.load(Limit(Rate(1, row[0])), row[1])
        return window

    def new_window(self, bucket: str, limit: Limit) -> Window:
        window = self._windows[bucket] = Window(limit)
        return window

    def before_commit(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO buckets (bucket, period_s, window, ends_at) VALUES (?, ?, ?, ?)",
            [(name, kept.limit.rate.period_s, kept.dump(), kept.ends_at) for name, kept in self._windows.items()],
        )
        self._windows.clear()
        now = self.now()
        if now >= self._clean_at:
            self._clean_at = now + CLEAN_EVERY_S
            past = "SELECT bucket FROM buckets WHERE ends_at < ? LIMIT ?"
            gone = connection.execute(f"DELETE FROM buckets WHERE bucket IN ({past})", (now, CLEAN_ROWS))  # noqa: S608
            if gone.rowcount == CLEAN_ROWS:
                self._clean_at = now

    def forget(self) -> None:
        self._windows.clear()


class SqliteLeases:
    """The role `leases`."""

    def __init__(self, lane: LeaseLane) -> None:
        self._lane = lane

    def __repr__(self) -> str:
        return f"<SqliteLeases {self._lane.file.name} [{len(self._lane.jobs)} waiting]>"

    async def take(self, bucket: str, limit: Limit, want: int, worker: str, holding: int = 0) -> Lease:
        """As `Leases.take`. StoreError when the file is locked beyond patience or broken: nothing was granted."""
        lane = self._lane

        def take(connection: sqlite3.Connection) -> Lease:
            window = lane.window(connection, bucket) or lane.new_window(bucket, limit)
            window.limit = limit
            return window.take(lane.now(), want, worker, holding)

        return await lane.run(take)

    async def reserve(self, bucket: str, limit: Limit, units: int, *, used: bool = False) -> Lease:
        """As `Leases.reserve`."""
        lane = self._lane

        def reserve(connection: sqlite3.Connection) -> Lease:
            window = lane.window(connection, bucket) or lane.new_window(bucket, limit)
            window.limit = limit
            return window.reserve(lane.now(), units, used=used)

        return await lane.run(reserve)

    async def give_back(self, bucket: str, lease: Lease, unspent: int, worker: str) -> None:
        """As `Leases.give_back`."""
        lane = self._lane

        def give_back(connection: sqlite3.Connection) -> None:
            window = lane.window(connection, bucket)
            if window is not None:
                window.give_back(lease, unspent, worker)

        await lane.run(give_back)


def _offset(connection: sqlite3.Connection, clock: Clock) -> float | None:
    """What to add to the monotonic clock, agreed by all processes since the boot; None where a boot has no name."""
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return None
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute("SELECT offset_s FROM clock WHERE boot = ?", (boot,)).fetchone()
    offset_s: float = clock.time() - clock.monotonic() if row is None else row[0]
    if row is None:
        connection.execute("DELETE FROM clock")
        connection.execute("INSERT INTO clock (boot, offset_s) VALUES (?, ?)", (boot, offset_s))
    connection.execute("COMMIT")
    return offset_s
