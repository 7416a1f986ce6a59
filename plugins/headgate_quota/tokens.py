"""`limit.tokens`: so many tokens in any window of a period, over all workers and nodes.

1. The line puts a meter into `ctx.meters`. Each attempt to ask a model reserves the tokens of its bound, input and output
   together, before its first byte, and is settled with what was used; the rest goes back into the window.
2. Reserving asks the store, each time: a call wants more than the hundredth of a limit that all workers may hold unspent,
   so slices like those of `limit.rate` would be of no use. What goes back, and what was used beyond a reservation, is
   booked behind the calls' backs.
3. A bound that is more than the whole limit reserves the whole limit: such a call passes when the window is empty. What
   has no bound reserves what the last calls of this caller have used, about; a thousand tokens at first. What was used
   beyond a reservation counts all the same, so the next calls wait for it.
"""

from __future__ import annotations

import logging
import math
from collections import OrderedDict, deque
from typing import Annotated, Any, Final, Literal

import trio

from headgate.api import (
    BEFORE_RESPONSE,
    CLOSE,
    Bound,
    ClientFault,
    Const,
    Exchange,
    Failure,
    Ge,
    Hold,
    Lease,
    Leases,
    Limit,
    Node,
    PluginFault,
    Rate,
    Site,
    StoreError,
    Text,
    Usage,
    step,
)
from headgate_quota.quotas import MAX_BUCKETS
from headgate_quota.rate import uncounted
from headgate_quota.values import stored

STATE: Final = "tokens"
FIRST_GUESS: Final = 1000
# How much of the guess a call replaces.
WEIGHT: Final = 8
# Others may give something back: a caller that was refused may ask the store again after this at the latest.
PATIENCE_S: Final = 1.0

log = logging.getLogger("headgate.quota")


class Count:
    """What this worker knows of one bucket: what a call uses, and what was last refused until when."""

    __slots__ = ("guess", "refused", "refused_until", "wait_until")

    def __init__(self) -> None:
        self.guess = FIRST_GUESS
        self.refused = 0
        self.refused_until = self.wait_until = float("-inf")

    def __repr__(self) -> str:
        return f"<Count about {self.guess} a call>"


class TokenCounts:
    """What `limit.tokens` shares on a node: counts by bucket, and what is still to be booked."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.counts: OrderedDict[str, Count] = OrderedDict()
        self._due: deque[tuple[str, Limit, Lease, int]] = deque()
        self._woken = trio.Event()

    def __repr__(self) -> str:
        return f"<TokenCounts {len(self.counts)} buckets, {len(self._due)} to book>"

    @property
    def leases(self) -> Leases:
        leases = self.node.stores.leases
        if leases is None:
            raise PluginFault("no installed plugin keeps leases, which limits need", plugin="quota")
        return leases

    def count(self, bucket: str) -> Count:
        """The bucket; the one unused for the longest makes room."""
        count = self.counts.get(bucket)
        if count is None:
            count = self.counts[bucket] = Count()
            if len(self.counts) > MAX_BUCKETS:
                self.counts.popitem(last=False)
        self.counts.move_to_end(bucket)
        return count

    async def reserve(self, bucket: str, limit: Limit, units: int) -> tuple[Lease | None, float]:
        """The units, or None and how long to wait. StoreError."""
        count, clock = self.count(bucket), self.node.clock
        now = clock.monotonic()
        if now < count.refused_until and units >= count.refused:
            return None, count.wait_until - now
        with trio.CancelScope(shield=True):
            lease = await self.leases.reserve(bucket, limit, units)
        if lease.granted == units:
            return lease, 0.0
        after = clock.monotonic()
        count.refused, count.wait_until = units, after + lease.wait_s
        count.refused_until = after + min(lease.wait_s, PATIENCE_S)
        return None, lease.wait_s

    def settle(self, bucket: str, limit: Limit, lease: Lease, used: int) -> None:
        """Book the difference to what was reserved, soon. Waits for nothing."""
        if used != lease.granted:
            self._due.append((bucket, limit, lease, used))
            self._woken.set()

    async def book(self) -> None:
        """Book what is due, until cancelled."""
        while True:
            await self._drain()
            self._woken = trio.Event()
            if not self._due:
                await self._woken.wait()

    async def _drain(self) -> None:
        while self._due:
            bucket, limit, lease, used = self._due.popleft()
            try:
                with trio.CancelScope(shield=True):
                    if used < lease.granted:
                        await self.leases.give_back(bucket, lease, lease.granted - used, "")
                    else:
                        await self.leases.reserve(bucket, limit, used - lease.granted, used=True)
            except StoreError as error:
                log.warning("%s: %s", bucket, error)

    async def close(self) -> None:
        """Book the rest; what a store does not take within a second counts as it was reserved."""
        with trio.move_on_after(1.0) as scope:
            scope.shield = True
            await self._drain()


def _prepare(site: Site, *, name: str | None, **_: Any) -> str:
    shadow = "/shadow" if site.shadow else ""
    return f"name:{name}{shadow}" if name is not None else site.key


@step(
    "limit.tokens", gives="limit", raises=("limit.exceeded", "limit.unavailable"), shadow=True, effect="store",
    phase=BEFORE_RESPONSE, after=CLOSE, prepare=_prepare,
)  # fmt: skip
def tokens(
    ctx: Exchange,
    rate: Rate,
    /,
    *,
    site: Site,
    by: Any = None,
    burst: Annotated[int, Ge(0)] = 0,
    name: Const[Text | None] = None,
    fail: Const[Literal["closed", "open"]] = "closed",
) -> None:
    """Let models use so many tokens: in any window of the period, at most the rate and `burst`, on all nodes together.

    Each attempt further down reserves the most that it can use, input and output, and gives back what it did not. Who
    would pass the limit is refused with 429; `err.wait` is the time until it would fit. `by` is who is counted; lines
    with one `name` share one count. When the store cannot count, calls are refused with 503, or pass with `fail=open`.
    """
    if rate.count + burst < 1:
        raise ClientFault("limit.exceeded", "The limit of tokens is none at all.", status=429, record={"wait": 0.0})
    outside = ctx.meters or []
    if not any(isinstance(meter, TokenMeter) and meter.site is site for meter in outside):
        bucket = stored(f"{site.prepared}/{rate.period_s:g}s", by)
        ctx.meters = [*outside, TokenMeter(ctx, site, bucket, Limit(rate, burst), fail_open=fail == "open")]
        ctx.on_close(_forget)


def _forget(ctx: Exchange) -> None:
    """The connection's next exchange begins without meters, and keeps nothing of this one."""
    ctx.meters = None


class TokenMeter:
    """One limit of tokens, for one exchange."""

    __slots__ = ("bucket", "cap", "counts", "ctx", "fail_open", "limit", "site")

    def __init__(self, ctx: Exchange, site: Site, bucket: str, limit: Limit, *, fail_open: bool) -> None:
        self.ctx = ctx
        self.counts: TokenCounts = ctx.node.state[STATE]
        self.site = site
        self.bucket = bucket
        self.limit = limit
        self.fail_open = fail_open
        self.cap: int | None = None

    def __repr__(self) -> str:
        return f"<TokenMeter {self.bucket} {self.limit.rate}>"

    def reserve_now(self, bound: Bound) -> Hold | None:
        """The store is always asked."""
        return None

    async def reserve(self, bound: Bound) -> Hold:
        """As `Meter.reserve`. Raises `limit.exceeded`, `limit.unavailable`; a shadow only notes them."""
        try:
            return TokenHold(self, await self._lease(bound))
        except Failure as failure:
            if not self.site.shadow:
                raise
            self.ctx.shadows = [*(self.ctx.shadows or ()), (self.site.key, failure.kind)]
            return TokenHold(self, None)

    async def _lease(self, bound: Bound) -> Lease | None:
        units = self.counts.count(self.bucket).guess if bound.tokens is None else bound.tokens
        try:
            lease, wait = await self.counts.reserve(self.bucket, self.limit, min(units, self.limit.ceiling))
        except StoreError as error:
            if not self.fail_open:
                raise uncounted() from error
            self.ctx.note("uncounted", self.site.key)
            return None
        if lease is None:
            raise self._exceeded(units, max(0.0, wait))
        return lease

    def _exceeded(self, units: int, wait: float) -> ClientFault:
        seconds = math.ceil(wait)
        return ClientFault(
            "limit.exceeded",
            f"This call can use {units} tokens, and the limit is {self.limit.rate}. Try again in {seconds} s.",
            status=429,
            record={"wait": wait},
            headers=[(b"retry-after", b"%d" % seconds)],
        )


class TokenHold:
    """What one attempt has reserved; None where nothing counts."""

    __slots__ = ("lease", "meter")

    def __init__(self, meter: TokenMeter, lease: Lease | None) -> None:
        self.meter = meter
        self.lease = lease

    def __repr__(self) -> str:
        return f"<TokenHold {self.lease.granted if self.lease else 0} of {self.meter.bucket}>"

    def settle(self, usage: Usage) -> None:
        """As `Hold.settle`. Where nobody knows anything of what was used, it is what was set aside."""
        if usage.estimated and not usage.total_tokens:
            return
        used = usage.total_tokens
        count = self.meter.counts.count(self.meter.bucket)
        count.guess = max(1, (count.guess * (WEIGHT - 1) + used) // WEIGHT)
        self._book(used)

    def release(self) -> None:
        """As `Hold.release`."""
        self._book(0)

    def _book(self, used: int) -> None:
        if self.lease is not None:
            self.meter.counts.settle(self.meter.bucket, self.meter.limit, self.lease, used)
