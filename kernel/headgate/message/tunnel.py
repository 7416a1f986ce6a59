"""Bytes both ways, once a request has become a connection (RFC 9110 §7.8, RFC 8441). Pure: what the ends have to offer."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Tunnel(Protocol):
    """One end of a connection that was upgraded. One task reads, one writes. It is also a `Body` that has no length."""

    length: int | None

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. A Failure where it broke; safe to cancel."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of it. A Failure where it broke."""
        ...

    async def aclose(self) -> None:
        """Close it. Idempotent, and safe in a cancelled scope."""
        ...
