"""The body of a request in HTTP/2, while it arrives.

Nothing more is granted than the stream's window until somebody reads (`http2.session`, rule 3).
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import trio

from headgate.errors import ClientFault, ClientGone, Failure
from headgate.http2 import Stream, StreamFault
from headgate.message.body import too_large
from headgate.wire.limits import Limits

if TYPE_CHECKING:
    from headgate.wire.streams import Streams


class Http2Body:
    """A `Body` off a stream. `length` is what was declared, or None."""

    __slots__ = ("_failure", "_limits", "_session", "_stream", "_waited_s", "continues", "length", "received")

    def __init__(
        self, session: Streams, stream: Stream, limits: Limits, length: int | None, *, continues: bool
    ) -> None:
        self.length = length
        self.received = 0
        self.continues = continues
        self._session = session
        self._stream = stream
        self._limits = limits
        self._waited_s = 0.0
        self._failure: Failure | None = None

    def __repr__(self) -> str:
        return f"<Http2Body {self.received} bytes of {self._stream!r}>"

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived."""
        return self._stream.ended

    async def read(self) -> bytes:
        """The next piece, b"" at the end. ClientFault `request.timeout` or `request.too_large`; ClientGone."""
        if self._failure is not None:
            raise self._failure
        try:
            return await self._read()
        except Failure as failure:
            self._failure = failure
            raise

    async def _read(self) -> bytes:
        if self.continues:
            self.continues = False
            if not self._stream.ready:
                self._session.send_head(self._stream, [(b":status", b"100")])
        try:
            piece = await self._wait()
        except StreamFault:
            raise ClientGone from None
        self.received += len(piece)
        limit = self._limits.body_bytes
        if limit is not None and self.received > limit:
            raise too_large(limit)
        return piece

    async def _wait(self) -> bytes:
        if self._stream.ready:
            return await self._stream.receive()
        since = trio.current_time()
        with trio.CancelScope(deadline=since + self._patience_s()):
            piece = await self._stream.receive()
            self._waited_s += trio.current_time() - since
            return piece
        raise ClientFault("request.timeout", "The body took too long to arrive.", status=408)

    def _patience_s(self) -> float:
        limits = self._limits
        rest = inf if limits.body_rate is None else limits.body_idle_s + self.received / limits.body_rate
        return min(limits.body_idle_s, rest - self._waited_s)

    async def aclose(self) -> None:
        """The rest is not wanted: the stream is reset behind its answer."""
