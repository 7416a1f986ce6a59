"""`guard.size`: how large a request's body may be."""

from __future__ import annotations

from headgate.api import BEFORE_RESPONSE, Body, ClientFault, Exchange, Size, step


class BoundedBody:
    """A body of unknown length that fails as soon as it is larger than it may be."""

    __slots__ = ("_body", "_limit", "_size", "length")

    def __init__(self, body: Body, limit: int) -> None:
        self.length = body.length
        self._body = body
        self._limit = limit
        self._size = 0

    def __repr__(self) -> str:
        return f"<BoundedBody {self._size} of at most {self._limit} bytes>"

    async def read(self) -> bytes:
        """The next piece; ClientFault `request.too_large`, then and ever after, once it is too large."""
        if self._size > self._limit:
            raise too_large(self._limit)
        piece = await self._body.read()
        self._size += len(piece)
        if self._size > self._limit:
            raise too_large(self._limit)
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()


@step("guard.size", raises=("request.too_large",), phase=BEFORE_RESPONSE)
def size(ctx: Exchange, limit: Size, /) -> None:
    """Refuse a body that is larger than this: at once where its length is declared, else as soon as more has come."""
    body = ctx.request.body
    length = body.length
    if length is None:
        ctx.request.body = BoundedBody(body, limit)
    elif length > limit:
        raise too_large(limit)


def too_large(limit: int) -> ClientFault:
    return ClientFault(
        "request.too_large", f"The body may hold at most {_shown(limit)}.", status=413, record={"limit": limit}
    )


def _shown(size: int) -> str:
    for unit, bytes_ in (("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= bytes_ and size % bytes_ == 0:
            return f"{size // bytes_} {unit}"
    return f"{size} bytes"
