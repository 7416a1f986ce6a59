"""A body that streams, piece by piece into a reply, behind a head that is prepared: the same at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from headgate.message.body import is_ready, trailers_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.message.body import Body
    from headgate.message.headers import Line


class Piecewise(Protocol):
    """What is needed of a reply."""

    async def flush(self) -> None: ...
    async def write(self, piece: bytes) -> None: ...
    async def end(self, trailers: Iterable[Line] = ()) -> None: ...


async def relay_body(reply: Piecewise, body: Body, *, bodiless: bool) -> None:
    """Send a body to its end, and its trailers; none of it where the answer has none. Raises what both sides raise."""
    if not bodiless:
        if body.length is None and not is_ready(body):
            await reply.flush()  # The first piece may be long in coming.
        while piece := await body.read():
            await reply.write(piece)
    await reply.end(trailers_of(body))
