"""Answers that were paid for once: `cache.exact ttl=10m by=[key.team, chat] { … }`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec

from headgate.api import Node, hookimpl
from headgate_cache.exact import exact
from headgate_cache.memory import MemoryCache
from headgate_cache.settings import CacheSettings
from headgate_cache.shared import STATE, Shared

__all__ = ["Cache"]


class Cache:
    """The plugin."""

    @hookimpl
    def register_settings(self) -> type[msgspec.Struct]:
        return CacheSettings

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (exact,)

    @hookimpl
    def open_resources(self, settings: CacheSettings | None, node: Node) -> AbstractAsyncContextManager[None]:
        return _shared(settings or CacheSettings(), node)


@asynccontextmanager
async def _shared(settings: CacheSettings, node: Node) -> AsyncIterator[None]:
    """The store of the role `cache`, or memory where no plugin fills it."""
    store = node.stores.cache or MemoryCache(node.clock, settings.memory_mb << 20)
    node.state[STATE] = Shared(store)
    yield
