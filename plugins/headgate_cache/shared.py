"""What the blocks of one node share: the store, and the requests that are on their way to an answer.

1. Of requests with one key, the first is the flight; the others wait for it to land. What it brings they get too.
2. A flight that brings nothing (a failure, an answer that is not kept, a client that hung up) lets the others go, each on
   its own way: one client's bad luck is not everybody's, and nobody queues behind the next who may fail.
3. A store that fails is a cache that has nothing: the request goes on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import trio

from headgate.api import StoreError

if TYPE_CHECKING:
    from headgate.api import CacheStore

STATE: Final = "cache"

log = logging.getLogger("headgate")


class Flight:
    """One request on its way to an answer that may be kept."""

    __slots__ = ("_landed", "brought")

    def __init__(self) -> None:
        self._landed = trio.Event()
        self.brought: bytes | None = None

    async def wait(self, longest_s: float) -> bytes | None:
        """What it brings; None where that is nothing, or takes too long."""
        with trio.move_on_after(longest_s):
            await self._landed.wait()
        return self.brought

    def land(self, brought: bytes | None) -> None:
        """It is over. Only the first word counts."""
        if not self._landed.is_set():
            self.brought = brought
            self._landed.set()


class Shared:
    """The store and the flights."""

    def __init__(self, store: CacheStore) -> None:
        self.store = store
        self.flights: dict[bytes, Flight] = {}

    def __repr__(self) -> str:
        return f"<Shared {self.store!r} [{len(self.flights)} flights]>"

    async def find(self, key: bytes) -> bytes | None:
        """What is kept under a key."""
        try:
            return await self.store.get(key)
        except StoreError as error:
            log.warning("the cache was not asked: %s", error)
            return None

    async def keep(self, key: bytes, kept: bytes, ttl_s: float) -> None:
        """Keep it, if that can be done."""
        try:
            await self.store.put(key, kept, ttl_s)
        except StoreError as error:
            log.warning("an answer was not kept: %s", error)

    def depart(self, key: bytes) -> Flight:
        """Become the flight of a key; where there is one already, a flight that nobody waits for."""
        flight = Flight()
        self.flights.setdefault(key, flight)
        return flight

    def land(self, key: bytes, flight: Flight, brought: bytes | None) -> None:
        """The end of a flight."""
        if self.flights.get(key) is flight:
            del self.flights[key]
        flight.land(brought)
