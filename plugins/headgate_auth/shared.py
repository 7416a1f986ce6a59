"""What the steps of this plugin share on one node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from headgate.api import Node

if TYPE_CHECKING:
    from headgate_auth.issuers import Fetched

STATE: Final = "auth"
# Hashing a password takes a core for some 50 ms: two at once leave the others to requests.
HASHING: Final = 2


class Shared:
    """Issuers, which outlive a reload, and the threads that hash."""

    def __init__(self) -> None:
        self.hashing = trio.CapacityLimiter(HASHING)
        self._issuers: dict[tuple[str, str | None], Fetched] = {}

    def issuer(self, issuer: str, jwks: str | None) -> Fetched:
        """The one source of an issuer's keys."""
        from headgate_auth.issuers import Fetched  # who asks has it already; who hashes passwords needs none of it

        key = (issuer, jwks)
        if key not in self._issuers:
            self._issuers[key] = Fetched(issuer, jwks)
        return self._issuers[key]


def shared(node: Node) -> Shared:
    """What this node's steps share."""
    found: Shared = node.state[STATE]
    return found


@asynccontextmanager
async def open_shared(node: Node) -> AsyncIterator[None]:
    """Put it into the node; there is nothing to close."""
    node.state[STATE] = Shared()
    yield
