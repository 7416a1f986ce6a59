"""What processes share in memory, and keep out of the garbage collector's sight so that they go on sharing it."""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Iterable


def settle_collector() -> None:
    """Take what was loaded out of the garbage collector's sight, and let it look less often.

    Requests leave next to no cycles behind, and passes over a growing heap found nothing: looking less often serves a
    fifth more requests (docs/performance.md), and memory stays flat over 450,000 of them. What is not looked at is not
    written to either, so that processes go on sharing it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def tidy_collector() -> None:
    """Free what was frozen and is no longer used, and settle again. Takes a tenth of a second or two."""
    gc.unfreeze()
    settle_collector()


def share(modules: Iterable[str]) -> None:
    """Import what a worker needed, so that those that start later find it in memory that they share, and sooner."""
    for name in modules:
        with contextlib.suppress(Exception):  # of a worker's matters, this is none: it will import what it can
            importlib.import_module(name)
    if modules:
        settle_collector()
