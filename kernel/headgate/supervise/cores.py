"""How many workers a node has if nobody says: as many as there are cores that it may use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

CPU_MAX: Final = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cpu_max: Path = CPU_MAX) -> int:
    """The cores that the scheduler gives this process, or the share of them that its control group may use.

    In a container with two of sixty-four cores by quota, sixty-four workers would be memory for nothing.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota(cpu_max) or cores))


def _quota(cpu_max: Path) -> int | None:
    """The quota of a control group, version 2, in cores, rounded up."""
    try:
        quota, period = cpu_max.read_text("ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None  # there is none, or it is `max`
