"""The call log, in one file for each UTC day.

1. `add` appends to a deque, and wakes the writer once a batch: the hot path knows nothing of SQLite. Encoding happens in
   the writer's thread.
2. A row is committed within 100 ms: the writer gathers for `GATHER_S`, then writes what there is. A durable row does not
   wait for others, and its batch is written with synchronous=FULL, so that it survives a power cut; the others survive
   the end of the process.
3. Where rows cannot be written they stay in memory, `queue_rows` of them; what comes beyond is dropped and counted. That
   is said aloud, and so is the end of it. Requests always go on.
4. A row belongs to the day in which its exchange began. Retention removes whole files; where the clock has just jumped,
   which a wrong clock does and a machine that slept, it waits for a day.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from headgate.api import Clock, StoreError
from headgate_sqlite.files import calls_file, day_of, drop_calls, open_file
from headgate_sqlite.migrations import CALLS_SCHEMA
from headgate_sqlite.rows import Row, statements, tamed
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.writer import NEVER, Job, Lane

log = logging.getLogger("headgate.sqlite")

GATHER_S: Final = 0.02
BATCH_ROWS: Final = 2000
OPEN_DAYS: Final = 3
SAY_EVERY_S: Final = 5.0
# Clocks are set right by less than that, day by day.
JUMP_S: Final = 3600.0
WAIT_S: Final = 86_400.0


class Durable(Job):
    """A row that somebody waits for."""

    __slots__ = ("row",)

    def __init__(self, row: Row) -> None:
        super().__init__(None)
        self.row = row


class CallLane(Lane):
    """The day files. Rows enter in the loop; what is behind `--- in the writer's thread` runs there alone."""

    def __init__(self, folder: Path, clock: Clock, settings: SqliteSettings, wake: Callable[[], None]) -> None:
        super().__init__("the call log")
        self.folder = folder
        self.clock = clock
        self.keep_days = settings.keep_days
        self.limit = settings.queue_rows
        self.lost = 0
        self.queue: deque[Row] = deque()
        self.durable: deque[Durable] = deque()
        self._wake = wake
        self._asleep = True
        self._batch: list[Row] = []
        self._waiting: list[Durable] = []
        self._gather_until = NEVER
        self._files: dict[int, sqlite3.Connection] = {}
        self._said = 0
        self._say_at = 0.0
        self._failing = False
        self._ahead_s = clock.time() - clock.monotonic()
        self._drop_from = 0.0

    def add(self, row: Row) -> None:
        """Queue a row, or count it as lost where the queue is full."""
        queue = self.queue
        if len(queue) + len(self._batch) >= self.limit:
            self.lost += 1
            return
        queue.append(row)
        if self._asleep:
            # The writer sets this before it drains, so no row is ever left behind without a wake-up.
            self._asleep = False
            self._wake()

    def add_durable(self, job: Durable) -> bool:
        """Queue a row that is waited for. False, and one more lost, where the queue is full."""
        if self.ended or len(self.durable) >= self.limit:
            self.lost += 1
            return False
        self.durable.append(job)
        self._wake()
        return True

    # --- in the writer's thread ---------------------------------------------------------------------------------------

    def due_at(self) -> float:
        if self.durable or self._batch or len(self.queue) >= BATCH_ROWS:
            return 0.0
        if not self.queue:
            return NEVER
        if self._gather_until == NEVER:
            self._gather_until = time.monotonic() + GATHER_S
        return self._gather_until

    def open(self) -> None:
        """Today's file, so that a node that cannot log says so before it serves."""
        self._file(day_of(self.clock.time()))

    def commit(self) -> list[Job]:
        self._gather_until = NEVER
        self._asleep = True
        self._gather()
        for day, rows in self._by_day().items():
            self._write(day, rows)
            written = set(map(id, rows))
            self._batch = [row for row in self._batch if id(row) not in written]
        done, self._waiting = self._waiting, []
        self._recovered()
        return list(done)

    def _gather(self) -> None:
        while self.durable:
            job = self.durable.popleft()
            self._waiting.append(job)
            self._batch.append(job.row)
        while self.queue and len(self._batch) < BATCH_ROWS:
            self._batch.append(self.queue.popleft())

    def _by_day(self) -> dict[int, list[Row]]:
        days: dict[int, list[Row]] = {}
        for row in self._batch:
            days.setdefault(self._day(row), []).append(row)
        return days

    def _day(self, row: Row) -> int:
        try:
            return day_of(row["at"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return day_of(self.clock.time())

    def _write(self, day: int, rows: list[Row]) -> None:
        connection = self._file(day)
        connection.execute(f"PRAGMA synchronous={'FULL' if self._waiting else 'NORMAL'}")
        try:
            _insert(connection, rows)
        except (TypeError, ValueError, OverflowError, RecursionError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            # One of them holds what cannot be bound. Which one is not worth knowing: all are made fit.
            _insert(connection, [tamed(row) for row in rows])

    def _file(self, day: int) -> sqlite3.Connection:
        connection = self._files.get(day)
        if connection is None:
            connection = open_file(calls_file(self.folder, day), CALLS_SCHEMA, "NORMAL", newer=True)
            self._files[day] = connection
            while len(self._files) > OPEN_DAYS:
                self._files.pop(min(self._files)).close()
            self._drop_old()
        return connection

    def _drop_old(self) -> None:
        """Remove what is past its time; never a file that is being written, however old its day."""
        if self.keep_days and self._believes():
            for file in drop_calls(self.folder, min(day_of(self.clock.time()) - self.keep_days, *self._files)):
                log.info("%s is older than %d days: removed", file.name, self.keep_days)

    def _believes(self) -> bool:
        """Whether the wall clock may say that a file is old: for a day it has gone as fast as the monotonic one."""
        now = self.clock.monotonic()
        before, self._ahead_s = self._ahead_s, self.clock.time() - now
        jumped_s = self._ahead_s - before
        if abs(jumped_s) > JUMP_S:
            self._drop_from = now + WAIT_S
            log.warning("the clock has jumped by %.0f s: no call log is removed for a day", jumped_s)
        return now >= self._drop_from

    def close(self) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def give_up(self, before: float, error: Exception) -> list[Job]:
        """Whoever waits for a row is told, and the row is theirs again: it will be added with what became of it."""
        if before == NEVER:
            self._gather()
            self.lost += len(self._batch) + len(self.queue)
            self._batch.clear()
            self.queue.clear()
        self._say(error, now_or_never=before == NEVER)
        told = [job for job in self._waiting if job.since < before]
        self._waiting = [job for job in self._waiting if job.since >= before]
        theirs = {id(job.row) for job in told}
        self._batch = [row for row in self._batch if id(row) not in theirs]
        for job in told:
            job.error = error
        return list(told)

    def _say(self, error: Exception, *, now_or_never: bool) -> None:
        now = time.monotonic()
        if self.lost > self._said and (now >= self._say_at or now_or_never):
            log.error("the call log cannot be written: %d rows lost since the start (%s)", self.lost, error)
            self._said, self._say_at, self._failing = self.lost, now + SAY_EVERY_S, True

    def _recovered(self) -> None:
        if self._failing or self.lost > self._said:
            log.warning("the call log is written again; %d rows were lost since the start", self.lost)
            self._said, self._failing = self.lost, False


def _insert(connection: sqlite3.Connection, rows: list[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, bound in statements(rows):
            connection.execute(statement, bound)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class SqliteCalls:
    """The role `calls`. `add` is the lane's own: no frame between the hot path and the deque."""

    def __init__(self, lane: CallLane) -> None:
        self._lane = lane
        self.add: Callable[[Mapping[str, Any]], None] = lane.add

    def __repr__(self) -> str:
        return f"<SqliteCalls {self._lane.folder} [{len(self._lane.queue)} waiting, {self._lane.lost} lost]>"

    async def add_durably(self, row: Mapping[str, Any]) -> None:
        """As `Calls.add_durably`. StoreError when it is not on disk within the patience; it will not be later."""
        job = Durable(row)
        if not self._lane.add_durable(job):
            raise StoreError("the call log cannot be written, and its queue is full")
        await job.done.wait()
        job.result()

    @property
    def lost(self) -> int:
        """How many rows could not be written since the start."""
        return self._lane.lost
