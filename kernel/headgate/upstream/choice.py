"""Which client speaks to which target: the one place that knows that there are two.

What speaks HTTP/1.1 although HTTP/2 was offered is asked in HTTP/1.1, from then on at once.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import trio

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.message.response import Response
from headgate.upstream.dial import Dialer
from headgate.upstream.egress import Egress
from headgate.upstream.h1 import Http1Transport
from headgate.upstream.h2 import Http2Transport, OnlyOne
from headgate.upstream.tls import TlsContexts


class Transports:
    """A `Transport` that hands targets marked `http=2` to one client and all others to another. It owns both."""

    __slots__ = ("_one", "_two")

    def __init__(self, one: Http1Transport, two: Http2Transport) -> None:
        self._one = one
        self._two = two

    @classmethod
    def over(cls, egress: Egress) -> Transports:
        """Both clients, connecting where the rules allow."""
        offering_both = Dialer(egress, TlsContexts(("h2", "http/1.1")))
        return cls(Http1Transport(egress), Http2Transport(offering_both))

    def __repr__(self) -> str:
        return f"<Transports {self._one!r} {self._two!r}>"

    def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Coroutine[Any, Any, Response]:
        """What the chosen client's `send` does; a plain call, so that the choice costs no frame of its own."""
        if target.http == 1 or outgoing.upgrade is not None:
            return self._one.send(target, outgoing, timeouts)
        return self._offer(target, outgoing, timeouts)

    async def _offer(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        try:
            return await self._two.send(target, outgoing, timeouts)
        except OnlyOne:
            return await self._one.send(target, outgoing, timeouts)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep time for HTTP/1.1's calls and the connections of HTTP/2, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._one.run)
            await nursery.start(self._two.run)
            task_status.started()

    async def aclose(self) -> None:
        """Close every idle connection of both."""
        try:
            await self._one.aclose()
        finally:
            await self._two.aclose()
