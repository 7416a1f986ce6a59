from __future__ import annotations

import msgspec


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one target: where, how it ended (`ok`, a status, or a failure kind), and how long it took."""

    target: str
    result: str
    duration_s: float


class Served(msgspec.Struct, kw_only=True):
    """Who answered: `served` in a policy, below the hinge."""

    target: str | None = None
    model: str | None = None
    provider: str | None = None
    from_cache: bool = False
    attempts: list[Attempt] = []
