"""Stores in SQLite, in the node's data folder: keys, quotas and money counted over all workers, the call log, and what
clients refer to later.

It fills the roles `identity`, `leases`, `ledger`, `calls` and `blobs` where no other plugin has, and adds the verbs
`headgate keys`, `headgate budgets` and `headgate logs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from headgate.api import Node, Stores, hookimpl
from headgate_sqlite.settings import SqliteSettings

if TYPE_CHECKING:
    import click


class Sqlite:
    """The entry point. Keeps nothing itself: every node opens stores of its own."""

    @hookimpl
    def register_settings(self) -> type[SqliteSettings]:
        return SqliteSettings

    @hookimpl
    def register_stores(
        self, settings: SqliteSettings | None, stores: Stores, node: Node
    ) -> AbstractAsyncContextManager[None] | None:
        from headgate_sqlite.stores import open_stores

        if None not in (stores.identity, stores.leases, stores.calls, stores.ledger, stores.blobs):
            return None
        return open_stores(settings or SqliteSettings(), stores, node)

    @hookimpl
    def register_commands(self) -> Sequence[click.Command]:
        from headgate_sqlite.budgets_verb import budgets
        from headgate_sqlite.keys_verb import keys
        from headgate_sqlite.logs_verb import logs

        return [keys, budgets, logs]
