"""Opens the stores of one node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from headgate.api import Node, Stores
from headgate_sqlite.blobs import BlobLane, SqliteBlobs
from headgate_sqlite.calls import CallLane, SqliteCalls
from headgate_sqlite.files import data_folder
from headgate_sqlite.identity import SqliteIdentity, StateLane
from headgate_sqlite.leases import LeaseLane, SqliteLeases
from headgate_sqlite.ledger import LedgerLane, SqliteLedger
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.writer import Lane, Writer


@asynccontextmanager
async def open_stores(settings: SqliteSettings, stores: Stores, node: Node) -> AsyncIterator[None]:
    """Fill what is empty in `stores`, with one writer thread behind it. SettingsError, StoreError.

    Leaving it commits what is queued, and ends the thread.
    """
    folder = data_folder(node.data)
    writer = Writer(settings.patience_s)
    lanes: list[Lane] = []
    ledger: SqliteLedger | None = None
    if stores.identity is None:
        state = StateLane(folder, writer.wake)
        lanes.append(state)
        stores.identity = SqliteIdentity(state, node.clock, settings.stale_s)
    if stores.leases is None:
        leases = LeaseLane(folder, node.clock, writer.wake)
        lanes.append(leases)
        stores.leases = SqliteLeases(leases)
    if stores.ledger is None:
        money = LedgerLane(folder, writer.wake)
        lanes.append(money)
        stores.ledger = ledger = SqliteLedger(money, folder, node.clock, node.worker)
    if stores.calls is None:
        calls = CallLane(folder, node.clock, settings, writer.wake)
        lanes.append(calls)
        stores.calls = SqliteCalls(calls)
    if stores.blobs is None:
        blobs = BlobLane(folder, node.clock, writer.wake)
        lanes.append(blobs)
        stores.blobs = SqliteBlobs(blobs)
    try:
        await writer.start(lanes)
        yield
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(writer.close)
        if ledger is not None:
            ledger.aclose()
