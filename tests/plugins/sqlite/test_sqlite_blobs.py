"""What is kept for somebody: the same facts hold in memory and on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.plugins.sqlite.conftest import FakeClock

from headgate.api import Blobs, StoreError
from headgate.contracts.memory import MemoryBlobs

Keeps = Callable[[FakeClock], AbstractAsyncContextManager[Blobs]]


@pytest.fixture(params=["memory", "sqlite"])
def keeps(request: pytest.FixtureRequest, opened) -> Keeps:
    @asynccontextmanager
    async def memory(clock: FakeClock) -> AsyncIterator[Blobs]:
        yield MemoryBlobs(clock)

    @asynccontextmanager
    async def sqlite(clock: FakeClock) -> AsyncIterator[Blobs]:
        async with opened(clock) as stores:
            yield stores.blobs

    return memory if request.param == "memory" else sqlite


async def test_what_is_put_is_got(keeps: Keeps) -> None:
    clock = FakeClock()
    async with keeps(clock) as blobs:
        assert await blobs.get("a", owner="t1") is None
        await blobs.put("a", b"\0one", owner="t1", expires_at=clock.at + 10)
        assert await blobs.get("a", owner="t1") == b"\0one"
        await blobs.put("a", b"two", owner="t1", expires_at=clock.at + 10)
        assert await blobs.get("a", owner="t1") == b"two"


async def test_what_belongs_to_another_is_not_there(keeps: Keeps) -> None:
    clock = FakeClock()
    async with keeps(clock) as blobs:
        await blobs.put("a", b"mine", owner="t1", expires_at=clock.at + 10)
        assert await blobs.get("a", owner="t2") is None
        assert not await blobs.delete("a", owner="t2")
        await blobs.put("a", b"theirs", owner="t2", expires_at=clock.at + 10)
        assert await blobs.get("a", owner="t1") == b"mine"


async def test_what_has_expired_is_not_there(keeps: Keeps) -> None:
    clock = FakeClock()
    async with keeps(clock) as blobs:
        await blobs.put("a", b"one", owner="t1", expires_at=clock.at + 10)
        clock.at += 10
        assert await blobs.get("a", owner="t1") is None
        assert not await blobs.delete("a", owner="t1")


async def test_what_is_deleted_is_gone(keeps: Keeps) -> None:
    clock = FakeClock()
    async with keeps(clock) as blobs:
        await blobs.put("a", b"one", owner="t1", expires_at=clock.at + 10)
        assert await blobs.delete("a", owner="t1")
        assert not await blobs.delete("a", owner="t1")
        assert await blobs.get("a", owner="t1") is None


async def test_a_blob_survives_a_restart(opened) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        await stores.blobs.put("a", b"one", owner="t1", expires_at=clock.at + 10)
    async with opened(clock) as stores:
        assert await stores.blobs.get("a", owner="t1") == b"one"


async def test_expired_blobs_are_removed(opened, data: Path) -> None:
    clock = FakeClock()
    async with opened(clock) as stores:
        for number in range(250):
            await stores.blobs.put(f"b{number}", b"old", owner="t1", expires_at=clock.at + 10)
        clock.at += 100
        for number in range(3):
            await stores.blobs.put(f"new{number}", b"new", owner="t1", expires_at=clock.at + 10)
    reading = sqlite3.connect(data / "blobs.db")
    assert reading.execute("SELECT key FROM blobs").fetchall() == [("new0",), ("new1",), ("new2",)]
    reading.close()


async def test_a_locked_file_keeps_nothing(opened, data: Path) -> None:
    async with opened(patience_s=0.2) as stores:
        other = sqlite3.connect(data / "blobs.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"blobs.db is locked"):
            await stores.blobs.put("a", b"one", owner="t1", expires_at=2e9)
        other.close()


async def test_another_process_sees_what_was_kept(opened, program) -> None:
    async with opened() as stores:
        await stores.blobs.put("a", b"one", owner="t1", expires_at=4e9)
        other = program('    print(await stores.blobs.get("a", owner="t1"), flush=True)')
        assert other.communicate(timeout=60)[0].strip() == "b'one'"
