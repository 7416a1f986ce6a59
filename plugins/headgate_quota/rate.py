"""`limit.rate`: so many in any window of a period, over all workers and nodes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from headgate.api import (
    BEFORE_RESPONSE,
    SLOW,
    ClientFault,
    Const,
    Exchange,
    Failure,
    Ge,
    Kind,
    Limit,
    Rate,
    Site,
    StoreError,
    Text,
    step,
)
from headgate_quota.buckets import Bucket
from headgate_quota.quotas import STATE, Quotas
from headgate_quota.values import NAMED_BYTES, local, stored

Line = tuple[bytes, bytes]

UNCOUNTED: Final = Kind("limit.unavailable", 503, "The limit cannot be counted now")


class Meter:
    """What a line says, worked out once: the name of its buckets, and its limit where that is known."""

    __slots__ = ("burst", "fail_open", "headers", "label", "limit", "local", "name", "stored")

    def __init__(self, site: Site, name: str | None, burst: int, *, fail_open: bool, headers: bool) -> None:
        shadow = "/shadow" if site.shadow else ""
        self.name = f"name:{name}{shadow}" if name is not None else site.key
        self.label = (name or site.route).encode("ascii", "ignore").translate(None, b'"\\')
        self.burst = burst
        self.fail_open = fail_open
        self.headers = headers
        self.limit: Limit | None = None
        self.local = self.stored = ""

    def __repr__(self) -> str:
        return f"<Meter {self.name}>"

    def set(self, rate: Rate) -> Meter:
        """For this rate. A bucket has one period for good, so the period is part of its name."""
        self.limit = Limit(rate, self.burst)
        self.stored = f"{self.name}/{rate.period_s:g}s"
        self.local = f"{self.stored}/{rate.count}+{self.burst}"
        return self


def _prepare(
    site: Site, *, burst: int, name: str | None, fail: str, headers: bool, rate: Rate | None = None, **_: Any
) -> Meter:
    if rate is not None and rate.count + burst < 1:
        raise ValueError("a limit of nothing lets nobody in")
    meter = Meter(site, name, burst, fail_open=fail == "open", headers=headers)
    return meter if rate is None else meter.set(rate)


def rate_fast(
    ctx: Exchange, rate: Rate, /, *, site: Site, by: Any = None, burst: int = 0, name: str | None = None,
    fail: str = "closed", headers: bool = False,
) -> object:  # fmt: skip
    """The half that never waits: spends a unit that is here, or refuses what was refused a moment ago."""
    meter: Meter = site.prepared
    quotas: Quotas = ctx.node.state[STATE]
    if meter.limit is None or (by is not None and (type(by) is not str or len(by) > NAMED_BYTES)):
        return SLOW
    key = (meter.local, by)
    bucket = quotas.buckets.get(key)
    if bucket is None:
        return SLOW
    now = ctx.node.clock.monotonic()
    if bucket.spend(now):
        quotas.buckets.move_to_end(key)
        current = bucket.current
        if current is not None and current.left <= bucket.low:
            quotas.renew(bucket)
        if meter.headers:
            _tell(ctx, meter, bucket, now)
        return None
    if now < bucket.refused_until:
        raise exceeded(meter, bucket, now)
    return SLOW


@step(
    "limit.rate",
    gives="limit",
    raises=("limit.exceeded", "limit.unavailable"),
    shadow=True,
    effect="store",
    phase=BEFORE_RESPONSE,
    fast=rate_fast,
    prepare=_prepare,
)
async def rate(
    ctx: Exchange,
    rate: Rate,
    /,
    *,
    site: Site,
    by: Any = None,
    burst: Const[Annotated[int, Ge(0)]] = 0,
    name: Const[Text | None] = None,
    fail: Const[Literal["closed", "open"]] = "closed",
    headers: Const[bool] = False,
) -> None:
    """Refuse who comes too often: in any window of the period, at most the rate and `burst` pass, on all nodes together.

    `by` is who is counted: a user, a key, an address; without it everybody together. Lines with one `name` share one
    count. `err.wait` is the time until the next could pass. When the store cannot count, requests are refused with 503,
    or pass with `fail=open`. With `headers=true` every answer tells what is left.
    """
    meter: Meter = site.prepared
    if meter.limit is None:
        own = Meter(site, name, burst, fail_open=meter.fail_open, headers=meter.headers)
        own.name = meter.name
        meter = own.set(rate)
    assert meter.limit is not None
    quotas: Quotas = ctx.node.state[STATE]
    key = (meter.local, local(by))
    bucket = quotas.buckets.get(key) or quotas.bucket(key, stored(meter.stored, by), meter.limit)
    try:
        passed = await quotas.take(bucket)
    except StoreError as error:
        if not meter.fail_open:
            raise uncounted() from error
        ctx.note("uncounted", site.key)
        return
    now = ctx.node.clock.monotonic()
    if not passed:
        raise exceeded(meter, bucket, now)
    quotas.buckets.move_to_end(key)
    if meter.headers:
        _tell(ctx, meter, bucket, now)


def exceeded(meter: Meter, bucket: Bucket, now: float) -> ClientFault:
    wait = max(0.0, bucket.free_at - now)
    seconds = math.ceil(wait)
    limit = bucket.limit
    return ClientFault(
        "limit.exceeded",
        f"Too many requests: the limit is {limit.rate}. Try again in {seconds} s.",
        status=429,
        record={"wait": wait},
        headers=[(b"retry-after", b"%d" % seconds), *_lines(meter, limit, 0, seconds)],
    )


def uncounted() -> Failure:
    return Failure(
        UNCOUNTED.name, "The limit of this route cannot be counted at the moment. Try again soon.", status=503
    )


def _tell(ctx: Exchange, meter: Meter, bucket: Bucket, now: float) -> None:
    left = max(0, bucket.free + bucket.holding)
    lines = _lines(meter, bucket.limit, left, math.ceil(bucket.limit.rate.period_s))

    def at_head(ctx: Exchange) -> None:
        if ctx.response is not None:
            ctx.response.headers.lines.extend(lines)

    ctx.on_head(at_head)


def _lines(meter: Meter, limit: Limit, left: int, reset_s: int) -> list[Line]:
    """draft-ietf-httpapi-ratelimit-headers-10."""
    window = math.ceil(limit.rate.period_s)
    return [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (meter.label, limit.ceiling, window)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (meter.label, left, reset_s)),
    ]
