"""A streamed answer that is kept while it passes."""

from __future__ import annotations

from collections.abc import Callable

from headgate.api import Body


class Recorder:
    """The body of an answer, which remembers up to `limit` bytes. `given_up` is called when it ends before its end."""

    __slots__ = ("_body", "_given_up", "_limit", "_pieces", "_size", "complete", "length")

    def __init__(self, body: Body, limit: int, given_up: Callable[[], None]) -> None:
        self.length = body.length
        self.complete = False
        self._body = body
        self._limit = limit
        self._given_up = given_up
        self._pieces: list[bytes] = []
        self._size = 0

    def __repr__(self) -> str:
        return f"<Recorder [{self._size} of at most {self._limit} bytes{', complete' if self.complete else ''}]>"

    @property
    def whole(self) -> bytes | None:
        """All of it; None where it did not end, or is larger than what may be kept."""
        return b"".join(self._pieces) if self.complete and self._size <= self._limit else None

    async def read(self) -> bytes:
        """The next piece. What fails here was no whole answer."""
        piece = await self._body.read()
        self._size += len(piece)
        if not piece:
            self.complete = True
        elif self._size <= self._limit:
            self._pieces.append(piece)
        else:
            self._pieces.clear()
            self._given_up()
        return piece

    async def aclose(self) -> None:
        if not self.complete:
            self._given_up()
        await self._body.aclose()
