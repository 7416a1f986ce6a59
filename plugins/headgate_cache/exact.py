"""`cache.exact`: the same request again gets the same answer again, and nobody is asked.

1. What is kept is the answer as it stands where the block ends: what lines below change in it, they change each time.
2. A whole answer is kept at once. A streamed one is kept at the close, when it has ended and its usage is known, and is
   given again as a stream of the same pieces. A failure, an error, an answer that was cut: never.
3. Of equal requests at one time one asks, and the others wait for what it brings (see `shared`).
4. A block that gives a value (`} as mood`) keeps that.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from headgate.api import Duration, Exchange, Ge, Response, Run, Site, Size, block
from headgate_cache.entries import give_again, may_be_kept, of_answer, of_value
from headgate_cache.keys import key_of
from headgate_cache.recording import Recorder
from headgate_cache.shared import STATE, Flight, Shared


def prepared(site: Site, **constants: Any) -> None:
    """A cache that knows nobody would give one client's answer to all others."""
    if constants.get("by") == []:
        raise ValueError("`by` is empty: say whose answer this is, and to what: by=[caller.id, chat]")


@block("cache.exact", runs="maybe", keeps_facts=True, effect="store", prepare=prepared)
async def exact(
    ctx: Exchange,
    run: Run,
    /,
    *,
    ttl: Annotated[Duration, Ge(0)],
    by: list[Any],
    max: Size = 1 << 20,
    wait: Duration = 30.0,
    site: Site,
) -> Any:
    """Give an answer, or a value, again to whoever asks for the same within `ttl`.

    `by` says whose it is and what was asked: only requests that are equal in all of it, and in method, host, path and
    query, share an answer. An answer of more than `max` is not kept. Of equal requests at one time one asks; the others
    wait for it, `wait` at most, and ask themselves if it brings nothing. `served.from_cache` tells; the cost is 0.
    """
    shared: Shared = ctx.node.state[STATE]
    key = key_of(ctx, site, by)
    kept, how = await shared.find(key), "hit"
    if kept is None and key in shared.flights:
        kept, how = await shared.flights[key].wait(wait), "shared"
    ctx.note("cache", how if kept is not None else "miss")
    if kept is not None:
        return give_again(ctx, kept)
    return await _ask(ctx, run, shared, _Entry(key, ttl, max))


class _Entry:
    """What is to be kept: under which key, for how long, and how much at most."""

    __slots__ = ("key", "limit", "ttl_s")

    def __init__(self, key: bytes, ttl_s: float, limit: int) -> None:
        self.key = key
        self.ttl_s = ttl_s
        self.limit = limit


async def _ask(ctx: Exchange, run: Run, shared: Shared, entry: _Entry) -> Any:
    """Run the lines, as the flight of this key, and keep what they bring."""
    before = ctx.response
    flight = shared.depart(entry.key)
    kept, streams = None, False
    try:
        value = await run()
        response = ctx.response
        if response is None or response is before:
            kept = of_value(ctx, value)
        elif may_be_kept(response) and not ctx.ended:
            streams = not isinstance(response.body, bytes)
            kept = _record(ctx, response, shared, entry, flight)
        if kept is not None and len(kept) <= entry.limit:
            await shared.keep(entry.key, kept, entry.ttl_s)
        return value
    finally:
        if not streams:
            shared.land(entry.key, flight, kept)


def _record(ctx: Exchange, response: Response, shared: Shared, entry: _Entry, flight: Flight) -> bytes | None:
    """The answer, if it is there; one that streams is kept by the close."""
    status, headers, body = response.status, list(response.headers.lines), response.body
    if isinstance(body, bytes):
        return of_answer(ctx, status, headers, body)
    recorder = Recorder(body, entry.limit, partial(shared.land, entry.key, flight, None))
    response.body = recorder

    async def close(ctx: Exchange) -> None:
        whole = recorder.whole
        kept = None if whole is None else of_answer(ctx, status, headers, whole)
        try:
            if kept is not None:
                await shared.keep(entry.key, kept, entry.ttl_s)
        finally:
            shared.land(entry.key, flight, kept)

    ctx.on_close(close)
    return None
