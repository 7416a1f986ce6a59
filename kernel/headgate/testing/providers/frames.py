"""The events of a stream, and how they are dressed for the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.testing.providers.says import Manners

COMMENT = b": this is a comment\n\n"
EMPTY = b"\n\n\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as bytes; how much of what the model produced it carries; whether it says that the stream is whole."""

    data: bytes
    produced: int = 0
    last: bool = False


def compact(value: Any) -> bytes:
    """JSON as providers write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def sse(value: Any, *, event: str = "", produced: int = 0, last: bool = False) -> Frame:
    """A server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html) with JSON as its data."""
    data = value if isinstance(value, bytes) else compact(value)
    name = f"event: {event}\n".encode() if event else b""
    return Frame(name + b"data: " + data + b"\n\n", produced, last)


def dressed(frame: Frame, manners: Manners) -> bytes:
    """An event with the comments, blank lines and line ends that these manners have; all are allowed by the standard."""
    data = (COMMENT if manners.comments else b"") + frame.data + (EMPTY if manners.empty_frames else b"")
    return data.replace(b"\n", b"\r\n") if manners.crlf else data


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """Pieces of `size` bytes; the whole where it is 0."""
    step = size or len(data) or 1
    return (data[at : at + step] for at in range(0, len(data), step))
