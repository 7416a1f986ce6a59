"""`retry`: the same lines again, while it is safe and may help."""

from __future__ import annotations

from typing import Annotated, Any

import trio

from headgate.api import Duration, Exchange, FailureOn, Ge, Le, Run, Site, Size, UpstreamFault, block
from headgate_routing.matching import Matcher, give_up, prepared
from headgate_routing.pauses import pause_s
from headgate_routing.replay import keep, rewind


@block("retry", runs="many", prepare=prepared)
async def retry(
    ctx: Exchange,
    run: Run,
    n: Annotated[int, Ge(0), Le(10)],
    /,
    *,
    on: list[FailureOn],
    backoff: Duration = 0.025,
    when: bool = True,
    buffer: Size = 0,
    longest: Duration = 5.0,
    site: Site,
) -> Any:
    """Run the lines again, up to N times, when an upstream fails or answers in a way that is listed in `on`.

    Say `when=request.idempotent` where doing it twice does harm. Between tries it waits a random time below `backoff`,
    which doubles; a Retry-After is honoured, and where it asks for more than `longest` there is no further try. A body
    that streams is sent again only if no more of it than `buffer` was read. When the tries are used up, the last answer
    passes on as it came, and the last failure is raised.
    """
    if not when or n == 0:
        return await run()
    matcher: Matcher = site.prepared or Matcher(on)
    keep(ctx, buffer)
    for tried in range(1, n + 1):
        try:
            value = await run()
            if not matcher.answer(ctx):
                return value
        except UpstreamFault as fault:
            if fault.passes_on or not matcher.fault(fault) or not rewind(ctx):
                raise
            said = dict(fault.headers).get(b"retry-after")
            pause = pause_s(backoff, tried, longest, said, ctx.node.clock.time())
            if pause is None:
                raise
        else:
            said = ctx.response.headers.get(b"retry-after") if ctx.response is not None else None
            pause = pause_s(backoff, tried, longest, said, ctx.node.clock.time())
            if pause is None or not rewind(ctx):
                return value
            await give_up(ctx)
        await trio.sleep(pause)
    return await run()
