"""Binary frames of an event stream: a prelude with two lengths and its checksum, headers, the payload, a checksum.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import binascii
import struct
from typing import Any

from headgate.testing.providers.frames import Frame, compact

STRING = 7


def framed(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame."""
    lines = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(lines) + len(payload), len(lines))
    body = prelude + struct.pack(">I", binascii.crc32(prelude)) + lines + payload
    return body + struct.pack(">I", binascii.crc32(body))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([STRING]) + struct.pack(">H", len(value)) + value.encode()


def event(kind: str, value: dict[str, Any], *, produced: int = 0, last: bool = False) -> Frame:
    """An event. Bedrock pads its payloads with a field `p`, so that their length does not tell what they say."""
    padding = "abcdefghijklmnopqrstuvwxyz"[: 1 + produced % 26]
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return Frame(framed(headers, compact({**value, "p": padding})), produced, last)


def exception(name: str, message: str) -> Frame:
    """The frame that ends a stream which began well."""
    kind = name[0].lower() + name[1:]
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return Frame(framed(headers, compact({"message": message})))
