"""What a gateway uses while it is loaded, and what others use of its core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from tests.bench.bed import GATEWAY_CORE
from tests.bench.noise import core_s
from tests.bench.running import Running


@dataclass(slots=True)
class Used:
    """Of a run: its length, the gateway's processor time, and the share of the core that was somebody else's."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    others: float = 0.0


@contextmanager
def watched(running: Running) -> Iterator[Used]:
    """Fill in what is used in the block."""
    used, begin, cpu, core = Used(), perf_counter(), running.cpu_s, core_s(GATEWAY_CORE)
    yield used
    used.seconds, used.cpu_s = perf_counter() - begin, running.cpu_s - cpu
    used.others = max(0.0, core_s(GATEWAY_CORE) - core - used.cpu_s) / used.seconds
