"""A body, read piece by piece.

`read` gives the next piece and b"" at the end, for good. Reading past a failure raises it again.
A body has one reader. Whoever takes a body closes it; closing twice is fine, closing early tells the
other side that the rest is not wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from headgate.errors import ClientFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.message.headers import Line


@runtime_checkable
class Body(Protocol):
    """Bytes that arrive over time. `length` is the declared size in bytes, or None if unknown.

    A body may also have `ready`: whether its next piece is there, so that whoever sends it need not send its head before;
    and `trailers`: the lines that came behind it, once it has been read to its end.
    """

    length: int | None

    async def read(self) -> bytes:
        """The next piece, never empty before the end; b"" at the end. Cancellable; may raise a Failure."""
        ...

    async def aclose(self) -> None:
        """Give the body up. Idempotent, and safe in a cancelled scope."""
        ...


def is_ready(body: Body) -> bool:
    """Whether the next piece of a body is known to be there."""
    return bool(getattr(body, "ready", False))


def trailers_of(body: Body) -> Iterable[Line]:
    """The lines that came behind a body that was read to its end, mostly none."""
    return getattr(body, "trailers", None) or ()


class BytesBody:
    """A body that is all there."""

    __slots__ = ("_data", "length")

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self.length: int | None = len(data)

    def __repr__(self) -> str:
        return f"<BytesBody {len(self._data)} of {self.length} bytes left>"

    @property
    def left(self) -> bytes:
        """What nobody has read yet: whoever sends it from here can send it again."""
        return self._data

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    async def aclose(self) -> None:
        self._data = b""


class JsonBody(BytesBody):
    """A body that a line has read as JSON: its value may be changed until it is sent.

    It is sent as it came, unless the value is another one by then; `changed` says that it is from the start.
    """

    __slots__ = ("_print", "_value")

    def __init__(self, data: bytes, value: Any, *, changed: bool = False) -> None:
        super().__init__(data)
        self._value = value
        self._print = b"" if changed else _encoded(value)

    @property
    def left(self) -> bytes:
        if not self._data:
            return b""
        now = _encoded(self._value)
        data = self._data if now == self._print else now
        self.length = len(data)
        return data

    async def read(self) -> bytes:
        data, self._data = self.left, b""
        return data


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except RecursionError:
        raise ClientFault("request.invalid", "The body is nested too deeply.", status=400) from None


async def read_all(body: Body, limit: int) -> bytes:
    """The whole body, at most `limit` bytes; above it ClientFault `request.too_large` (413)."""
    if body.length is not None and body.length > limit:
        raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while piece := await body.read():
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def too_large(limit: int) -> ClientFault:
    return ClientFault(
        "request.too_large", f"The body may hold at most {limit} bytes.", status=413, record={"limit": limit}
    )
