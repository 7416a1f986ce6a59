"""`timeout`: a bound on whatever stands inside, tries and pauses included."""

from __future__ import annotations

from typing import Any

import trio

from headgate.api import Duration, Exchange, Run, UpstreamFault, block
from headgate_routing.matching import give_up


@block("timeout", raises=("upstream.timeout",))
async def timeout(ctx: Exchange, run: Run, limit: Duration, /) -> Any:
    """Give the lines inside so long to decide the head of an answer, or to give their value."""
    with trio.move_on_after(limit):
        return await run()
    await give_up(ctx)
    raise UpstreamFault(
        "upstream.timeout", f"No answer within {limit:g} s.", status=504, record={"target": "", "phase": "head"}
    )
