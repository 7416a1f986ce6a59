"""The schemas, as numbered steps from an empty file to today's.

1. `PRAGMA user_version` is the number of the last migration that a file has seen.
2. All that are missing run in one transaction: a file has the old schema or the new one.
3. A migration that was released is never edited; a change is a new one at the end of its table.
4. A file from a newer Headgate is refused: what it holds would be misread. Not so a call log: its migrations behind the first
   only add columns that may be empty, and inserts name theirs. While a node is upgraded, and when that is taken back, an
   older one writes to the file of a day that a newer one has opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from headgate.api import StoreError

# "HGAT": tells our files from any other SQLite file that happens to bear the name.
APPLICATION_ID: Final = 0x48474154


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema: its number, what it does, and the doing."""

    number: int
    what: str
    apply: Callable[[Database], None]


def _identity(db: Database) -> None:
    db.create_table("meta", {"name": str, "value": bytes}, pk="name")
    db.create_table("teams", {"name": str, "created_at": float}, pk="name")
    db.create_table(
        "keys",
        {
            "id": str, "digest": bytes, "name": str, "team": str, "application": str, "models": str, "scopes": str,
            "created_at": float, "expires_at": float, "revoked_at": float, "change": int,
        },
        pk="id",
        not_null={"digest", "name", "team", "models", "scopes", "created_at", "change"},
        foreign_keys=[("team", "teams", "name")],
    )  # fmt: skip
    db.table("keys").create_index(["digest"], unique=True)
    db.table("keys").create_index(["change"], unique=True)


def _buckets(db: Database) -> None:
    db.create_table("buckets", {"bucket": str, "period_s": float, "window": bytes, "ends_at": float}, pk="bucket")
    db.table("buckets").create_index(["ends_at"])
    db.create_table("clock", {"boot": str, "offset_s": float}, pk="boot")


def _accounts(db: Database) -> None:
    db.create_table(
        "accounts",
        {"name": str, "start": int, "per": str, "label": str, "amount": int, "settled": int, "overrun": int},
        pk=("name", "start"),
        not_null={"per", "label", "amount", "settled", "overrun"},
    )
    db.table("accounts").create_index(["start"])
    db.create_table(
        "shares",
        {
            "holder": str, "name": str, "start": int, "settled": int, "overrun": int, "leased": int, "free": int,
            "presumed": int, "slot": int,
        },
        pk="holder",
        not_null={"name", "start", "settled", "overrun", "leased", "free", "presumed", "slot"},
    )  # fmt: skip
    db.table("shares").create_index(["name", "start"])
    db.create_table("distrusted", {"what": str, "at": float, "account": str, "bound": int, "billed": int}, pk="what")


def _blobs(db: Database) -> None:
    columns = {"owner": str, "key": str, "data": bytes, "expires_at": float}
    db.create_table("blobs", columns, pk=("owner", "key"), not_null={"data", "expires_at"})
    db.table("blobs").create_index(["expires_at"])


# The columns that are asked for by name; every other field of a row is in `more`, as JSON.
CALL_COLUMNS: Final = {
    "at": float, "id": str, "route": str, "method": str, "host": str, "path": str, "status": int, "outcome": str,
    "error": str, "duration_s": float, "bytes_in": int, "bytes_out": int, "client": str, "worker": str, "caller": str,
    "team": str, "target": str, "model": str, "provider": str, "input_tokens": int, "output_tokens": int,
    "cached_tokens": int, "reasoning_tokens": int, "cost": int, "estimated": int, "cache_write_tokens": int,
    "audio_tokens": int, "model_asked": str, "key": str, "ttft_s": float, "tokens_per_s": float, "cache": str,
    "http_version": str, "upgrade": str, "grpc_status": int, "messages_in": int, "messages_out": int, "close_code": int,
    "closed_by": str,
}  # fmt: skip
# Those that a later migration brought, by its number.
_ADDED: Final = {
    2: ("cache_write_tokens", "audio_tokens", "model_asked", "key", "ttft_s", "tokens_per_s", "cache"),
    3: ("http_version", "upgrade", "grpc_status", "messages_in", "messages_out", "close_code", "closed_by"),
}


def _calls(db: Database) -> None:
    later = [name for names in _ADDED.values() for name in names]
    columns = {name: kind for name, kind in CALL_COLUMNS.items() if name not in later}
    db.create_table("calls", {**columns, "more": str})
    db.table("calls").create_index(["at"])
    db.table("calls").create_index(["id"])


def _adding(number: int) -> Callable[[Database], None]:
    """A migration that brings columns."""

    def add(db: Database) -> None:
        for name in _ADDED[number]:
            db.table("calls").add_column(name, CALL_COLUMNS[name])

    return add


STATE_SCHEMA: Final = (Migration(1, "teams and keys", _identity), Migration(2, "accounts", _accounts))
LEASES_SCHEMA: Final = (Migration(1, "buckets", _buckets),)
BLOBS_SCHEMA: Final = (Migration(1, "blobs, and when they expire", _blobs),)
CALLS_SCHEMA: Final = (
    Migration(1, "calls", _calls),
    Migration(2, "what was asked of models, with which key, and how fast they were", _adding(2)),
    Migration(3, "which protocol was spoken, and what it says beside HTTP's status", _adding(3)),
)


def migrate(
    connection: sqlite3.Connection, name: str, migrations: tuple[Migration, ...], *, newer: bool = False
) -> None:
    """Bring a file up to date; one that a newer Headgate has made, where `newer` allows it, is left as it is. StoreError where
    it is not ours or too new; sqlite3.Error, and nothing has changed."""
    latest = migrations[-1].number
    if _version(connection, name, latest, newer=newer) >= latest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, name, latest, newer=newer)  # another process may have been faster
        database = Database(connection)
        for migration in migrations:
            if migration.number > version:
                migration.apply(database)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={max(version, latest)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, name: str, latest: int, *, newer: bool) -> int:
    # In this order: another process may be making the file, and what has tables then has an application too.
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application not in (0, APPLICATION_ID) or (application == 0 and tables):
        raise StoreError(f"{name} is no file of Headgate's: choose another data folder, or move it away")
    if version > latest and not newer:
        raise StoreError(
            f"{name} was written by a newer Headgate (schema {version}, this one knows {latest}): "
            "run that version, or restore an older backup"
        )
    return version
