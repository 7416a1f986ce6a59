"""`split`: a share of the requests here, the rest there."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec

from headgate.api import ArmRun, Arms, Exchange, Site, block


@block("split", shares=True)
async def split(ctx: Exchange, arms: Arms, /, *, by: Any = None, site: Site) -> Any:
    """Send a share of the requests each way. With `by`, who went one way once goes there again: a user, a key.

    In a test, `given split = 5%` picks the arm with that share.
    """
    return await _arm(ctx, arms, by, site).run()


def _arm(ctx: Exchange, arms: Arms, by: Any, site: Site) -> ArmRun:
    given = ctx.node.fakes.get("split") if ctx.node.rehearsing else None
    if isinstance(given, float | int):
        for arm in arms:
            if abs((arm.share or 0.0) - given) < 1e-9:
                return arm
    if by is not None:
        return at(arms, place_of(site.key, by))
    if ctx.node.rehearsing:  # chance has no place in a test
        return max(arms, key=lambda arm: arm.share or 0.0)
    return at(arms, random.random())  # noqa: S311 - spreads load


def at(arms: Arms, place: float) -> ArmRun:
    """The arm at a place from 0 to below 1, shares laid end to end."""
    for arm in arms[:-1]:
        place -= arm.share or 0.0
        if place < 0:
            return arm
    return arms[-1]


def place_of(key: str, by: Any) -> float:
    """The place of a value at one line, the same for good, on every node. Lines differ, so splits are independent."""
    digest = hashlib.blake2b(msgspec.json.encode((key, by), order="deterministic"), digest_size=7)
    return int.from_bytes(digest.digest()) / (1 << 56)
