"""What a node in one process does when it is told to stop."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from headgate.host.stops import BURST_S
from headgate.serve import signals


async def test_a_sigterm_drains_those_of_its_burst_do_nothing_the_next_cuts_and_the_third_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    did: list[str] = []

    async def stop() -> None:
        did.append("stop")

    server: Any = SimpleNamespace(stop=stop, cut=lambda: did.append("cut"))

    async def tell(after_s: float) -> list[str]:
        await trio.sleep(after_s)
        signal.raise_signal(signal.SIGTERM)
        await trio.testing.wait_all_tasks_blocked()
        return list(did)

    async def all_of_them() -> None:
        await trio.testing.wait_all_tasks_blocked()
        assert await tell(0) == ["stop"]
        assert await tell(BURST_S * 0.9) == ["stop"]
        assert await tell(BURST_S * 0.2) == ["stop", "cut"]
        assert await tell(BURST_S * 0.9) == ["stop", "cut"]
        await tell(BURST_S * 0.2)

    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(signals, server, lambda error: None)
            nursery.start_soon(all_of_them)
