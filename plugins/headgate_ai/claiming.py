"""Whose an answer is that its provider keeps: one key of the provider serves several teams, and knows them as one.

1. Where the model is asked in the client's own dialect, its clients may refer to an answer by the provider's id, and the
   provider looks it up. So the id of each is claimed for who asked, before the last bytes go out (`Remembers.claim`).
2. Of a stream the events are looked into, beside their way to the client, until one says the id: it is the first as a rule,
   but signs of life may come before. It repeats the instructions and the tools, so it may be long, and it comes in pieces
   of any size; each byte is looked at a constant number of times.
"""

from __future__ import annotations

from typing import Final

import msgspec

from headgate.api import Body, EventSplitter, EventTooLarge, parse_event

# A stream may begin with it, and its events are the same.
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# Only an event that holds this can name the answer; the others need not be parsed.
_RESPONSE: Final = b'"response"'


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

    __slots__ = ("_body", "_splitter", "id", "length")

    def __init__(self, body: Body) -> None:
        self.length = body.length
        self.id: str | None = None
        self._body = body
        self._splitter: EventSplitter | None = EventSplitter()

    def __repr__(self) -> str:
        return f"<Named {self.id or 'not yet'}>"

    async def read(self) -> bytes:
        piece = await self._body.read()
        if self._splitter is not None:
            self._look(self._splitter, piece)
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()

    def _look(self, splitter: EventSplitter, piece: bytes) -> None:
        try:
            blocks = splitter.feed(piece)
        except EventTooLarge:
            self._splitter = None  # Nobody is given it, so nothing of it can be referred to.
            return
        for block in blocks:
            self.id = _id_of(block)
            if self.id is not None:
                self._splitter = None
                return


def _id_of(block: bytes) -> str | None:
    """The id of the answer, where an event says it."""
    event = parse_event(block.removeprefix(_BYTE_ORDER_MARK)) if _RESPONSE in block else None
    try:
        return None if event is None else _events.decode(event.data).response.id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
