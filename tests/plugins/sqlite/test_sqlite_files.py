from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from sqlite_utils import Database
from tests.plugins.sqlite.conftest import FakeClock, row

from headgate.api import Node, SettingsError, StoreError, Stores, SystemClock
from headgate_sqlite import Sqlite
from headgate_sqlite.files import open_file
from headgate_sqlite.lines import attempt_lines
from headgate_sqlite.migrations import CALLS_SCHEMA, STATE_SCHEMA, Migration
from headgate_sqlite.reading import Filter, last_calls


def _first(db: Database) -> None:
    db.create_table("things", {"id": int, "name": str}, pk="id")


def _second(db: Database) -> None:
    db.table("things").add_column("colour", str)
    db.table("things").insert({"id": 2, "name": "two", "colour": "red"})


def _broken(db: Database) -> None:
    db.create_table("others", {"id": int}, pk="id")
    db.execute("INSERT INTO nowhere VALUES (1)")


ONE = (Migration(1, "things", _first),)
TWO = (*ONE, Migration(2, "colours", _second))


def test_an_older_file_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    old = open_file(tmp_path / "x.db", ONE, "FULL")
    old.execute("INSERT INTO things VALUES (1, 'one')")
    old.close()
    new = open_file(tmp_path / "x.db", TWO, "FULL")
    assert new.execute("SELECT * FROM things").fetchall() == [(1, "one", None), (2, "two", "red")]
    assert new.execute("PRAGMA user_version").fetchone() == (2,)
    new.close()
    again = open_file(tmp_path / "x.db", TWO, "FULL")
    assert again.execute("SELECT count(*) FROM things").fetchone() == (2,)
    again.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    open_file(tmp_path / "x.db", ONE, "FULL").close()
    with pytest.raises(StoreError, match="nowhere"):
        open_file(tmp_path / "x.db", (*TWO, Migration(3, "bad", _broken)), "FULL")
    same = sqlite3.connect(tmp_path / "x.db")
    assert same.execute("PRAGMA user_version").fetchone() == (1,)
    assert same.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall() == [("things",)]
    assert [column[1] for column in same.execute("PRAGMA table_info(things)")] == ["id", "name"]
    same.close()


async def test_a_newer_schema_is_refused(opened, data: Path) -> None:
    async with opened():
        pass
    state = sqlite3.connect(data / "state.db", isolation_level=None)
    state.execute("PRAGMA user_version=7")
    state.close()
    with pytest.raises(StoreError, match=r"state.db was written by a newer Headgate \(schema 7, this one knows 2\)"):
        async with opened():
            pass


@pytest.mark.parametrize("name", ["state.db", "leases.db"])
async def test_a_damaged_file_is_refused(opened, data: Path, name: str) -> None:
    data.mkdir()
    (data / name).write_bytes(b"this is no database, " * 400)
    with pytest.raises(StoreError, match=f"{name} is damaged or no database .*: move it away"):
        async with opened():
            pass


async def test_a_foreign_database_is_refused(opened, data: Path) -> None:
    data.mkdir()
    foreign = sqlite3.connect(data / "state.db")
    foreign.execute("CREATE TABLE recipes (name)")
    foreign.close()
    with pytest.raises(StoreError, match="no file of Headgate's"):
        async with opened():
            pass


async def test_a_folder_that_cannot_be_made_is_refused(opened, data: Path) -> None:
    data.write_text("a file stands there")
    with pytest.raises(SettingsError, match="`data`"):
        async with opened():
            pass


def test_processes_that_make_the_same_files_at_once_agree(program, data: Path) -> None:
    body = """
        key, secret = await stores.identity.create_key(team="t", name=sys.argv[2])
        print(stores.identity.digest("same").hex(), flush=True)
    """
    workers = [program(body, f"w{number}") for number in range(3)]
    assert len({worker.communicate(timeout=30)[0] for worker in workers}) == 1
    state = open_file(data / "state.db", STATE_SCHEMA, "FULL")
    assert state.execute("SELECT count(*), count(DISTINCT change) FROM keys").fetchone() == (3, 3)
    state.close()


def test_roles_that_are_filled_are_left_alone(tmp_path: Path) -> None:
    stores = Stores(identity=object(), leases=object(), calls=object(), ledger=object(), blobs=object())  # type: ignore[arg-type]
    node = Node(SystemClock(), None, None, stores, data=tmp_path / "never")  # type: ignore[arg-type]
    assert Sqlite().register_stores(None, stores, node) is None
    assert not (tmp_path / "never").exists()


async def test_a_call_log_of_an_older_headgate_is_read_and_written_on(opened, data: Path) -> None:
    data.mkdir()
    old = open_file(data / "calls-2026-01-01.db", CALLS_SCHEMA[:1], "NORMAL")
    old.execute("INSERT INTO calls (at, id, model, more) VALUES (?, 'old', 'm', ?)", (
        1_767_225_600.0, '{"attempts": [["openai/m", "429", 0.2], ["openai/m", "ok", 0.4]], "ttft_s": 0.5}',
    ))  # fmt: skip
    old.close()
    assert [one["id"] for one in last_calls(data, Filter(), 9)] == ["old"], "before anything is written to it"
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="new", key="POOL_ONE", audio_tokens=7, cache_write_tokens=3, cache="miss", ttft_s=0.25))
    old_row, new_row = last_calls(data, Filter(), 9)
    assert (old_row["id"], old_row["ttft_s"], len(attempt_lines(old_row))) == ("old", 0.5, 2)
    assert (new_row["key"], new_row["audio_tokens"], new_row["cache_write_tokens"]) == ("POOL_ONE", 7, 3)
    written = sqlite3.connect(data / "calls-2026-01-01.db")
    assert written.execute("PRAGMA user_version").fetchone() == (CALLS_SCHEMA[-1].number,)
    assert written.execute("SELECT key, cache, ttft_s FROM calls WHERE id = 'new'").fetchone() == (
        "POOL_ONE", "miss", 0.25,
    )  # fmt: skip
    written.close()


async def test_a_call_log_of_before_protocols_is_read_and_written_on(opened, data: Path) -> None:
    data.mkdir()
    old = open_file(data / "calls-2026-01-01.db", CALLS_SCHEMA[:2], "NORMAL")
    more = '{"grpc_status": 5, "messages_in": 3, "close_code": 1000}'
    old.execute("INSERT INTO calls (at, id, cache, more) VALUES (?, 'old', 'hit', ?)", (1_767_225_600.0, more))
    old.close()
    spoken = dict(http_version="2", upgrade="websocket", grpc_status=0, messages_in=1, messages_out=2)
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="new", close_code=1001, closed_by="gateway", **spoken))
    old_row, new_row = last_calls(data, Filter(), 9)
    assert (old_row["grpc_status"], old_row["messages_in"], old_row["close_code"]) == (5, 3, 1000)
    assert spoken.items() <= new_row.items()
    written = sqlite3.connect(data / "calls-2026-01-01.db")
    assert written.execute(
        "SELECT http_version, upgrade, grpc_status, messages_in, messages_out, close_code, closed_by, more "
        "FROM calls WHERE id = 'new'"
    ).fetchone() == ("2", "websocket", 0, 1, 2, 1001, "gateway", None)
    written.close()


NEWER = Migration(
    CALLS_SCHEMA[-1].number + 1, "what nobody knows yet", lambda db: db.table("calls").add_column("mood", str)
)


async def test_a_call_log_of_a_newer_headgate_is_written_and_read_and_left_as_it_is(opened, data: Path) -> None:
    data.mkdir()
    file = data / "calls-2026-01-01.db"
    newer = open_file(file, (*CALLS_SCHEMA, NEWER), "NORMAL")
    newer.execute("INSERT INTO calls (at, id, mood) VALUES (1767225600.0, 'theirs', 'calm')")
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="ours", key="POOL_ONE", note="in more"))
    theirs, ours = last_calls(data, Filter(), 9)
    assert (theirs["id"], theirs["mood"]) == ("theirs", "calm")
    assert ours == row(id="ours", key="POOL_ONE", note="in more")
    assert newer.execute("PRAGMA user_version").fetchone() == (NEWER.number,)
    newer.close()


async def test_a_newer_headgate_may_open_the_call_log_that_an_older_one_is_writing(opened, data: Path) -> None:
    async with opened(FakeClock()) as stores:
        await stores.calls.add_durably(row(id="before"))
        open_file(data / "calls-2026-01-01.db", (*CALLS_SCHEMA, NEWER), "NORMAL").close()
        await stores.calls.add_durably(row(id="after"))
    assert [one["id"] for one in last_calls(data, Filter(), 9)] == ["before", "after"]


def test_migrations_of_the_call_log_only_add_columns_that_may_be_empty(tmp_path: Path) -> None:
    seen = []
    for count in range(1, len(CALLS_SCHEMA) + 1):
        calls = open_file(tmp_path / "calls.db", CALLS_SCHEMA[:count], "NORMAL")
        columns = calls.execute(
            "SELECT name, type, [notnull], dflt_value, pk FROM pragma_table_info('calls')"
        ).fetchall()
        others = calls.execute("SELECT name, sql FROM sqlite_schema WHERE name != 'calls' ORDER BY name").fetchall()
        calls.close()
        seen.append((columns, others))
        assert {column[2:] for column in columns} == {(0, None, 0)}
    for (columns, others), (later_columns, later_others) in pairwise(seen):
        assert later_columns[: len(columns)] == columns
        assert later_others == others, "an index that must be unique would refuse an older Headgate's rows"


def test_a_lone_attempt_is_told_where_it_failed_and_so_is_what_was_never_tried() -> None:
    failed = {"target": "openai/gpt", "result": "500", "duration_s": 0.1, "why": "gpt answered with status 500."}
    [line] = attempt_lines({"attempts": [failed]})
    assert "gpt answered with status 500." in line.plain
    assert attempt_lines({"attempts": [{**failed, "result": "ok"}]}) == []
    [line] = attempt_lines({"detail": "`n` has to be a whole number."})
    assert line.plain.strip() == "`n` has to be a whole number."
