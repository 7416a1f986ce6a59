"""The two forms of a stream: server-sent events (`alt=sse`), and one JSON array whose elements come as they are made.

1. Which form it is shows in the first byte that is no space. Where the pieces were cut makes no difference.
2. An element of the array ends a block; blocks put together are the stream again.
3. Each byte is looked at a constant number of times: a search goes on where the last one has ended.
4. An error may come as bare JSON amid events, without `data:`; Google's own client looks for it too.
"""

from __future__ import annotations

import re
from typing import Final

from headgate.api import EventSplitter, EventTooLarge, parse_event

MAX_BLOCK: Final = 16 << 20
_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class ArraySplitter:
    """Gives the elements of a JSON array as they complete."""

    __slots__ = ("_begin", "_depth", "_rest", "_scanned", "_string")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._scanned = 0
        self._depth = 0
        self._begin = -1
        self._string = False

    def __repr__(self) -> str:
        return f"<ArraySplitter [{len(self._rest)} bytes wait for their end]>"

    @property
    def rest(self) -> bytes:
        """What has come of an element whose end has not."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[tuple[bytes, bytes | None]]:
        """Each block that `data` completes, and the element in it. EventTooLarge."""
        self._rest += data
        blocks: list[tuple[bytes, bytes | None]] = []
        self._scan(blocks)
        if len(self._rest) > MAX_BLOCK or any(len(block) > MAX_BLOCK for block, _ in blocks):
            raise EventTooLarge(f"an element of more than {MAX_BLOCK} bytes")
        return blocks

    def _scan(self, blocks: list[tuple[bytes, bytes | None]]) -> None:
        """From where the last search has ended to the end of what has come."""
        while (mark := (_INSIDE if self._string else _OUTSIDE).search(self._rest, self._scanned)) is not None:
            if mark[0] == b"\\":
                if mark.end() == len(self._rest):
                    self._scanned = mark.start()
                    return
                self._scanned = mark.end() + 1
                continue
            self._scanned = mark.end()
            if self._met(mark[0]):
                blocks.append(self._cut())
        self._scanned = len(self._rest)

    def _met(self, mark: bytes) -> bool:
        """Whether a block ends with this mark: an element, or the array."""
        if mark == b'"':
            self._string = not self._string
        elif mark in b"{[":
            if mark == b"{" and self._begin < 0:
                self._begin = self._scanned - 1
            self._depth += 1
        else:
            self._depth -= 1
            return self._depth <= (1 if mark == b"}" else 0)
        return False

    def _cut(self) -> tuple[bytes, bytes | None]:
        block = bytes(self._rest[: self._scanned])
        del self._rest[: self._scanned]
        element = block[self._begin :] if self._begin >= 0 else None
        self._scanned, self._begin = 0, -1
        return block, element


class Framing:
    """Either form: each block as it came, and the JSON in it."""

    __slots__ = ("_array", "_events", "_head")

    def __init__(self) -> None:
        self._events: EventSplitter | None = None
        self._array: ArraySplitter | None = None
        self._head = bytearray()

    def __repr__(self) -> str:
        return f"<Framing {self._array or self._events or 'not known yet'}>"

    def feed(self, data: bytes) -> list[tuple[bytes, bytes | None]]:
        """The blocks that `data` completes. EventTooLarge."""
        if self._events is None and self._array is None:
            self._head += data
            first = data.lstrip()[:1]
            if not first:
                return self._still_unknown()
            data = bytes(self._head)
            if first in b"[{":
                self._array = ArraySplitter()
            else:
                self._events = EventSplitter(MAX_BLOCK)
        if self._array is not None:
            return self._array.feed(data)
        assert self._events is not None
        return [(block, _json_of(block)) for block in self._events.feed(data)]

    def _still_unknown(self) -> list[tuple[bytes, bytes | None]]:
        if len(self._head) > MAX_BLOCK:
            raise EventTooLarge(f"more than {MAX_BLOCK} bytes of space")
        return []

    def rest(self) -> bytes | None:
        """JSON that stands at the end without a blank line behind it, which only an error does."""
        return _bare(self._events.rest) if self._events is not None else None


def _json_of(block: bytes) -> bytes | None:
    event = parse_event(block)
    return _bare(block) if event is None else event.data


def _bare(block: bytes) -> bytes | None:
    text = block.strip()
    return text if text[:1] in (b"{", b"[") else None
