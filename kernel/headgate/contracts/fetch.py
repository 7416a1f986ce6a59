"""Requests off the hot path (JWKS, discovery, HTTP/2 upstreams): whole answers, by httpx behind the egress rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Fetch(Protocol):
    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """The body of a 200 answer, at most `limit` bytes. UpstreamFault for anything else. Follows no redirect."""
        ...

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """As `get`, with a body to send: a form for a server of tokens. It is sent once; nothing is tried again."""
        ...
