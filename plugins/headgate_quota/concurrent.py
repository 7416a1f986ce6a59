"""`limit.concurrent`: so many at a time, over all workers of a node."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from headgate.api import BEFORE_RESPONSE, CLOSE, ClientFault, Const, Duration, Exchange, Ge, Site, Text, step
from headgate_quota.gates import Gate
from headgate_quota.places import bucket_of
from headgate_quota.quotas import STATE, Key, Quotas
from headgate_quota.shared_gates import SharedGate

# What is told to who is refused without having waited: nobody knows when a call will end.
RETRY_S: Final = 1.0


@step(
    "limit.concurrent", gives="limit", raises=("limit.exceeded",), shadow=True, effect="time", phase=BEFORE_RESPONSE,
    after=CLOSE,
)  # fmt: skip
async def concurrent(
    ctx: Exchange,
    places: Annotated[int, Ge(1)],
    /,
    *,
    site: Site,
    by: Any = None,
    wait: Duration = 0.0,
    name: Const[Text | None] = None,
) -> None:
    """Refuse who has too many calls running on this node, all its workers together; a call runs until its answer is out.

    `by` is who is counted. With `wait`, who comes too many stands in line that long, first come, first served.
    """
    quotas: Quotas = ctx.node.state[STATE]
    gates = quotas.gates
    prefix = site.key if name is None else f"name:{name}{'/shadow' if site.shadow else ''}"
    key = (prefix, by if type(by) is str else msgspec.json.encode(by, order="deterministic"))
    gate = gates.get(key)
    if gate is None:
        gate = gates[key] = Gate() if quotas.places is None else SharedGate(quotas.places, bucket_of(*key))
    # A shadowed line never keeps anybody waiting.
    patience = 0.0 if site.shadow else wait
    try:
        entered = gate.enter(places) or (patience > 0 and await gate.wait(patience))
    finally:
        _tidy(gates, key, gate)
    if not entered:
        raise ClientFault(
            "limit.exceeded",
            f"Too many requests at a time: {places} are running. Try again when one of them has ended.",
            status=429,
            record={"wait": RETRY_S},
            headers=[(b"retry-after", b"%d" % RETRY_S)],
        )

    def leave(ctx: Exchange) -> None:
        gate.leave()
        _tidy(gates, key, gate)

    ctx.on_close(leave)


def _tidy(gates: dict[Key, Gate], key: Key, gate: Gate) -> None:
    """Forget a gate that nobody is in: who is counted may be whatever a client says."""
    if not gate.active and gates.get(key) is gate:
        del gates[key]
