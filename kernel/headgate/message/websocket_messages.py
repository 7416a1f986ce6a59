"""WebSocket's messages, one by one, for who has to know what is said before it passes (RFC 6455 §5.4).

1. A message comes out whole, with the bytes in which it came: whoever changes nothing passes these on.
2. A control frame that came within a message comes out before it; the order of the rest stays.
3. What is longer than `most` bytes, is in frames that say too little, says that it is compressed, or is no framing at
   all, is `BadFrame`: what cannot be read cannot be judged.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from headgate.message.websocket import BINARY, CLOSE, TEXT, BadFrame, Frames, head_size, unmasked

_RESERVED: Final = 0x70
# How much of a message may be framing: so much of the longest, which frames of a hundred bytes need not, and so much in any
# case. An empty frame says nothing, and would be kept too.
_FRAMING: Final = 8
_FEW: Final = 1024


class Message(NamedTuple):
    """A message, or a control frame: its kind, what it says, and the bytes in which it came."""

    kind: int
    content: bytes
    raw: bytes

    @property
    def says(self) -> bool:
        """Whether it is a message, and no control frame."""
        return self.kind in (TEXT, BINARY)


class Messages:
    """Cuts one direction into messages. `masked` says whether the sender has to mask, as clients do."""

    __slots__ = ("_buffer", "_content", "_kind", "_masked", "_most", "_most_raw", "_raw", "_reader")

    def __init__(self, *, masked: bool, most: int) -> None:
        self._masked = masked
        self._most = most
        self._most_raw = most + most // _FRAMING + _FEW
        self._reader = Frames(masked=masked)
        self._buffer = bytearray()
        self._kind = 0
        self._content = bytearray()
        self._raw = bytearray()

    def __repr__(self) -> str:
        return f"<Messages {self._reader.messages} cut, {len(self._raw) + len(self._buffer)} bytes kept>"

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now. BadFrame."""
        self._reader.feed(data)
        self._buffer += data
        found = []
        while (size := self._whole_frame()) is not None:
            raw = bytes(self._buffer[:size])
            del self._buffer[:size]
            if (message := self._framed(raw)) is not None:
                found.append(message)
        return found

    def _whole_frame(self) -> int | None:
        """How long the first frame is, where all of it is there."""
        head = bytes(self._buffer[:14])
        need = head_size(head)
        if len(head) < 2 or len(head) < need:
            return None
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(head[2:4] if size == 126 else head[2:10], "big")
        if head[0] & _RESERVED:
            raise BadFrame("sent a frame with bits that nobody agreed on")
        if size + len(self._content) > self._most:
            raise BadFrame(f"sent a message of more than {self._most} bytes")
        if head[0] & 15 < CLOSE and need + size + len(self._raw) > self._most_raw:
            raise BadFrame("sent a message in too many frames")
        return need + size if len(self._buffer) >= need + size else None

    def _framed(self, raw: bytes) -> Message | None:
        """The message that a frame completes; a control frame is one."""
        start = head_size(raw[:14])
        content = unmasked(raw[start:], raw[start - 4 : start]) if self._masked else raw[start:]
        kind = raw[0] & 15
        if kind >= CLOSE:
            return Message(kind, content, raw)
        self._kind = kind or self._kind
        self._content += content
        self._raw += raw
        if not raw[0] & 128:
            return None
        message = Message(self._kind, bytes(self._content), bytes(self._raw))
        self._content, self._raw = bytearray(), bytearray()
        return message
