from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from tests.plugins.sqlite.conftest import eventually

from headgate.api import StoreError


async def test_a_key_is_found_by_its_hmac_and_stored_nowhere(opened, data: Path) -> None:
    async with opened() as stores:
        key, secret = await stores.identity.create_key(team="search", name="app", models=["gpt-*"], scopes=["read"])
        assert secret.startswith("hg_")
        assert len(secret) >= 40
        assert stores.identity.find_key(stores.identity.digest(secret)) == key
        assert stores.identity.find_key(stores.identity.digest(secret + "x")) is None
        assert key.scopes == ["read"]
        assert "gpt-4.1" in key.models
        assert "claude" not in key.models
    for file in data.iterdir():
        assert secret.encode() not in file.read_bytes()


async def test_keys_survive_a_restart(opened) -> None:
    async with opened() as stores:
        key, secret = await stores.identity.create_key(team="search", name="app", expires_at=5e9, application="shop")
    async with opened() as stores:
        assert stores.identity.find_key(stores.identity.digest(secret)) == key
        assert await stores.identity.list_keys("search") == [key]
        assert await stores.identity.list_keys("other") == []


async def test_a_revoked_key_stays_known_as_revoked(opened) -> None:
    async with opened() as stores:
        key, secret = await stores.identity.create_key(team="search", name="app")
        revoked = await stores.identity.revoke_key(key.id)
        again = await stores.identity.revoke_key(key.id)
        assert revoked.revoked_at is not None
        assert again.revoked_at == revoked.revoked_at
        assert stores.identity.find_key(stores.identity.digest(secret)) == revoked
        assert await stores.identity.revoke_key("k_nobody") is None


async def test_a_key_that_another_process_makes_or_revokes_is_known_within_a_second(opened, program) -> None:
    async with opened() as stores:
        key, secret = await stores.identity.create_key(team="search", name="app")
        other = program(f"""
            made, secret = await stores.identity.create_key(team="other", name="app")
            await stores.identity.revoke_key({key.id!r})
            print(secret, time.time(), flush=True)
        """)
        theirs, done_at = other.stdout.readline().split()
        digest = stores.identity.digest(secret)
        await eventually(lambda: stores.identity.find_key(digest).revoked_at is not None)
        await eventually(lambda: stores.identity.find_key(stores.identity.digest(theirs)) is not None)
        assert time.time() - float(done_at) < 1.0
        assert other.wait(10) == 0
        other.stdout.close()


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 201, "\x1b[31m"])
async def test_a_name_that_does_not_print_on_a_line_is_refused(opened, name: str) -> None:
    async with opened() as stores:
        with pytest.raises(ValueError, match="printable"):
            await stores.identity.create_key(team="search", name=name)


async def test_names_are_values_and_never_sql(opened) -> None:
    async with opened() as stores:
        key, _ = await stores.identity.create_key(team="x'); DROP TABLE keys; --", name="a' OR '1'='1")
        assert await stores.identity.revoke_key("' OR '1'='1") is None
        assert await stores.identity.list_keys("x'); DROP TABLE keys; --") == [key]


async def test_without_its_pepper_the_state_is_refused(opened, data: Path) -> None:
    async with opened() as stores:
        await stores.identity.create_key(team="search", name="app")
    (data / "pepper").unlink()
    with pytest.raises(StoreError, match="pepper is missing: restore it"):
        async with opened():
            pass
    (data / "pepper").write_text("00" * 32)
    with pytest.raises(StoreError, match="not the one that the keys were made with"):
        async with opened():
            pass


async def test_what_the_folder_holds_is_for_its_owner_alone(opened, data: Path) -> None:
    async with opened() as stores:
        await stores.identity.create_key(team="search", name="app")
        pepper = bytes.fromhex((data / "pepper").read_text())
        assert len(pepper) == 32
        assert not any(pepper in file.read_bytes() for file in data.glob("*.db*"))
        assert data.stat().st_mode & 0o777 == 0o700
        assert {file.name: file.stat().st_mode & 0o077 for file in data.iterdir() if file.stat().st_mode & 0o077} == {}


async def test_when_the_state_cannot_be_read_any_more_no_key_is_believed(opened, data: Path) -> None:
    async with opened(stale_s=0.4) as stores:
        _, secret = await stores.identity.create_key(team="search", name="app")
        digest = stores.identity.digest(secret)
        assert stores.identity.find_key(digest) is not None
        os.rename(data / "state.db", data / "gone.db")
        (data / "state.db").touch()

        def refused() -> bool:
            try:
                stores.identity.find_key(digest)
            except StoreError as error:
                return "cannot be read" in str(error)
            return False

        await eventually(refused)


async def test_a_state_that_is_locked_beyond_patience_fails_the_write_and_not_the_look_up(opened, data: Path) -> None:
    async with opened(patience_s=0.2) as stores:
        _, secret = await stores.identity.create_key(team="search", name="app")
        other = sqlite3.connect(data / "state.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"state.db is locked by another process for more than 0.2 s"):
            await stores.identity.create_key(team="search", name="late")
        assert stores.identity.find_key(stores.identity.digest(secret)) is not None
        other.execute("COMMIT")
        other.close()
        assert [key.name for key in await stores.identity.list_keys()] == ["app"]
        await stores.identity.create_key(team="search", name="later")
        assert repr(stores.identity) == "<SqliteIdentity state.db [2 keys]>"


async def test_a_lock_that_is_short_is_waited_for(opened, data: Path) -> None:
    async with opened(patience_s=5) as stores:
        other = sqlite3.connect(data / "state.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.1, lambda: other.execute("COMMIT"))
        timer.start()
        await stores.identity.create_key(team="search", name="app")
        timer.join()
        other.close()


async def test_a_row_that_nobody_can_read_closes_the_door_and_not_the_writer(
    opened, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(stale_s=0.5) as stores:
        _, secret = await stores.identity.create_key(team="search", name="app")
        with sqlite3.connect(data / "state.db") as other:
            other.execute("UPDATE keys SET models = 'broken', change = change + 1")
        other.close()
        await eventually(lambda: "what others wrote to state.db cannot be read" in caplog.text)
        stores.calls.add({"at": 0.0, "id": "goes on"})
        await eventually(lambda: not stores.calls._lane.queue)
        await eventually(lambda: time.monotonic() - stores.identity._lane.confirmed > 0.5)
        with pytest.raises(StoreError):
            stores.identity.find_key(stores.identity.digest(secret))


async def test_stores_that_are_closed_say_so(opened) -> None:
    async with opened() as stores:
        pass
    with pytest.raises(StoreError, match="closed"):
        await stores.identity.revoke_key("k")
    with pytest.raises(StoreError):
        await stores.calls.add_durably({"at": 0.0})
