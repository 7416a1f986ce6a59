"""The `Fetch` of a node, which is opened when it is first used.

httpx and what it brings are ten megabytes in every process and a tenth of a second in every start, and most nodes never fetch
anything. It is imported in a thread: requests that are served meanwhile do not wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

import trio

from headgate.upstream.dial import Dialer

if TYPE_CHECKING:
    from headgate.upstream.fetch import HttpxFetch

_HOME: Final = "headgate.upstream.fetch"


class FetchOnDemand:
    """See `HttpxFetch`, which it opens."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._opened: HttpxFetch | None = None

    def __repr__(self) -> str:
        return f"<FetchOnDemand {'in use' if self._opened else 'not used yet'}>"

    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """The body of a 200 answer, at most `limit` bytes, all of it within `timeout_s`. UpstreamFault else."""
        return await (await self._open()).get(url, headers=headers, timeout_s=timeout_s, limit=limit)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """As `get`, with a body to send."""
        return await (await self._open()).post(url, body, headers=headers, timeout_s=timeout_s, limit=limit)

    async def _open(self) -> HttpxFetch:
        if self._opened is None:
            if _HOME not in sys.modules:
                await trio.to_thread.run_sync(import_module, _HOME)
            from headgate.upstream.fetch import HttpxFetch

            self._opened = self._opened or HttpxFetch(self._dialer)
        return self._opened

    async def aclose(self) -> None:
        """Close every connection."""
        if self._opened is not None:
            await self._opened.aclose()
