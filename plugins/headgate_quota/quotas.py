"""What `limit.rate` shares on a node: its buckets, its talk with the store, and what has to be given back.

1. A bucket asks for a slice once at a time, and whoever needs a unit meanwhile waits for that. Units without a life are
   asked for by each request for itself.
2. Asking is shielded: what the store granted is never lost with a client that went away.
3. What is left of a lease at its end is given back at once, by one task for all buckets; what is left of a bucket that
   is pushed out, or of all of them at the node's end, too. A unit that could not be given back counts as spent.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections import OrderedDict
from typing import Final

import trio

from headgate.api import Leases, Limit, Node, PluginFault, StoreError
from headgate_quota.buckets import Bucket, Holding
from headgate_quota.gates import Gate
from headgate_quota.places import Places

STATE: Final = "quota"
# About 50 MB of them. The ones used last stay.
MAX_BUCKETS: Final = 100_000

log = logging.getLogger("headgate.quota")

Key = tuple[str, object]


class Quotas:
    """The buckets of one node. `nursery` is open as long as the node is."""

    def __init__(self, node: Node, max_buckets: int = MAX_BUCKETS) -> None:
        self.node = node
        self.buckets: OrderedDict[Key, Bucket] = OrderedDict()
        self.gates: dict[Key, Gate] = {}
        self.places: Places | None = None
        self.max_buckets = max_buckets
        self.nursery: trio.Nursery | None = None
        self._due: list[tuple[float, int, Bucket]] = []
        self._count = itertools.count()
        self._woken = trio.Event()

    def __repr__(self) -> str:
        return f"<Quotas {len(self.buckets)} buckets, {len(self._due)} leases>"

    @property
    def _leases(self) -> Leases:
        leases = self.node.stores.leases
        if leases is None:
            raise PluginFault("no installed plugin keeps leases, which limits need", plugin="quota")
        return leases

    def bucket(self, key: Key, name: str, limit: Limit) -> Bucket:
        """The bucket, made if it is new; the one unused for the longest makes room."""
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Bucket(name, limit)
            if len(self.buckets) > self.max_buckets:
                _, oldest = self.buckets.popitem(last=False)
                if oldest.holding:
                    self._start(oldest, give_up=True)
        return bucket

    async def take(self, bucket: Bucket) -> bool:
        """One unit; False where the limit is reached (see `bucket.free_at`). StoreError."""
        clock = self.node.clock
        while True:
            now = clock.monotonic()
            if bucket.spend(now):
                return True
            if now < bucket.refused_until:
                return False
            if bucket.asking is not None:
                bucket.waiting += 1
                try:
                    await bucket.asking.wait()
                finally:
                    bucket.waiting -= 1
            elif await self._ask(bucket):
                return True

    def renew(self, bucket: Bucket) -> None:
        """Fetch the next lease while the last units of this one are spent. Does not wait."""
        if bucket.spare is None and bucket.asking is None:
            self._start(bucket, give_up=False)

    def _start(self, bucket: Bucket, *, give_up: bool) -> None:
        if self.nursery is not None:
            self.nursery.start_soon(self._behind, bucket, give_up)

    async def _behind(self, bucket: Bucket, give_up: bool) -> None:
        """Off the hot path. A store that fails is met by the next request that needs it."""
        try:
            if give_up:
                await self._give_back(bucket, bucket.expired(float("inf")))
            elif bucket.asking is None and await self._ask(bucket, ahead=True):
                log.debug("%r: nothing to fetch ahead", bucket)
        except StoreError as error:
            log.warning("%s: %s", bucket.name, error)
        except Exception as error:
            log.error("%s: %s", bucket.name, error, exc_info=error)

    async def _ask(self, bucket: Bucket, *, ahead: bool = False) -> bool:
        """Ask the store. True where it gave one unit for the asker, which is given back if there is none (`ahead`)."""
        clock, leases = self.node.clock, self._leases
        expired = bucket.expired(clock.monotonic())
        want = bucket.demand(clock.monotonic())
        asked = trio.Event()
        if want > 1:
            bucket.asking = asked
        with trio.CancelScope(shield=True):
            try:
                await self._give_back(bucket, expired)
                before = clock.monotonic()
                lease = await leases.take(bucket.name, bucket.limit, want, self.node.worker, bucket.holding)
                after = clock.monotonic()
                holding = bucket.granted(lease, before, after)
                if holding is not None:
                    self._watch(holding, bucket)
                elif ahead and lease.granted:
                    await leases.give_back(bucket.name, lease, 1, self.node.worker)
            finally:
                if bucket.asking is asked:
                    bucket.asking = None
                asked.set()
        return holding is None and lease.granted > 0

    def _watch(self, holding: Holding, bucket: Bucket) -> None:
        heapq.heappush(self._due, (holding.until, next(self._count), bucket))
        if self._due[0][0] == holding.until:
            self._woken.set()

    async def _give_back(self, bucket: Bucket, holdings: list[Holding]) -> None:
        for holding in holdings:
            left, holding.left = holding.left, 0
            await self._leases.give_back(bucket.name, holding.lease, left, self.node.worker)

    async def return_what_expires(self) -> None:
        """Give back what is left of leases at their end, until cancelled."""
        while True:
            now = self.node.clock.monotonic()
            while self._due and self._due[0][0] <= now:
                bucket = heapq.heappop(self._due)[2]
                try:
                    await self._give_back(bucket, bucket.expired(now))
                except StoreError as error:
                    log.warning("%s: %s", bucket.name, error)
                except Exception as error:
                    log.error("%s: %s", bucket.name, error, exc_info=error)
            self._woken = trio.Event()
            pause = self._due[0][0] - self.node.clock.monotonic() if self._due else float("inf")
            with trio.move_on_after(max(0.0, pause)):
                await self._woken.wait()

    async def close(self) -> None:
        """Give everything back; what a store does not take within a second counts as spent."""
        with trio.move_on_after(1.0) as scope:
            scope.shield = True
            for bucket in self.buckets.values():
                if bucket.holding:
                    await self._behind(bucket, give_up=True)
