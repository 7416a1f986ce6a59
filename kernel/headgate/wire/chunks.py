"""Chunked bodies (RFC 9112 §7.1), decoded strictly. Pure.

Ours, not httptools': its parser does not tell where a body ends within the bytes it was fed, and what follows
the body is the next request. Extensions and trailers are dropped, and bounded.
"""

from __future__ import annotations

import re

from headgate.wire.limits import Limits

# Fifteen digits are 2^60 bytes; more only serve to overflow somebody's integer.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})([ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class BadChunk(Exception):
    """The body is not valid chunked coding; its end cannot be known."""


class ChunkDecoder:
    """`decode` takes bytes as they come and gives data and the bytes it left; `done` says that the body ended."""

    __slots__ = ("_extra", "_left", "_limits", "_state", "done")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._state = self._size
        self._left = 0
        self._extra = 0
        self.done = False

    def __repr__(self) -> str:
        return f"<ChunkDecoder {'done' if self.done else self._state.__name__.strip('_')}, {self._left} bytes left>"

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        """Data decoded so far, and the rest: a line not yet whole or, once done, the next request. BadChunk."""
        at = 0
        pieces: list[bytes] = []
        while not self.done and at < len(data):
            after = self._state(data, at, pieces)
            if after < 0:
                break
            at = after
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return piece, data[at:]

    def _line(self, data: bytes, at: int) -> int:
        """Where the line at `at` ends, or -1 while it is not whole."""
        limit = self._limits.chunk_line_bytes
        end = data.find(b"\r\n", at)
        if (end if end >= 0 else len(data) - 1) - at > limit:
            raise BadChunk(f"A line between chunks may hold at most {limit} bytes (RFC 9112 §7.1.1).")
        if end < 0 and b"\n" in data[at:]:
            raise BadChunk("A line between chunks ends with LF alone (RFC 9112 §7.1).")
        return end

    def _size(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        end = self._line(data, at)
        if end < 0:
            return -1
        match = _SIZE.fullmatch(data, at, end)
        if match is None:
            raise BadChunk("The size of a chunk is not a hexadecimal number (RFC 9112 §7.1).")
        if match[2] is not None:
            self._spend(len(match[2]))
        self._left = int(match[1], 16)
        self._state = self._data if self._left else self._trailer
        return end + 2

    def _data(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        piece = data[at : at + self._left]
        pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._state = self._end
        return at + len(piece)

    def _end(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        ending = data[at : at + 2]
        if ending == b"\r\n":
            self._state = self._size
            return at + 2
        if ending == b"\r":
            return -1
        raise BadChunk("A chunk is longer than its size says (RFC 9112 §7.1).")

    def _trailer(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        end = self._line(data, at)
        if end < 0:
            return -1
        if end == at:
            self.done = True
        elif _TRAILER.fullmatch(data, at, end):
            self._spend(end - at)
        else:
            raise BadChunk("A trailer is not a name, a colon and a value (RFC 9112 §7.1.2).")
        return end + 2

    def _spend(self, size: int) -> None:
        self._extra += size
        if self._extra > self._limits.chunk_extra_bytes:
            raise BadChunk(
                f"Extensions and trailers may hold at most {self._limits.chunk_extra_bytes} bytes (RFC 9112 §7.1.1)."
            )
