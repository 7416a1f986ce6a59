"""A request's body on its way out: the first piece travels with the head, and as long as no more was taken from the
body, the request can be sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from headgate.errors import InternalError
from headgate.message.body import Body
from headgate.upstream.chunks import LAST_CHUNK, chunk


class Upload:
    """What is to be sent after the head: `length` bytes, or chunks if None. `opened` once the first piece is here."""

    __slots__ = ("_body", "_first", "_taken", "length", "opened", "replayable")

    def __init__(self, body: bytes | Body) -> None:
        self.replayable = True
        if isinstance(body, bytes):
            self._body: Body | None = None
            self._first = body
            self.length: int | None = len(body)
            self._taken = self.length
            self.opened = True
        else:
            self._body = body
            self._first = b""
            self.length = body.length
            self._taken = 0
            self.opened = False

    def __repr__(self) -> str:
        return f"<Upload {self._taken} of {'?' if self.length is None else self.length} bytes taken>"

    @property
    def intact(self) -> bool:
        """Whether the body is as it was given to us, so that whoever owns it can send it again."""
        return self._body is None or not self.opened

    async def open(self) -> None:
        """Read the first piece. Raises what the body raises."""
        if self._body is not None:
            self._first = await self._body.read()
            self._count(self._first)
            self.opened = True

    def opening(self) -> bytes:
        """The first piece as it travels with the head; the same again when called again."""
        return self._first if self._body is None else self._framed(self._first)

    @property
    def first(self) -> bytes:
        """The first piece, unframed."""
        return self._first

    @property
    def whole(self) -> bool:
        """Whether the first piece was all of it."""
        return self._taken == self.length or (self.length is None and not self._first)

    async def rest(self) -> AsyncIterator[bytes]:
        """The other pieces, framed. Raises what the body raises; InternalError where it is not as long as it said."""
        async for piece in self.pieces():
            yield self._framed(piece)
        if self.length is None:
            yield LAST_CHUNK

    async def pieces(self) -> AsyncIterator[bytes]:
        """The other pieces, as they are. Raises as `rest`."""
        while self._body is not None and not self.whole and self._taken != self.length:
            self.replayable = False
            piece = await self._body.read()
            self._count(piece)
            if not piece:
                break
            yield piece

    def _count(self, piece: bytes) -> None:
        self._taken += len(piece)
        if self.length is not None and (self._taken > self.length or (not piece and self._taken < self.length)):
            raise InternalError(f"a request body of {self.length} bytes turned out to be of another length")

    def _framed(self, piece: bytes) -> bytes:
        if self.length is not None:
            return piece
        return chunk(piece) if piece else LAST_CHUNK
