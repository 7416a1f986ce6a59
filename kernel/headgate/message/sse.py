"""Server-sent events, split out of bytes that arrive in any pieces. Pure.

1. A block is what stands before a blank line, that line included, exactly as it came: whoever relays events relays
   blocks, and blocks put together are the stream again.
2. Lines end with LF, CRLF or CR (WHATWG HTML §9.2.6), mixed as they may be. Two CRs are a blank line at once: an LF that
   follows them leads the next block, where it is one more empty line. Any other CR at the very end of what has come
   decides nothing yet.
3. Where the pieces were cut makes no difference: every split of a stream gives the same blocks.
4. What is not wholly there is kept in `rest`. At the end of a stream it is no event: it was never dispatched.
5. However a block was cut, each byte is looked at a constant number of times: of what waits, only the last bytes are looked
   at together with what comes, and it is put together once, when its end has come.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

# A generated picture as base64 in one event is some megabytes; beyond this nobody speaks to a person.
MAX_BLOCK: Final = 16 << 20

# Its alternatives begin with one byte each, which is what makes the search fast.
_BLANK = re.compile(rb"\r(?:\r|\n\r?\n|\n\r(?=[^\n]))|\n(?:\r?\n|\r(?=[^\n]))")
# A blank line is four bytes at most, so of one that ends in what comes no more than this has come before.
_EDGE: Final = 3
_LINE = re.compile(rb"\r\n|\n|\r")


class EventTooLarge(ValueError):
    """A block that is larger than the bound, or grew beyond it without an end."""


class EventSplitter:
    """Gives the whole blocks of a stream as they complete."""

    __slots__ = ("_max", "_rest")

    def __init__(self, max_block: int = MAX_BLOCK) -> None:
        self._rest = bytearray()
        self._max = max_block

    def __repr__(self) -> str:
        return f"<EventSplitter [{len(self._rest)} bytes wait for their end]>"

    @property
    def rest(self) -> bytes:
        """What has come of a block whose end has not."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The blocks that `data` completes. EventTooLarge."""
        if self._rest:
            return self._feed_on(data)
        if b"\r" in data:
            return self._split_any(data)
        if 0 <= data.find(b"\n\n") == len(data) - 2 and len(data) <= self._max:
            # One event came alone, as they do from a model that makes them one by one.
            return [data]
        *whole, rest = data.split(b"\n\n")
        self._rest += rest
        return self._bounded(data, [block + b"\n\n" for block in whole])

    def _feed_on(self, data: bytes) -> list[bytes]:
        """A block waits, which `data` may end."""
        edge = self._rest[-_EDGE:] + data
        self._rest += data
        if b"\n\n" not in edge and (b"\r" not in edge or _BLANK.search(edge) is None):
            return self._bounded(data, [])
        data, self._rest = bytes(self._rest), bytearray()
        return self.feed(data)

    def _split_any(self, data: bytes) -> list[bytes]:
        """With CRs."""
        blocks, begin = [], 0
        while (blank := _BLANK.search(data, begin)) is not None:
            blocks.append(data[begin : blank.end()])
            begin = blank.end()
        self._rest += data[begin:]
        return self._bounded(data, blocks)

    def _bounded(self, data: bytes, blocks: list[bytes]) -> list[bytes]:
        """The blocks of `data`, where neither they nor what waits are too large."""
        if len(self._rest) > self._max or (len(data) > self._max and max(map(len, blocks), default=0) > self._max):
            raise EventTooLarge(f"an event of more than {self._max} bytes")
        return blocks


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: its data (lines joined by LF), its type (`message` if none was given), its id."""

    data: bytes
    event: bytes = b"message"
    id: bytes | None = None


def parse_event(block: bytes) -> Event | None:
    """The event in a block; None for comments and empty frames, which are no events."""
    if block.endswith(b"\n\n") and b"\r" not in block:
        # Most events are one line of data, or one with their name before it.
        lines = block.count(b"\n")
        if lines == 2 and block.startswith(b"data: "):
            return Event(block[6:-2])
        if lines == 3 and block.startswith(b"event: "):
            name, _, line = block[7:-2].partition(b"\n")
            if line.startswith(b"data: "):
                return Event(line[6:], name or b"message")
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
    if b"\n" not in data and b"\r" not in data:
        return b"%bdata: %b\n\n" % (head, data)
    return head + b"".join(b"data: " + line + b"\n" for line in _LINE.split(data)) + b"\n"
