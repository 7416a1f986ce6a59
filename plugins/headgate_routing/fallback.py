"""`fallback`: one way after the other, until one of them works."""

from __future__ import annotations

from typing import Any

from headgate.api import Arms, Exchange, FailureOn, Site, Size, UpstreamFault, block
from headgate_routing.matching import Matcher, give_up, prepared
from headgate_routing.replay import keep, rewind

EVERYTHING = Matcher(None)


@block("fallback", prepare=prepared)
async def fallback(
    ctx: Exchange, arms: Arms, /, *, on: list[FailureOn] | None = None, buffer: Size = 0, site: Site
) -> Any:
    """Try the alternatives in their order; the next one when an upstream fails, or answers, as listed in `on`.

    Without `on`, that is every failure of an upstream, and every 5xx. An alternative that can never do what is asked
    (`ai.unsupported`) is passed over whatever `on` says. What the last one answers passes on as it came,
    and its failure is raised. A body that streams is sent again only if no more of it than `buffer` was read.
    """
    matcher: Matcher = site.prepared or (EVERYTHING if on is None else Matcher(on))
    if len(arms) > 1:
        keep(ctx, buffer)
    for arm in arms[:-1]:
        try:
            value = await arm.run()
        except UpstreamFault as fault:
            if not (fault.passes_on or matcher.fault(fault)) or not rewind(ctx):
                raise
            continue
        if not matcher.answer(ctx) or not rewind(ctx):
            return value
        await give_up(ctx)
    return await arms[-1].run()
