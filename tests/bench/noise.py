"""How much of a core went to somebody else: the whole core's time, less what the gateway used itself."""

from __future__ import annotations

from pathlib import Path

from tests.bench.cpu import TICKS_A_SECOND


def core_s(core: int) -> float:
    """Seconds in which a core was not idle."""
    return not_idle_s(Path("/proc/stat").read_text(), core)


def not_idle_s(stat: str, core: int) -> float:
    """From /proc/stat: all but idle and iowait (proc(5), the 4th and 5th). What guests used is in user time already."""
    line = next(line for line in stat.splitlines() if line.startswith(f"cpu{core} "))
    fields = [int(field) for field in line.split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_A_SECOND
