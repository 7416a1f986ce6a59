"""What a process, its threads and all that it started have used of a processor."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Seconds in the system and outside, of a process with its living descendants and those that ended."""
    return sum(_own_s(one) for one in family(pid))


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for one in found:
        found += _children(one)
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _own_s(pid: int) -> float:
    try:
        return used_s(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def used_s(stat: str) -> float:
    """From a line of /proc/PID/stat: utime, stime, and those of children that were waited for (proc(5), 14 to 17)."""
    fields = stat.rpartition(") ")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_A_SECOND
