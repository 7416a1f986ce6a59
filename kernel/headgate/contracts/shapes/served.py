from __future__ import annotations

import msgspec

from headgate.contracts.values import Money


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one target: where, how it ended (`ok`, a status, or a failure kind), and how long it took.

    Of a model, also what it cost, where that is known, and the name of the key that was used. `status` is that of an
    answer that came, `why` a sentence for one that failed. What was refused before anything was sent took no time.
    """

    target: str
    result: str
    duration_s: float
    cost: Money | None = None
    key: str | None = None
    status: int | None = None
    why: str | None = None


class Served(msgspec.Struct, kw_only=True):
    """Who answered: `served` in a policy, below the hinge."""

    target: str | None = None
    model: str | None = None
    provider: str | None = None
    from_cache: bool = False
    attempts: list[Attempt] = []
