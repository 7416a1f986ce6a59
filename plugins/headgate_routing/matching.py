"""What `on=[502, 5xx, timeout]` means, for `retry` and `fallback` alike.

1. A number or a class matches an answer by its status. Only an upstream's answer: what a line of the policy decided with
   `respond` or `require` is never taken back.
2. A name matches a failure by its kind. A number matches one too, by the status that the client would get for it:
   on=[502] covers an upstream that cannot be reached. A provider's own status goes before that (`upstream.status`).
3. `upstream.refused` matches by its name alone: the egress rules will say the same again.
4. Only failures of upstreams match. A client's fault stays one, however often it is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headgate.api import Exchange, FailureOn, Site, StatusClass, UpstreamFault


class Matcher:
    """One `on=`. None matches every failure of an upstream, and every 5xx."""

    __slots__ = ("kinds", "statuses")

    def __init__(self, items: Sequence[FailureOn] | None) -> None:
        self.kinds = None if items is None else frozenset(item for item in items if isinstance(item, str))
        statuses: set[int] = set(range(500, 600)) if items is None else set()
        for item in items or ():
            if isinstance(item, StatusClass):
                statuses.update(range(item.hundreds * 100, item.hundreds * 100 + 100))
            elif isinstance(item, int):
                statuses.add(item)
        self.statuses = frozenset(statuses)

    def __repr__(self) -> str:
        return f"<Matcher {'all' if self.kinds is None else sorted(self.kinds)} {len(self.statuses)} statuses>"

    def answer(self, ctx: Exchange) -> bool:
        """Whether what was answered counts as a failure."""
        response = ctx.response
        return response is not None and response.status in self.statuses and not ctx.ended

    def fault(self, fault: UpstreamFault) -> bool:
        """Whether this failure does."""
        if self.kinds is None or fault.kind in self.kinds:
            return True
        status = fault.record.get("upstream_status", fault.status_hint)
        return status in self.statuses and fault.kind != "upstream.refused"


def prepared(site: Site, **constants: Any) -> Matcher | None:
    """A line's matcher, where its `on=` is known when the policy loads."""
    return Matcher(constants["on"]) if "on" in constants else None


async def give_up(ctx: Exchange) -> None:
    """Take an answer back, and close its body now: its connection is wanted, and its seat."""
    response = ctx.response
    ctx.answer_nothing()
    if response is not None:
        await response.aclose()
