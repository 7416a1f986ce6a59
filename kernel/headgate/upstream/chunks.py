"""How the bytes of a body are told from what follows (RFC 9112 §6, §7). Pure: bytes in, payload out.

A decoder is `done` when the body is whole; `surplus` then tells whether bytes came behind it. `end` is what the
connection's end means: nothing if the body is whole or delimited by it, `Malformed` if it was cut.

The chunked reading is strict, because two lenient readers differ: hexadecimal digits and nothing else before the line's
end or an extension (`;`, with the white space before it that RFC 9110 §5.6.3 bids to bear), CR LF and nothing else as a
line's end.
"""

from __future__ import annotations

from typing import Final, Protocol

# An 8-byte size in hexadecimal takes 16. More cannot be held, and is only written to overflow someone.
SIZE_DIGITS: Final = 16
# Extensions are not used by anyone whom we know of; 4 KiB is what h11 and hyper grant.
CHUNK_HEAD_BYTES: Final = 4096
# As much as a small head. Trailers are read to find the end of the message, and dropped.
TRAILER_BYTES: Final = 16384

_HEX = frozenset(b"0123456789abcdefABCDEF")


class Malformed(Exception):
    """What came is not HTTP, or not all of it came. The text completes a sentence that begins with the target."""


class Decoder(Protocol):
    done: bool
    surplus: bool
    length: int | None

    def feed(self, data: bytes) -> bytes:
        """The payload in these bytes, perhaps none. Malformed where they cannot be read."""
        ...

    def end(self) -> None:
        """The connection has ended. Malformed if that cut the body."""
        ...


class Counted:
    """A body of a declared length; none at all is one of length 0."""

    __slots__ = ("_left", "done", "length", "surplus")

    def __init__(self, length: int) -> None:
        self.length: int | None = length
        self._left = length
        self.done = not length
        self.surplus = False

    def feed(self, data: bytes) -> bytes:
        size = len(data)
        if size < self._left:
            self._left -= size
            return data
        self.done = True
        if size > self._left:
            self.surplus = True
            data = data[: self._left]
        self._left = 0
        return data

    def end(self) -> None:
        if not self.done:
            raise Malformed(f"ended its answer {self._left} bytes short of the declared {self.length}")


class UntilEnd:
    """A body that the end of the connection delimits (RFC 9112 §6.3, rule 8)."""

    __slots__ = ("done", "length", "surplus")

    def __init__(self) -> None:
        self.length: int | None = None
        self.done = False
        self.surplus = False

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> None:
        self.done = True


class Chunked:
    """A body in chunks (RFC 9112 §7.1). `_state` names what the next byte belongs to."""

    __slots__ = ("_left", "_rest", "_state", "_trailer", "done", "length", "surplus")

    def __init__(self) -> None:
        self.length: int | None = None
        self.done = False
        self.surplus = False
        self._state = "size"
        self._left = 0
        self._rest = b""
        self._trailer = 0

    def feed(self, data: bytes) -> bytes:
        if self._rest:
            data, self._rest = self._rest + data, b""
        if self._state == "size" and (whole := whole_chunk(data)):
            return whole
        payload: list[bytes] = []
        at = 0
        size = len(data)
        while at < size and not self.done:
            if self._state == "data":
                piece = data[at : at + self._left]
                payload.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = "data end"
                continue
            stop = data.find(b"\n", at)
            if stop < 0:
                self._keep(data[at:])
                at = size
            else:
                self._line(data[at : stop + 1])
                at = stop + 1
        if at < size:
            self.surplus = True
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _keep(self, rest: bytes) -> None:
        """Part of a line: wait for the rest of it, within bounds."""
        if self._state == "data end" and rest != b"\r":
            raise Malformed("sent a chunk that is longer than it says")
        if self._state == "size" and rest[0] not in _HEX:
            raise Malformed("sent a chunk without a size")
        if len(rest) > CHUNK_HEAD_BYTES:
            raise Malformed(f"sent a chunk header or trailer line of more than {CHUNK_HEAD_BYTES} bytes")
        self._rest = rest

    def _line(self, line: bytes) -> None:
        if line[-2:] != b"\r\n" or line.find(b"\r") != len(line) - 2:
            raise Malformed("sent a chunked body with a line that does not end in CR LF")
        if len(line) > CHUNK_HEAD_BYTES:
            raise Malformed(f"sent a chunk header or trailer line of more than {CHUNK_HEAD_BYTES} bytes")
        if self._state == "size":
            self._left = chunk_size(line)
            self._state = "data" if self._left else "trailer"
        elif self._state == "data end":
            if line != b"\r\n":
                raise Malformed("sent a chunk that is longer than it says")
            self._state = "size"
        elif line == b"\r\n":
            self.done = True
        else:
            self._trailer += len(line)
            if self._trailer > TRAILER_BYTES:
                raise Malformed(f"sent more than {TRAILER_BYTES} bytes of trailers")

    def end(self) -> None:
        if not self.done:
            raise Malformed("ended its chunked answer before the last chunk")


def whole_chunk(data: bytes) -> bytes:
    """What the one chunk holds that these bytes are, as each event of a stream mostly is; b"" where they are not that."""
    stop = data.find(b"\r\n", 0, SIZE_DIGITS)
    digits = data[: max(stop, 0)]
    if not digits or not _HEX.issuperset(digits) or len(data) != int(digits, 16) + stop + 4:
        return b""
    return data[stop + 2 : -2] if data.endswith(b"\r\n") else b""


def chunk_size(line: bytes) -> int:
    """The size in a chunk's first line, which ends in CR LF."""
    digits, extension, _ = line[:-2].partition(b";")
    if extension:
        digits = digits.rstrip(b" \t")
    if not digits or len(digits) > SIZE_DIGITS or not _HEX.issuperset(digits):
        raise Malformed("sent a chunk whose size is not a hexadecimal number")
    return int(digits, 16)


def chunk(piece: bytes) -> bytes:
    """One chunk of a request body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK: Final = b"0\r\n\r\n"
