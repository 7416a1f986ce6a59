"""Which target gets a request. Pure.

1. Of the targets that health admits; without those that this exchange has failed at, while others are left.
2. Round robin is smooth (nginx): a target of weight 3 beside one of weight 1 gets a, a, b, a and never a, a, a, b.
   Least requests takes the fewest running ones for their weight, and round robin among equals.
3. Where health admits none, a *sick* one is used, a *dead* one is not. Targets that answer 5xx are avoided as long as
   there is a better one; when all of them do, balancing cannot help, and refusing would turn a failing path, or one
   client's poisonous request, into an outage. Targets that do not answer are not asked again before their cooldown
   ends: waiting for them helps nobody, and keeps connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from headgate.api import Target, Transport
from headgate_routing.health import Health, Rules


class Endpoint:
    """One target of an upstream: its weight, its health, and how many requests run there.

    `via` is what sends to it, where that is not the node's transport.
    """

    __slots__ = ("active", "health", "label", "target", "turn", "via", "weight")

    def __init__(
        self, target: Target, rules: Rules, *, weight: int = 1, label: str = "", via: Transport | None = None
    ) -> None:
        self.target = target
        self.label = label or str(target)
        self.weight = weight
        self.health = Health(rules)
        self.via = via
        self.active = 0
        self.turn = 0

    def __repr__(self) -> str:
        return f"<Endpoint {self.label} [weight {self.weight}, {self.active} active, {self.health!r}]>"


Balance = Callable[[Sequence[Endpoint]], Endpoint]


def choose(endpoints: Sequence[Endpoint], balance: Balance, now: float, avoid: Iterable[str]) -> Endpoint | None:
    """The endpoint for a request; None where all are dead. `avoid` are labels that it has failed at."""
    if len(endpoints) == 1:
        only = endpoints[0]
        return only if only.health.admits(now) or not only.health.dead else None
    usable = [endpoint for endpoint in endpoints if endpoint.health.admits(now)]
    if not usable:
        usable = [endpoint for endpoint in endpoints if not endpoint.health.dead]
    if avoid:
        usable = [endpoint for endpoint in usable if endpoint.label not in avoid] or usable
    if len(usable) < 2:
        return usable[0] if usable else None
    return balance(usable)


def round_robin(endpoints: Sequence[Endpoint]) -> Endpoint:
    """Smooth weighted round robin, as nginx does it."""
    total = 0
    best = endpoints[0]
    for endpoint in endpoints:
        endpoint.turn += endpoint.weight
        total += endpoint.weight
        if endpoint.turn > best.turn:
            best = endpoint
    best.turn -= total
    return best


def least_requests(endpoints: Sequence[Endpoint]) -> Endpoint:
    """The fewest running requests for its weight."""
    fewest = min(endpoint.active / endpoint.weight for endpoint in endpoints)
    return round_robin([endpoint for endpoint in endpoints if endpoint.active / endpoint.weight == fewest])


BALANCES: dict[str, Balance] = {"round_robin": round_robin, "least_requests": least_requests}
