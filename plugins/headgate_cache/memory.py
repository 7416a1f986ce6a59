"""A store of the role `cache` in memory: bounded in bytes, what was not asked for the longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from headgate.api import Clock

# What an entry takes beside its bytes: two objects, a float, and its place in the dictionary.
OVERHEAD_BYTES: Final = 300


class MemoryCache:
    """One worker's. It forgets with the process."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self.clock = clock
        self.limit = limit
        self.size = 0
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<MemoryCache {len(self._entries)} entries [{self.size} of {self.limit} bytes]>"

    async def get(self, key: bytes) -> bytes | None:
        """What is kept, if its time is not up."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self.clock.monotonic():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keep it; what is larger than all of the memory is not kept."""
        if key in self._entries:
            self._drop(key)
        if _weight(value) > self.limit:
            return
        self._entries[key] = (self.clock.monotonic() + ttl_s, value)
        self.size += _weight(value)
        while self.size > self.limit:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        self.size -= _weight(self._entries.pop(key)[1])


def _weight(value: bytes) -> int:
    return len(value) + OVERHEAD_BYTES
