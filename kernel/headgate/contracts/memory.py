"""Stores that keep everything in memory: for in-file tests, and as the reference that other stores are held against."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headgate.contracts.clock import Clock
from headgate.contracts.shapes.key import Key
from headgate.contracts.stores import Lease, Limit
from headgate.contracts.windows import Window


class MemoryIdentity:
    """Keys in a dictionary, by HMAC."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._secret = secrets.token_bytes(32)
        self._keys: dict[bytes, Key] = {}

    def __repr__(self) -> str:
        return f"<MemoryIdentity {len(self._keys)} keys>"

    def digest(self, secret: str) -> bytes:
        return hmac.new(self._secret, secret.encode(), hashlib.sha256).digest()

    def find_key(self, digest: bytes) -> Key | None:
        return self._keys.get(digest)

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
        secret = f"hg_{secrets.token_urlsafe(24)}"
        key = Key(
            id=f"k_{secrets.token_hex(6)}", name=name, team=team, application=application, models=list(models),
            scopes=list(scopes), created_at=self.clock.time(), expires_at=expires_at,
        )  # fmt: skip
        self._keys[self.digest(secret)] = key
        return key, secret

    async def list_keys(self, team: str | None = None) -> list[Key]:
        return [key for key in self._keys.values() if team is None or key.team == team]

    async def revoke_key(self, key_id: str) -> Key | None:
        for digest, key in self._keys.items():
            if key.id == key_id:
                self._keys[digest] = msgspec.structs.replace(key, revoked_at=key.revoked_at or self.clock.time())
                return self._keys[digest]
        return None


class MemoryLeases:
    """Windows in a dictionary: exact, for one process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._windows: dict[str, Window] = {}

    def __repr__(self) -> str:
        return f"<MemoryLeases {len(self._windows)} buckets>"

    async def take(self, bucket: str, limit: Limit, want: int, worker: str, holding: int = 0) -> Lease:
        window = self._windows.setdefault(bucket, Window(limit))
        window.limit = limit
        return window.take(self.clock.monotonic(), want, worker, holding)

    async def reserve(self, bucket: str, limit: Limit, units: int, *, used: bool = False) -> Lease:
        window = self._windows.setdefault(bucket, Window(limit))
        window.limit = limit
        return window.reserve(self.clock.monotonic(), units, used=used)

    async def give_back(self, bucket: str, lease: Lease, unspent: int, worker: str) -> None:
        if bucket in self._windows:
            self._windows[bucket].give_back(lease, unspent, worker)


class MemoryCalls:
    """Rows in a list."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self.lost = 0

    def __repr__(self) -> str:
        return f"<MemoryCalls {len(self.rows)} rows>"

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)

    async def add_durably(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)


class MemoryBlobs:
    """Bytes in a dictionary. What has expired goes when the next comes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._kept: dict[tuple[str, str], tuple[float, bytes]] = {}

    def __repr__(self) -> str:
        return f"<MemoryBlobs {len(self._kept)} kept>"

    async def put(self, key: str, data: bytes, *, owner: str, expires_at: float) -> None:
        now = self.clock.time()
        self._kept = {name: kept for name, kept in self._kept.items() if kept[0] > now}
        self._kept[owner, key] = (expires_at, data)

    async def get(self, key: str, *, owner: str) -> bytes | None:
        expires_at, data = self._kept.get((owner, key), (0.0, None))
        return data if expires_at > self.clock.time() else None

    async def delete(self, key: str, *, owner: str) -> bool:
        expires_at, _ = self._kept.pop((owner, key), (0.0, b""))
        return expires_at > self.clock.time()
