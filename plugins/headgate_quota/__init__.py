"""Limits, counted over all workers through the stores: `limit.rate`, `limit.tokens`, and `budget` for money; and
`limit.concurrent`, counted over all workers of a node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import trio

from headgate.api import Kind, Node, hookimpl
from headgate_quota.accounts import STATE as ACCOUNTS
from headgate_quota.accounts import Accounts
from headgate_quota.budget import UNAVAILABLE, budget
from headgate_quota.concurrent import concurrent
from headgate_quota.places import shared_places
from headgate_quota.quotas import STATE, Quotas
from headgate_quota.rate import UNCOUNTED, rate
from headgate_quota.tokens import STATE as TOKENS
from headgate_quota.tokens import TokenCounts, tokens

__all__ = ["Quota"]


class Quota:
    """The plugin."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (rate, concurrent, tokens, budget)

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        return (UNCOUNTED, UNAVAILABLE)

    @hookimpl
    def open_resources(self, settings: Any, node: Node) -> AbstractAsyncContextManager[None]:
        return _quotas(node)


@asynccontextmanager
async def _quotas(node: Node) -> AsyncIterator[None]:
    """What the steps share on a node, and the tasks that fetch leases ahead and give back what is left of old ones."""
    quotas, counts, accounts = Quotas(node), TokenCounts(node), Accounts(node)
    quotas.places = None if node.rehearsing or node.data is None else shared_places(node.data)
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        node.state.update({STATE: quotas, TOKENS: counts, ACCOUNTS: accounts})
        quotas.nursery = accounts.nursery = nursery
        nursery.start_soon(quotas.return_what_expires)
        nursery.start_soon(counts.book)
        nursery.start_soon(accounts.tend)
        if node.stores.ledger is not None and not node.rehearsing:
            nursery.start_soon(accounts.bury)
        try:
            yield
        except BaseException as error:
            failure = error  # whoever opened us is to get it as it is, and not in the group of this nursery
        quotas.nursery = accounts.nursery = None
        nursery.cancel_scope.cancel()
    await quotas.close()
    if quotas.places is not None:
        quotas.places.close()
    await counts.close()
    await accounts.close()
    if failure is not None:
        raise failure
