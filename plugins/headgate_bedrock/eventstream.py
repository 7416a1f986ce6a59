"""AWS's binary event streams: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html (the frame)
and https://smithy.io/2.0/aws/amazon-eventstream.html.

1. A frame is its length, the length of its headers and a CRC of those two; then headers, payload, and a CRC of it all.
2. The first CRC is checked before a length is believed, the second before anything in the frame is.
3. Where the pieces were cut makes no difference: every split of a stream gives the same frames.
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Final, NamedTuple

from headgate.api import EventTooLarge
from headgate.api.ai import Garbled

# What AWS itself allows in a frame: 16 MiB of payload, 128 KiB of headers.
MAX_FRAME: Final = (16 << 20) + (128 << 10) + 16
_PRELUDE = struct.Struct(">III")
# How long a header's value is, by its type; a text or bytes have their length in front.
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES: Final = 6
_TEXT: Final = 7


class Frame(NamedTuple):
    """One message: the headers that are texts, and the payload."""

    headers: dict[str, str]
    payload: bytes


class FrameSplitter:
    """Gives the whole frames of a stream as they complete."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def __repr__(self) -> str:
        return f"<FrameSplitter [{len(self._rest)} bytes wait for their end]>"

    @property
    def rest(self) -> bytes:
        """What has come of a frame whose end has not."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[tuple[bytes, Frame]]:
        """The frames that `data` completes, each with its bytes. Garbled, or EventTooLarge."""
        self._rest += data
        frames = []
        while len(self._rest) >= _PRELUDE.size:
            total, headers, crc = _PRELUDE.unpack_from(self._rest)
            if crc32(self._rest[:8]) != crc or not headers + 16 <= total:
                raise Garbled("with an event stream whose frames are damaged")
            if total > MAX_FRAME:
                raise EventTooLarge(f"a frame of {total} bytes")
            if len(self._rest) < total:
                break
            block = bytes(self._rest[:total])
            del self._rest[:total]
            frames.append((block, _frame(block, headers)))
        return frames


def _frame(block: bytes, headers: int) -> Frame:
    if crc32(block[:-4]) != int.from_bytes(block[-4:]):
        raise Garbled("with an event stream whose frames are damaged")
    begin = _PRELUDE.size + headers
    return Frame(_headers(block[_PRELUDE.size : begin]), block[begin:-4])


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are texts; the others are stepped over, since nothing of ours has them."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name = data[at + 1 : at + 1 + data[at]].decode()
            at += 1 + data[at]
            kind, at = data[at], at + 1
            size = _SIZES.get(kind)
            if size is None:
                size, at = int.from_bytes(data[at : at + 2]), at + 2
            if kind == _TEXT:
                found[name] = data[at : at + size].decode()
            if kind > 9 or at + size > len(data):
                raise Garbled("with an event stream whose headers make no sense")
            at += size
    except (IndexError, UnicodeDecodeError):
        raise Garbled("with an event stream whose headers make no sense") from None
    return found


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    """A frame, for what tests give."""
    lines = b"".join(
        bytes([len(name), *name, _TEXT]) + len(value).to_bytes(2) + value
        for name, value in ((name.encode(), value.encode()) for name, value in headers.items())
    )
    lengths = struct.pack(">II", len(lines) + len(payload) + 16, len(lines))
    frame = lengths + crc32(lengths).to_bytes(4) + lines + payload
    return frame + crc32(frame).to_bytes(4)
