"""Bytes both ways, once a request has become a connection (RFC 9110 §7.8, RFC 8441). Pure: what the ends have to offer."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Closing(Exception):
    """An end of a tunnel wants the WebSocket closed, for both, with this code and reason (RFC 6455 §7.4)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@runtime_checkable
class Tunnel(Protocol):
    """One end of a connection that was upgraded. One task reads, one writes. It is also a `Body` that has no length."""

    length: int | None

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. A Failure where it broke, Closing where it is to end; safe to cancel."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of it. A Failure where it broke, Closing where it is to end."""
        ...

    async def aclose(self) -> None:
        """Close it. Idempotent, and safe in a cancelled scope."""
        ...
