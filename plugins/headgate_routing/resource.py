"""The resource `upstream`."""

from __future__ import annotations

import math
import os.path
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from headgate.api import Attempt, Duration, Ge, Le, ResourceContext, Target, Text, Timeouts, UpstreamFault, resource
from headgate_routing.balance import BALANCES, Balance, Endpoint, choose
from headgate_routing.echo import EchoTransport
from headgate_routing.health import Rules


class Upstream:
    """Targets that do the same, and how to choose among them."""

    resource_kind = "upstream"

    __slots__ = ("_balance", "_bounds", "endpoints", "name", "preserves_host", "timeouts")

    def __init__(
        self, name: str, endpoints: list[Endpoint], balance: Balance, timeouts: Timeouts, *, preserves_host: bool
    ) -> None:
        self.name = name
        self.endpoints = endpoints
        self.timeouts = timeouts
        self.preserves_host = preserves_host
        self._balance = balance
        self._bounds: dict[tuple[float | None, float | None, float | None], Timeouts] = {}

    def __repr__(self) -> str:
        return f"<Upstream {self.name} {self.endpoints}>"

    def choose(self, now: float, attempts: Iterable[Attempt]) -> Endpoint:
        """The endpoint for the next attempt; UpstreamFault `upstream.unavailable` where every target is dead."""
        avoid = {attempt.target for attempt in attempts} if attempts else ()
        endpoint = choose(self.endpoints, self._balance, now, avoid)
        if endpoint is None:
            raise UpstreamFault(
                "upstream.unavailable",
                f"No target of {self.name} answers. The first of them is tried again in a few seconds.",
                status=503,
                sent=False,
                headers=[(b"retry-after", b"%d" % self._opens_in(now))],
            )
        return endpoint

    def _opens_in(self, now: float) -> int:
        """In how many seconds the first target is probed, a whole number that is not too early."""
        until = [endpoint.health.out_until for endpoint in self.endpoints if endpoint.health.out_until is not None]
        return max(1, math.ceil(min(until, default=now) - now))

    def bounds(self, head: float | None, idle: float | None, total: float | None) -> Timeouts:
        """The timeouts of a line that names some of its own."""
        if head is None and idle is None and total is None:
            return self.timeouts
        found = self._bounds.get((head, idle, total))
        if found is None:
            own = self.timeouts
            found = Timeouts(
                own.connect_s,
                own.head_s if head is None else head,
                own.idle_s if idle is None else idle,
                own.total_s if total is None else total,
            )
            # Lines with times that are worked out for each request must not fill the memory.
            if len(self._bounds) < 64:
                self._bounds[head, idle, total] = found
        return found


@resource("upstream")
def upstream(
    ctx: ResourceContext,
    *,
    url: Text | None = None,
    targets: list[Any] | None = None,
    balance: Literal["round_robin", "least_requests"] = "round_robin",
    connect_timeout: Duration = 5.0,
    timeout: Duration = 60.0,
    idle_timeout: Duration = 60.0,
    total_timeout: Duration | None = None,
    ca_file: Text | None = None,
    http: Annotated[int, Ge(1), Le(2)] = 1,
    host: Literal["preserve", "upstream"] = "upstream",
    max_fails: Annotated[int, Ge(0)] | None = None,
    fail_window: Duration = 10.0,
    cooldown: Duration = 10.0,
) -> Upstream:
    """Where requests go: one `url`, or several `targets` that do the same.

    `timeout` bounds the time to the head of the answer, `idle_timeout` the silence between bytes of its body. `http=2`
    offers HTTP/2 to https targets. `host=preserve` sends the request's host on; else a target is told its own.
    `max_fails` failures in a row within `fail_window` take a target out for `cooldown`; 0 turns that off. It is 5 where
    there are several targets, and 0 for a single one: where nobody else could answer, it is asked every time.
    `url = "echo:"` is no server: it answers with what it was sent.
    """
    if (url is None) == (targets is None):
        raise ValueError("it needs either `url` or `targets`")
    if ca_file is not None and not ctx.node.rehearsing and not os.path.isfile(ca_file):
        raise ValueError(f"there is no file {ca_file} (`ca_file`)")
    written = [(url, 1)] if url is not None else [_weighted(item) for item in targets or ()]
    usual = 5 if len(written) > 1 else 0
    rules = Rules(usual if max_fails is None else max_fails, fail_window, cooldown)
    endpoints = [_endpoint(ctx, place, weight, rules, ca_file, http) for place, weight in written]
    labels = {endpoint.label for endpoint in endpoints}
    if not endpoints or len(labels) < len(endpoints):
        raise ValueError("`targets` is empty" if not endpoints else "a target stands twice; give it a `weight`")
    timeouts = Timeouts(connect_timeout, timeout, idle_timeout, total_timeout)
    return Upstream(ctx.name, endpoints, BALANCES[balance], timeouts, preserves_host=host == "preserve")


def _weighted(item: Any) -> tuple[str, int]:
    """`"http://a"` or `{url: "http://a", weight: 3}`."""
    if isinstance(item, str):
        return item, 1
    if not isinstance(item, dict) or not isinstance(item.get("url"), str) or item.keys() - {"url", "weight"}:
        raise ValueError('a target is a URL, or {url: "…", weight: 3}')
    weight = item.get("weight", 1)
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= 1000:
        raise ValueError(f"the weight of {item['url']} is a whole number from 1 to 1000")
    return item["url"], weight


def _endpoint(ctx: ResourceContext, url: str, weight: int, rules: Rules, ca_file: str | None, http: int) -> Endpoint:
    if url == "echo:":
        return Endpoint(EchoTransport.TARGET, rules, weight=weight, label=url, via=EchoTransport(ctx.node))
    return Endpoint(Target.parse(url, ca_file=ca_file, http=http), rules, weight=weight)
