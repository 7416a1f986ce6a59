"""A worker that is overloaded for good, without a load."""

from __future__ import annotations

import trio

from headgate.wire.table import Connections


def overload(lane: Connections, *, tells: bool = True) -> None:
    """Shut its valve, so that nobody is admitted any more: its looks say that the loop was late for very long. Where it does
    not tell, who comes waits for two seconds to be told."""
    valve, far = lane.valve, trio.current_time() + 1e6
    valve.lag_s = 0.0
    for again in (1, 2):
        lane.ids.given += 30
        valve.look(far * again, 1.0)
    valve._looked = trio.current_time()
    valve.rate = valve._least = 0.0
    if not tells:
        valve._saying = valve._sustained = 0.0
    assert valve.shut


def relax(lane: Connections) -> None:
    """Let it find that it is on time again."""
    valve, far = lane.valve, trio.current_time() + 1e6
    valve.lag_s = 1.0
    for again in (3, 4, 5, 6):
        valve.look(far * again, 0.0)
    assert not valve.shut
