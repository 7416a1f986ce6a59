"""Answers on the wire, and how they end before their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import trio

from headgate.message.headers import Line
from headgate.testing.providers.asking import EVENTS, Turn
from headgate.testing.providers.frames import Frame, cut, dressed
from headgate.testing.upstreams import Wire


@dataclass
class Course:
    """A stream on its way: what it was to send, and how much of the model's output is out."""

    frames: list[Frame]
    turn: Turn
    content_type: str
    sent: int = 0
    settled: bool = False

    @property
    def share(self) -> float:
        """How much of the output was produced, from 0 to 1. What carries none (an empty answer) counts as all."""
        whole = sum(frame.produced for frame in self.frames)
        return self.sent / whole if whole else 1.0

    def frames_to_send(self) -> list[Frame]:
        """The events until it dies, without the last ones where it is left unfinished."""
        manners = self.turn.says.manners
        frames = [frame for frame in self.frames if not (frame.last and manners.unfinished)]
        return frames[: manners.dies_after]

    def dress(self, frame: Frame) -> bytes:
        """An event for the wire; only server-sent events can be dressed."""
        return dressed(frame, self.turn.says.manners) if self.content_type == EVENTS else frame.data


def head(status: int, content_type: str, lines: Sequence[Line]) -> bytes:
    """The head of an answer."""
    rest = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"HTTP/1.1 %d Simulated\r\ncontent-type: %b\r\n%b\r\n" % (status, content_type.encode(), rest)


async def send_whole(wire: Wire, status: int, body: bytes, content_type: str, lines: Sequence[Line] = ()) -> bool:
    """Send an answer with its length."""
    await wire.send(head(status, content_type, [*lines, (b"content-length", b"%d" % len(body))]) + body)
    return True


async def send_chunks(wire: Wire, data: bytes, size: int) -> None:
    """Send data as chunks (RFC 9112 §7.1) of that many bytes, so that a reader sees where it was cut."""
    for piece in cut(data, size):
        await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))


async def end_stream(wire: Wire, how: str) -> bool:
    """End a stream before its time; whether the connection lives on. A hang lasts until somebody cancels it."""
    if how == "reset":
        await wire.reset()
    elif how == "hang":
        await trio.sleep_forever()
    elif how in ("end", "error"):
        await wire.send(b"0\r\n\r\n")
        return True
    return False
