"""Server-sent events, split out of bytes that arrive in any pieces. Pure.

1. A block is what stands before a blank line, that line included, exactly as it came: whoever relays events relays
   blocks, and blocks put together are the stream again.
2. Lines end with LF, CRLF or CR (WHATWG HTML §9.2.5), mixed as they may be. A CR at the very end of what has come
   decides nothing yet: an LF may follow.
3. Where the pieces were cut makes no difference: every split of a stream gives the same blocks.
4. What is not wholly there is kept in `rest`. At the end of a stream it is no event: it was never dispatched.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

# A generated picture as base64 in one event is some megabytes; beyond this nobody speaks to a person.
MAX_BLOCK: Final = 16 << 20

_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE = re.compile(rb"\r\n|\n|\r")


class EventTooLarge(ValueError):
    """A block that grew beyond the bound without an end."""


class EventSplitter:
    """Gives the whole blocks of a stream as they complete."""

    __slots__ = ("_max", "_rest", "_scanned")

    def __init__(self, max_block: int = MAX_BLOCK) -> None:
        self._rest = b""
        self._scanned = 0
        self._max = max_block

    def __repr__(self) -> str:
        return f"<EventSplitter [{len(self._rest)} bytes wait for their end]>"

    @property
    def rest(self) -> bytes:
        """What has come of a block whose end has not."""
        return self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """The blocks that `data` completes. EventTooLarge."""
        data = self._rest + data if self._rest else data
        if b"\r" in data:
            return self._feed_any(data)
        if data.endswith(b"\n\n") and data.find(b"\n\n") == len(data) - 2:
            # One event came alone, as they do from a model that makes them one by one.
            self._rest = b""
            return [data]
        *whole, self._rest = data.split(b"\n\n")
        self._scanned = max(0, len(self._rest) - 1)
        self._bounded()
        return [block + b"\n\n" for block in whole]

    def _feed_any(self, data: bytes) -> list[bytes]:
        """With CRs: the last byte is left out of the search where it is one."""
        end = len(data) - 1 if data.endswith(b"\r") else len(data)
        blocks = []
        begin, search = 0, self._scanned
        while (blank := _BLANK.search(data, search, end)) is not None:
            begin_next = search = blank.end()
            blocks.append(data[begin:begin_next])
            begin = begin_next
        self._rest = data[begin:]
        # A line end is two bytes at most, so a blank line can begin no earlier than four from the end.
        self._scanned = max(0, len(self._rest) - 4)
        self._bounded()
        return blocks

    def _bounded(self) -> None:
        if len(self._rest) > self._max:
            raise EventTooLarge(f"an event of more than {self._max} bytes")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: its data (lines joined by LF), its type (`message` if none was given), its id."""

    data: bytes
    event: bytes = b"message"
    id: bytes | None = None


def parse_event(block: bytes) -> Event | None:
    """The event in a block; None for comments and empty frames, which are no events."""
    if block.startswith(b"data: ") and block.endswith(b"\n\n") and block.count(b"\n") == 2 and b"\r" not in block:
        return Event(block[6:-2])  # most events are one line of data
    data: list[bytes] = []
    kind, ident = b"message", None
    for line in _LINE.split(block.removeprefix(b"\xef\xbb\xbf")):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value or b"message"
        elif name == b"id" and b"\x00" not in value:
            ident = value
    return Event(b"\n".join(data), kind, ident) if data else None


def render_event(data: bytes, event: bytes | None = None) -> bytes:
    """An event as a block. `data` may hold line ends; each line gets a field of its own."""
    head = b"event: " + event + b"\n" if event else b""
    return head + b"".join(b"data: " + line + b"\n" for line in _LINE.split(data)) + b"\n"
