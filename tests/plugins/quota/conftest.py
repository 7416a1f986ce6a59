"""A step that uses money and tokens as the steps of models do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import trio

from headgate.api import Bound, Duration, Exchange, Json, Money, Text, Usage, hookimpl, reserve_all, step


@step("spend", raises=("upstream.*",), effect="upstream")
async def spend(
    ctx: Exchange,
    cost: Money,
    /,
    *,
    bound: Money | None = None,
    what: Text = "openai/gpt",
    tokens: int | None = None,
    used: int = 0,
    wait: Duration = 0.0,
    sent: bool = True,
    priced: bool = True,
) -> Json:
    """One attempt: reserve a bound, take a while, settle with what it cost. Gives the caps of the meters."""
    why = "a file has no known size" if bound is None else None
    holds = await reserve_all(ctx.meters, Bound(what, tokens, bound, why))
    await trio.sleep(wait)
    ctx.usage = Usage(input_tokens=used, cost=cost if priced else None)
    for hold in holds:
        if sent:
            hold.settle(ctx.usage)
        else:
            hold.release()
    return [meter.cap for meter in ctx.meters or ()]


class Spender:
    """The plugin."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [spend]
