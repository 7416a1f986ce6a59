"""How much of everything the other side of a connection is granted."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What we grant the other side. `idle_s` bounds how long a connection without a stream is kept."""

    window_bytes: int = 1 << 18
    header_bytes: int = 1 << 16
    streams: int = 100
    idle_s: float = inf
    stall_s: float = 60.0
