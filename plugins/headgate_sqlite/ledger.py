"""Accounts over all processes on this machine: `state.db`, written with synchronous=FULL.

1. The arithmetic is that of every store (`Book`); only its state lives here. A draw reads an account and writes what it
   changed in one transaction: two processes never get the same money, and what was drawn survives a power cut.
2. How a slice stands between two draws is in the memory of `positions`, which outlives its worker. Who finds a worker dead
   reads it there; where it says nothing (a power cut), the call log's rows say what was booked on the slice.
3. Models that are kept from budgets are in memory, and read again within a second when another process has written.
4. Accounts whose period began more than `KEEP_S` ago and that nobody holds anything of are removed.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import trio

from headgate.api import Account, Book, Burial, Clock, Distrust, Draw, Money, Share, Slice, Standing, Statement
from headgate_sqlite.files import unusable
from headgate_sqlite.migrations import STATE_SCHEMA
from headgate_sqlite.positions import Corpse, Positions, corpse_of, processes
from headgate_sqlite.reading import booked
from headgate_sqlite.writer import Job, JobLane

POLL_S: Final = 0.25
KEEP_S: Final = 400 * 86_400.0


class LedgerLane(JobLane):
    """The ledger's own way to `state.db`, and the models that are kept from budgets as they were when it was last read."""

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        super().__init__(folder / "state.db", STATE_SCHEMA, "FULL", wake)
        self.distrusted: dict[str, Distrust] = {}
        self.posted: dict[str, Distrust] = {}
        self._version = -1
        self._poll_at = 0.0

    def post(self, found: Distrust) -> None:
        """Write it down, behind the asker's back; in memory it counts at once."""
        self.posted[found.what] = found
        self.jobs.append(Job(lambda connection: _distrust(connection, found)))
        self._wake()

    # --- in the writer's thread ---------------------------------------------------------------------------------------

    def open(self) -> None:
        self._load(self.connection())

    def poll_at(self) -> float:
        return self._poll_at

    def poll(self) -> None:
        self._poll_at = time.monotonic() + POLL_S
        connection = self.connection()
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._load(connection)
            self._version = version

    def after_commit(self, connection: sqlite3.Connection) -> None:
        self._load(connection)
        for what in [what for what in list(self.posted) if what in self.distrusted]:
            self.posted.pop(what, None)

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT what, at, account, bound, billed FROM distrusted")
        self.distrusted = {row[0]: Distrust(row[0], row[1], row[2], Money(row[3]), Money(row[4])) for row in rows}


class SqliteLedger:
    """The role `ledger`."""

    def __init__(self, lane: LedgerLane, folder: Path, clock: Clock, worker: str) -> None:
        self._lane = lane
        self._folder = folder
        self._clock = clock
        self._positions = Positions(folder, worker)
        self._slots: dict[str, int] = {}
        self._count = itertools.count()

    def __repr__(self) -> str:
        return f"<SqliteLedger {self._lane.file.name} [{len(self._slots)} slices]>"

    def slice(self, account: Account, worker: str) -> Slice:
        """As `Ledger.slice`; `worker` is the one that this store was opened for. StoreError where no file can be made."""
        try:
            cells, at, slot = self._positions.take()
        except OSError as error:
            raise unusable(self._positions.file, error) from error
        slice = Slice(account, f"{self._positions.process}.{next(self._count)}", cells, at)
        self._slots[slice.holder] = slot
        return slice

    async def draw(self, slice: Slice, need: int, want: int) -> Draw:
        """As `Ledger.draw`."""
        account, holder, standing = slice.account, slice.holder, slice.standing
        slot = self._slots[holder]

        def draw(connection: sqlite3.Connection) -> Draw:
            book = _read(connection, account)
            drawn = book.draw(holder, standing, need, want)
            _write(connection, account, book, holder, slot)
            return drawn

        drawn = await self._lane.run(draw)
        slice.put(drawn.granted)
        return drawn

    async def close(self, slice: Slice) -> None:
        """As `Ledger.close`."""
        account, holder, standing = slice.account, slice.holder, slice.standing

        def close(connection: sqlite3.Connection) -> None:
            book = _read(connection, account)
            book.close(holder, standing)
            _write(connection, account, book, holder, -1)

        await self._lane.run(close)
        self._positions.give_back(self._slots.pop(holder))

    async def bury(self) -> list[Burial]:
        """As `Ledger.bury`; not what another process is burying at the same time."""
        found: list[Burial] = []
        holders = await self._lane.run(_unburied)
        known = {holder.rpartition(".")[0] for holder in holders}
        for process in sorted({*known, *processes(self._folder)} - {self._positions.process}):
            with corpse_of(self._folder, process) as corpse:
                if corpse is not None:
                    found += await self._bury(process, corpse)
        await self._lane.run(self._tidy)
        return found

    async def _bury(self, process: str, corpse: Corpse) -> list[Burial]:
        rows = [row for row in await self._lane.run(_slices) if row[0].rpartition(".")[0] == process]
        stood: dict[str, Standing | int] = {}
        for holder, account, slot in rows:
            standing = corpse.standing(slot)
            stood[holder] = (
                await trio.to_thread.run_sync(booked, self._folder, account.start, holder)
                if standing is None
                else standing
            )

        def bury(connection: sqlite3.Connection) -> list[Burial]:
            return [_bury_one(connection, account, holder, stood[holder]) for holder, account, _ in rows]

        return await self._lane.run(bury)

    def _tidy(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM accounts WHERE start > 0 AND start < ? AND NOT EXISTS"
            " (SELECT 1 FROM shares WHERE shares.name = accounts.name AND shares.start = accounts.start)",
            (int(self._clock.time() - KEEP_S),),
        )

    async def statements(self, since: float = 0.0) -> list[Statement]:
        """As `Ledger.statements`, by name and period."""

        def read(connection: sqlite3.Connection) -> list[Statement]:
            accounts = [_account(row) for row in connection.execute(_ACCOUNTS, (int(since),))]
            return [_read(connection, account).statement(account) for account in accounts]

        return await self._lane.run(read)

    def distrusted(self, what: str) -> Distrust | None:
        """As `Ledger.distrusted`."""
        lane = self._lane
        return lane.distrusted.get(what) or (lane.posted.get(what) if lane.posted else None)

    def distrust(self, found: Distrust) -> None:
        """As `Ledger.distrust`. Not on the disk yet when it returns."""
        self._lane.post(found)

    async def trust(self, what: str) -> bool:
        """As `Ledger.trust`."""

        def trust(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM distrusted WHERE what = ?", (what,)).rowcount > 0

        found = await self._lane.run(trust)
        self._lane.posted.pop(what, None)
        return found

    async def list_distrusted(self) -> list[Distrust]:
        return sorted(self._lane.distrusted.values(), key=lambda found: found.at)

    def aclose(self) -> None:
        """Let go of the positions, when the writer has ended."""
        self._positions.close(settled=not self._slots)


# --- in the writer's thread -------------------------------------------------------------------------------------------

_ACCOUNTS: Final = (
    "SELECT name, start, per, label, amount FROM accounts WHERE start = 0 OR start >= ? ORDER BY name, start"
)
_SHARES: Final = "SELECT holder, settled, overrun, leased, free, presumed FROM shares WHERE name = ? AND start = ?"


def _account(row: tuple[Any, ...]) -> Account:
    name, start, per, label, amount = row
    return Account(name, start, Money(amount), per, label)


def _read(connection: sqlite3.Connection, account: Account) -> Book:
    """An account as it is in this transaction, with the limit that it has now."""
    row = connection.execute(
        "SELECT settled, overrun FROM accounts WHERE name = ? AND start = ?", account.key
    ).fetchone()
    shares = {
        holder: Share(settled, overrun, leased, free, bool(presumed))
        for holder, settled, overrun, leased, free, presumed in connection.execute(_SHARES, account.key)
    }
    settled, overrun = row or (0, 0)
    return Book(account.limit, settled, overrun, shares)


def _write(connection: sqlite3.Connection, account: Account, book: Book, holder: str, slot: int) -> None:
    """What became of the account and of this one slice."""
    connection.execute(
        "INSERT OR REPLACE INTO accounts (name, start, per, label, amount, settled, overrun) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*account.key, account.per, account.label, int(account.limit), int(book.settled), int(book.overrun)),
    )
    share = book.shares.get(holder)
    if share is None:
        connection.execute("DELETE FROM shares WHERE holder = ?", (holder,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO shares (holder, name, start, settled, overrun, leased, free, presumed, slot)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            holder, *account.key, int(share.settled), int(share.overrun), int(share.leased), int(share.free), share.presumed, slot,
        ),
    )  # fmt: skip


def _unburied(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT holder FROM shares WHERE NOT presumed")]


def _slices(connection: sqlite3.Connection) -> list[tuple[str, Account, int]]:
    rows = connection.execute(
        "SELECT holder, slot, name, start, per, label, amount FROM shares JOIN accounts USING (name, start)"
        " WHERE NOT presumed"
    )
    return [(row[0], _account(row[2:]), row[1]) for row in rows]


def _bury_one(connection: sqlite3.Connection, account: Account, holder: str, stood: Standing | int) -> Burial:
    book = _read(connection, account)
    if isinstance(stood, Standing):
        freed, presumed = book.bury(holder, stood)
    else:
        freed, presumed = book.bury(holder, None, stood)
    _write(connection, account, book, holder, -1)
    return Burial(holder, account.key, Money(freed), Money(presumed))


def _distrust(connection: sqlite3.Connection, found: Distrust) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO distrusted (what, at, account, bound, billed) VALUES (?, ?, ?, ?, ?)",
        (found.what, found.at, found.account, int(found.bound), int(found.billed)),
    )
