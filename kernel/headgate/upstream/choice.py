"""Which client speaks to which target: the one place that knows that there are two."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from headgate.contracts.transport import Outgoing, Target, Timeouts, Transport
from headgate.message.response import Response
from headgate.upstream.h1 import Http1Transport


class Transports:
    """A `Transport` that hands targets marked `http=2` to one client and all others to another. It owns both."""

    __slots__ = ("_one", "_two")

    def __init__(self, one: Http1Transport, two: Transport) -> None:
        self._one = one
        self._two = two

    def __repr__(self) -> str:
        return f"<Transports {self._one!r} {self._two!r}>"

    def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Coroutine[Any, Any, Response]:
        """What the chosen client's `send` does; a plain call, so that the choice costs no frame of its own."""
        return (self._one if target.http == 1 else self._two).send(target, outgoing, timeouts)

    async def run(self) -> None:
        """Keep time for HTTP/1.1's calls, until cancelled."""
        await self._one.run()

    async def aclose(self) -> None:
        """Close every idle connection of both."""
        try:
            await self._one.aclose()
        finally:
            await self._two.aclose()
