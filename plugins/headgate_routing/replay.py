"""Sending a request's body a second time.

A body that is all there can be sent as often as one likes. One that streams can be sent again as long as nothing of it
was read, or while all that was read is kept: up to `buffer=` bytes. Beyond that it is let go, and never sent twice.
"""

from __future__ import annotations

from headgate.api import Body, BytesBody, Exchange


class KeptBody:
    """A streaming body that remembers its first `limit` bytes as they pass."""

    __slots__ = ("_at", "_body", "_kept", "_lost", "_size", "length", "limit")

    def __init__(self, body: Body, limit: int) -> None:
        self.length = body.length
        self.limit = limit
        self._body = body
        self._kept: list[bytes] = []
        self._at = 0
        self._size = 0
        self._lost = False

    def __repr__(self) -> str:
        state = "cannot be sent again" if self._lost else f"{self._size} of {self.limit} bytes kept"
        return f"<KeptBody [{state}]>"

    async def read(self) -> bytes:
        """The next piece: a kept one after `rewind`, else what the body gives."""
        if self._at < len(self._kept):
            piece = self._kept[self._at]
            self._at += 1
            return piece
        piece = await self._body.read()
        if piece and not self._lost:
            self._size += len(piece)
            if self._size > self.limit:
                self._lost = True
                self._kept = []
                self._at = 0
            else:
                self._kept.append(piece)
                self._at += 1
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()

    def rewind(self) -> bool:
        """Begin again at its first byte, if that can be."""
        self._at = 0
        return not self._lost


def keep(ctx: Exchange, buffer: int) -> None:
    """From here on, remember what is read of a streaming body."""
    body = ctx.request.body
    if isinstance(body, KeptBody):
        body.limit = max(body.limit, buffer)
    elif not isinstance(body, BytesBody) and body.length != 0:
        # What is known to be larger than the buffer need not be kept at all.
        ctx.request.body = KeptBody(body, buffer if body.length is None or body.length <= buffer else 0)


def rewind(ctx: Exchange) -> bool:
    """Make the body ready to be sent once more; False where it cannot be."""
    body = ctx.request.body
    return not isinstance(body, KeptBody) or body.rewind()
