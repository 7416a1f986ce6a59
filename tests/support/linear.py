"""Whether a splitter's work grows as what it splits, and no faster."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(feed: Callable[[bytes], object], data: bytes, size: int) -> float:
    """The processor's time for `data` in pieces of this size."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    begun = time.process_time()
    for piece in pieces:
        feed(piece)
    return time.process_time() - begun


def growth(make: Callable[[], Callable[[bytes], object]], made: Callable[[int], bytes], unit: int, size: int) -> float:
    """How many times as long four units take as one: 4 where each byte is looked at a constant number of times, 16 where
    all that has come is looked at with each piece. The best of three runs, since others use the machine too."""
    one, four = made(unit), made(4 * unit)
    runs = [(seconds(make(), one, size), seconds(make(), four, size)) for _ in range(3)]
    return min(run[1] for run in runs) / min(run[0] for run in runs)
