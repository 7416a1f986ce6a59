"""Stores by role. One plugin may fill several; the first-party ones are in `headgate_sqlite`.

A store that fails raises `errors.StoreError`. Statements bind their values; no store logs a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headgate.contracts.shapes.key import Key
from headgate.contracts.values import Rate


class Identity(Protocol):
    """Teams and their keys. Look-ups are by the HMAC of the key; the key itself is never stored."""

    def digest(self, secret: str) -> bytes:
        """The HMAC under which a key is stored."""
        ...

    def find_key(self, digest: bytes) -> Key | None:
        """A key by its digest, revoked and expired ones too. Synchronous: from memory, at most one second stale."""
        ...

    async def create_key(
        self,
        *,
        team: str,
        name: str,
        models: Sequence[str] = ("*",),
        scopes: Sequence[str] = (),
        application: str | None = None,
        expires_at: float | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which is shown once and cannot be had again. Makes the team if it is new."""
        ...

    async def list_keys(self, team: str | None = None) -> list[Key]: ...

    async def revoke_key(self, key_id: str) -> Key | None:
        """Revoke for good; None if there is no such key. Every worker refuses it within a second."""
        ...


# What may lie unspent at all workers together, and for how long: a hundredth of the limit, of its period.
SLICES = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `rate.count + burst` in any window of `rate.period_s` seconds."""

    rate: Rate
    burst: int = 0

    @property
    def ceiling(self) -> int:
        return self.rate.count + self.burst

    @property
    def slice(self) -> int:
        """How many units all workers together may hold unspent; 1 where the limit is too small to be sliced."""
        return max(1, self.ceiling // SLICES)

    @property
    def life_s(self) -> float:
        """How long a worker may hold a slice."""
        return self.rate.period_s / SLICES


@dataclass(frozen=True, slots=True)
class Lease:
    """What the store let a worker have. `granted` units, to be spent within `life_s` counted from before the
    request on the worker's own monotonic clock; with a life of 0, one unit for the request that asked. Where nothing was
    granted, `wait_s` says when it is worth asking. `free` units of the limit are left after this grant."""

    granted: int
    life_s: float
    wait_s: float = 0.0
    slot: int = 0
    free: int = 0


class Leases(Protocol):
    """Quota counted over all workers and nodes, handed out in slices (SEMANTICS §5). See `contracts.windows`.

    A bucket has one period for good (whoever asks puts it into the name); count and burst may change with the policy.
    """

    async def take(self, bucket: str, limit: Limit, want: int, worker: str, holding: int = 0) -> Lease:
        """Up to `want` units of `bucket`, never so many that the limit could be passed. `holding` is how many units of
        earlier leases the worker still has: by asking it says that all others are spent or given back."""
        ...

    async def reserve(self, bucket: str, limit: Limit, units: int, *, used: bool = False) -> Lease:
        """`units` that pass now, all of them or none; what turns out not to be needed is given back. With `used` they
        have passed already, and count even if they do not fit."""
        ...

    async def give_back(self, bucket: str, lease: Lease, unspent: int, worker: str) -> None:
        """Return what was not spent, so that another worker may have it. Late returns are ignored."""
        ...


class CacheStore(Protocol):
    """Answers that are kept for a while, under keys that are hashes. It may forget whatever it likes."""

    async def get(self, key: bytes) -> bytes | None:
        """What was kept, or None once its time is up. StoreError."""
        ...

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keep it for so long at most; what was kept under the key is gone. StoreError."""
        ...


class Sink(Protocol):
    """Hears of every exchange when it is over."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row. Must not wait, format or fail: it is called on the hot path. The row is not to be changed."""
        ...


class Calls(Protocol):
    """The call log: one row for every exchange, written behind the request's back."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Queue a row; it is on disk within 100 ms. Never waits; a row that cannot be kept is counted as lost."""
        ...

    async def add_durably(self, row: Mapping[str, Any]) -> None:
        """Return when the row is committed. Rows that wait together are committed together."""
        ...

    @property
    def lost(self) -> int:
        """How many rows could not be written since the start."""
        ...


class Blobs(Protocol):
    """Bytes that are kept for somebody until they expire: what a client refers to later instead of sending it again.

    A key belongs to its owner. What another owner has under the same key is another thing, and nobody learns of it.
    """

    async def put(self, key: str, data: bytes, *, owner: str, expires_at: float) -> None:
        """Keep it, in place of what was there. Whoever asks any worker after this returned finds it. `expires_at` is in
        seconds since 1970."""
        ...

    async def get(self, key: str, *, owner: str) -> bytes | None:
        """What is kept; None where there is nothing, or it has expired."""
        ...

    async def delete(self, key: str, *, owner: str) -> bool:
        """Forget it. Whether there was something."""
        ...
