"""One thread that writes for the whole process.

1. Every file is a `Lane` with a queue of its own. The thread serves the lanes in turn, one transaction each: what waits
   together is committed together.
2. SQLite never waits for a lock here: its own handler starves one of two busy writers for seconds. A lane that is locked
   tries again after a short, jittered pause, and the others go on meanwhile.
3. What has waited longer than the patience is told so with a StoreError, and is not done later behind the asker's back.
4. A lane that is broken (disk full, file gone) closes its connection and tries again from the start, slower.
5. Connections live in this thread alone. Answers travel to the loop by one `run_sync_soon` a transaction.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import trio

from headgate.api import StoreError
from headgate_sqlite.files import is_locked, open_file, unusable
from headgate_sqlite.migrations import Migration

log = logging.getLogger("headgate.sqlite")
T = TypeVar("T")

# Between tries for a lock: a transaction takes some 10 µs with NORMAL and 200 µs with FULL.
LOCKED_S: Final = (0.000_3, 0.004)
BROKEN_S: Final = (0.2, 1.0)
BATCH_JOBS: Final = 256
# How long a node that stops waits for what is still queued.
FLUSH_S: Final = 5.0
NEVER: Final = float("inf")


class Job:
    """Work for the writer thread, and who waits for it. `done` is set in the loop."""

    __slots__ = ("call", "done", "error", "since", "value")

    def __init__(self, call: Callable[[sqlite3.Connection], Any] | None) -> None:
        self.call = call
        self.done = trio.Event()
        self.value: Any = None
        self.error: Exception | None = None
        self.since = time.monotonic()

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class Lane:
    """One file's work. Subclasses say when work is due, commit it, and give up on what waited too long."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.retry_at = 0.0
        self.ended = False

    def due_at(self) -> float:
        """When there is something to commit, by time.monotonic; NEVER where nothing waits."""
        raise NotImplementedError

    def commit(self) -> list[Job]:
        """One transaction; gives whoever may go on. sqlite3.Error or StoreError leaves what waits in the queue."""
        raise NotImplementedError

    def give_up(self, before: float, error: Exception) -> list[Job]:
        """Take out of the queue what came before that moment, with that error."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open; the next commit opens it again."""
        raise NotImplementedError

    def poll_at(self) -> float:
        """When `poll` wants to run; it needs no lock, so it runs while the lane is blocked too."""
        return NEVER

    def poll(self) -> None:
        """Look for what others have written."""

    def open(self) -> None:
        """Make the file ready before the node serves."""


class JobLane(Lane):
    """Jobs on one file. A job that raises a StoreError has written nothing, and fails alone."""

    def __init__(
        self, file: Path, migrations: tuple[Migration, ...], synchronous: str, wake: Callable[[], None]
    ) -> None:
        super().__init__(file.name)
        self.file = file
        self.jobs: deque[Job] = deque()
        self._migrations = migrations
        self._synchronous = synchronous
        self._wake = wake
        self._connection: sqlite3.Connection | None = None

    async def run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Do it in a transaction; return when that is committed. StoreError. Cancelled, it may have been done."""
        job = Job(call)
        self.jobs.append(job)
        if self.ended:  # asked behind the append: the thread says so before it looks at the queue for the last time
            raise StoreError(f"{self.name} is closed")
        self._wake()
        try:
            await job.done.wait()
        except trio.Cancelled:
            job.call = None
            raise
        return job.result()  # type: ignore[no-any-return]

    def due_at(self) -> float:
        return 0.0 if self.jobs else NEVER

    def connection(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_file(self.file, self._migrations, self._synchronous)
        return self._connection

    def open(self) -> None:
        self.connection()

    def commit(self) -> list[Job]:
        batch = [self.jobs.popleft() for _ in range(min(len(self.jobs), BATCH_JOBS))]
        connection = None
        try:
            connection = self.connection()
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._do(job, connection)
            self.before_commit(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            self.forget()
            self.jobs.extendleft(reversed(batch))
            raise
        self.after_commit(connection)
        return batch

    def _do(self, job: Job, connection: sqlite3.Connection) -> None:
        call = job.call  # read once: the loop's thread takes it away when nobody waits any more
        if call is None:
            return
        job.error = None
        try:
            job.value = call(connection)
        except StoreError as error:
            job.error = error
        except sqlite3.Error:
            raise
        except Exception as error:
            job.call, job.error = None, error  # a bug: roll back what it may have written, and do the others again
            raise StoreError(f"{self.name}: {type(error).__name__}: {error}") from error

    def before_commit(self, connection: sqlite3.Connection) -> None:
        """Write what the jobs left in memory."""

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Show others what is now on disk."""

    def forget(self) -> None:
        """The transaction was rolled back."""

    def give_up(self, before: float, error: Exception) -> list[Job]:
        given = []
        while self.jobs and self.jobs[0].since < before:
            job = self.jobs.popleft()
            job.error = job.error or error
            given.append(job)
        return given

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Writer:
    """The thread. `start` opens every lane; `close` commits what is queued and ends it."""

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self.lanes: Sequence[Lane] = ()
        self._signal = threading.Event()
        self._stop_at = NEVER
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=self._main, name="headgate-sqlite", daemon=True)

    def __repr__(self) -> str:
        state = "running" if self._thread.is_alive() else "stopped"
        return f"<Writer {state} [{', '.join(lane.name for lane in self.lanes)}]>"

    def wake(self) -> None:
        """There is work. From any thread."""
        self._signal.set()

    async def start(self, lanes: Sequence[Lane]) -> None:
        """Open the files and go on in the thread. StoreError where one cannot be used."""
        self.lanes = lanes
        self._token = trio.lowlevel.current_trio_token()
        self._opened = Job(None)
        self._thread.start()
        await self._opened.done.wait()
        self._opened.result()

    def close(self) -> None:
        """Commit what is queued, for some seconds at most, and end the thread. Blocks."""
        if self._thread.is_alive():
            self._stop_at = time.monotonic() + FLUSH_S
            self.wake()
            self._thread.join()

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _main(self) -> None:
        try:
            if self._open():
                while self._turn():
                    pass
        except BaseException:
            log.critical("the SQLite writer died; nothing is written any more", exc_info=True)
            raise
        finally:
            stopped = StoreError("the SQLite stores are closed")
            for lane in self.lanes:
                lane.ended = True
                self._ring(lane.give_up(NEVER, stopped))
                lane.close()

    def _open(self) -> bool:
        """Every lane, within the patience: another process may hold a lock because it makes the same file."""
        until = time.monotonic() + self.patience_s
        for lane in self.lanes:
            while True:
                try:
                    lane.open()
                    break
                except (sqlite3.Error, StoreError, OSError) as error:
                    if isinstance(error, sqlite3.Error) and is_locked(error) and time.monotonic() < until:
                        time.sleep(random.uniform(*LOCKED_S))  # noqa: S311 - jitter, no secret
                        continue
                    self._opened.error = unusable(Path(lane.name), error)
                    self._ring([self._opened])
                    return False
        self._ring([self._opened])
        return True

    def _turn(self) -> bool:
        """Serve every lane that is due, then sleep until the next is. False when the thread is to end."""
        now = time.monotonic()
        wait = NEVER
        for lane in self.lanes:
            if now >= lane.poll_at():
                self._poll(lane)
            due = max(lane.due_at(), lane.retry_at)
            if now >= due or (self._stop_at < NEVER and lane.due_at() < NEVER and now >= lane.retry_at):
                self._attempt(lane)
                due = max(lane.due_at(), lane.retry_at)
            wait = min(wait, due, lane.poll_at())
        if self._stop_at < NEVER and (now > self._stop_at or all(lane.due_at() == NEVER for lane in self.lanes)):
            return False
        pause = wait - time.monotonic()
        if pause > 0:
            self._signal.wait(None if pause == NEVER else pause)
            self._signal.clear()
        return True

    def _attempt(self, lane: Lane) -> None:
        try:
            done = lane.commit()
        except (sqlite3.Error, StoreError, OSError) as error:
            self._blocked(lane, error)
        except Exception as error:
            log.exception("a bug in writing %s", lane.name)
            self._blocked(lane, error)
        else:
            lane.retry_at = 0.0
            self._ring(done)

    def _blocked(self, lane: Lane, error: Exception) -> None:
        now = time.monotonic()
        locked = isinstance(error, sqlite3.Error) and is_locked(error)
        if locked:
            why = StoreError(f"{lane.name} is locked by another process for more than {self.patience_s:g} s")
        else:
            lane.close()
            why = unusable(Path(lane.name), error)
        lane.retry_at = now + random.uniform(*(LOCKED_S if locked else BROKEN_S))  # noqa: S311 - jitter, no secret
        self._ring(lane.give_up(now - self.patience_s, why))

    def _poll(self, lane: Lane) -> None:
        try:
            lane.poll()
        except (sqlite3.Error, StoreError, OSError) as error:
            if not (isinstance(error, sqlite3.Error) and is_locked(error)):
                lane.close()
        except Exception:
            log.exception("what others wrote to %s cannot be read", lane.name)
            lane.close()

    def _ring(self, jobs: list[Job]) -> None:
        """Tell the loop; fine if it is gone."""
        if jobs and self._token is not None:
            try:
                self._token.run_sync_soon(_set, jobs)
            except trio.RunFinishedError:
                pass


def _set(jobs: list[Job]) -> None:
    for job in jobs:
        job.done.set()
