"""Whose an answer is that its provider keeps: one key of the provider serves several teams, and knows them as one.

1. Where the model is asked in the client's own dialect, its clients may refer to an answer by the provider's id, and the
   provider looks it up. So the id of each is claimed for who asked, before the last bytes go out (`Remembers.claim`).
2. Of a stream only the first event is looked into, beside its way to the client: it has the id.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from headgate.api import Body

# A first event that is longer has no id that anybody could refer to; it repeats the instructions and the tools.
_FIRST_BYTES: Final = 1 << 20
_DATA: Final = re.compile(rb"^data:([^\r\n]*)\r?\n", re.MULTILINE)


class _Named(msgspec.Struct):
    id: str


class _Event(msgspec.Struct):
    response: _Named


_answers: Final = msgspec.json.Decoder(_Named)
_events: Final = msgspec.json.Decoder(_Event)


def id_in(data: bytes) -> str | None:
    """The id of a whole answer."""
    try:
        return _answers.decode(data).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Named:
    """A streamed answer's body, which knows the answer's id once it has come by."""

    __slots__ = ("_body", "_first", "id", "length")

    def __init__(self, body: Body) -> None:
        self.length = body.length
        self.id: str | None = None
        self._body = body
        self._first: bytes | None = b""

    def __repr__(self) -> str:
        return f"<Named {self.id or 'not yet'}>"

    async def read(self) -> bytes:
        piece = await self._body.read()
        if self._first is not None:
            self._look(self._first + piece)
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()

    def _look(self, first: bytes) -> None:
        found = _DATA.search(first)
        self._first = None if found or len(first) > _FIRST_BYTES else first
        if found:
            try:
                self.id = _events.decode(found[1]).response.id
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # Nothing of it can be referred to.
