"""WebSocket's frames as they pass (RFC 6455 §5.2): where each begins and ends, and what those say that control the rest.

1. Nothing is held: bytes pass on as they come, whatever the size of a frame or a message. What is kept is a header of at
   most 14 bytes, a control frame of at most 125, and, for who asks for messages, one of bounded size.
2. What breaks the framing is `BadFrame`: two readers could differ on all that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_KNOWN: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_CONTROL_BYTES: Final = 125


class BadFrame(Exception):
    """The bytes are not WebSocket's. The text completes a sentence that begins with the sender."""


class Frames:
    """Reads along one direction. `masked` says whether the sender has to mask, as clients do.

    `messages` counts those that were complete, `closed` is the code of a close frame (1005 where it has none). `message` is
    called with kind and content of every message of at most `most` bytes that was not compressed.
    """

    __slots__ = (
        "_collected",
        "_control",
        "_head",
        "_kind",
        "_left",
        "_mask",
        "_message",
        "_most",
        "_tell",
        "closed",
        "masked",
        "messages",
    )

    def __init__(self, *, masked: bool, message: Callable[[int, bytes], None] | None = None, most: int = 0) -> None:
        self.masked = masked
        self.messages = 0
        self.closed: int | None = None
        self._tell = message
        self._most = most
        self._head = b""
        self._left = 0  # of the frame that is on its way
        self._kind = CONTINUATION
        self._mask = b""
        self._control: bytearray | None = None
        self._message: int | None = None  # the kind of the message that is on its way
        self._collected: bytearray | None = None

    def __repr__(self) -> str:
        return f"<Frames {self.messages} messages{'' if self.closed is None else f', closed with {self.closed}'}>"

    @property
    def between(self) -> bool:
        """Whether a frame may be put in here: none is on its way."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """Read along. BadFrame."""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._payload(piece)
                continue
            need = head_size(self._head)
            piece = data[at : at + need - len(self._head)]
            self._head += piece
            at += len(piece)
            if len(self._head) == head_size(self._head) and len(self._head) >= 2:
                head, self._head = self._head, b""
                self._begin(head)

    def _begin(self, head: bytes) -> None:
        first, second = head[0], head[1]
        kind, last = first & 15, bool(first & 128)
        size = second & 127
        if size >= 126:
            size = int.from_bytes(head[2:4] if size == 126 else head[2:10], "big")
        self._check(first, kind, last=last, masked=bool(second & 128), size=size)
        self._mask = head[-4:] if second & 128 else b""
        self._kind = first
        self._left = size
        if kind >= CLOSE:
            self._control = bytearray()
        elif kind != CONTINUATION:
            self._message = kind
            self._collected = bytearray() if self._tell is not None and not first & 0x40 else None
        if not size:
            self._end()

    def _check(self, first: int, kind: int, *, last: bool, masked: bool, size: int) -> None:
        if kind not in _KNOWN:
            raise BadFrame(f"sent a frame of the unknown kind {kind}")
        if masked is not self.masked:
            raise BadFrame("sent a frame that is not masked" if self.masked else "masked a frame")
        if kind >= CLOSE and (not last or size > _CONTROL_BYTES):
            raise BadFrame("sent a control frame that is too long, or in parts")
        if kind in (TEXT, BINARY) and self._message is not None:
            raise BadFrame("began a message within another")
        if kind == CONTINUATION and self._message is None:
            raise BadFrame("went on with a message that has not begun")
        if size >> 63:
            raise BadFrame("sent a frame of an impossible size")

    def _payload(self, piece: bytes) -> None:
        kept = self._control if self._control is not None else self._collected
        if kept is not None:
            kept += unmasked(piece, self._mask) if self._mask else piece
            if self._mask:
                turn = len(piece) % 4
                self._mask = self._mask[turn:] + self._mask[:turn]
            if self._control is None and len(kept) > self._most:
                self._collected = None
        self._left -= len(piece)
        if not self._left:
            self._end()

    def _end(self) -> None:
        kind = self._kind & 15
        if self._control is not None:
            if kind == CLOSE and self.closed is None:
                self.closed = int.from_bytes(self._control[:2], "big") if len(self._control) >= 2 else 1005
            self._control = None
        elif self._kind & 128:
            self.messages += 1
            content, of = self._collected, self._message
            self._collected = self._message = None
            if content is not None and self._tell is not None and of is not None:
                self._tell(of, bytes(content))


def head_size(head: bytes) -> int:
    """How long the header is that begins so, as far as that is known."""
    if len(head) < 2:
        return 2
    size = head[1] & 127
    return 2 + (0 if size < 126 else 2 if size == 126 else 8) + (4 if head[1] & 128 else 0)


def unmasked(data: bytes, mask: bytes) -> bytes:
    """RFC 6455 §5.3, masking and unmasking alike."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def frame(kind: int, payload: bytes, *, mask: bytes = b"") -> bytes:
    """One frame that is a whole message, or controls; with a mask of 4 bytes where a client sends it."""
    size = len(payload)
    flag = 128 if mask else 0
    if size < 126:
        head = bytes((128 | kind, flag | size))
    elif size < 1 << 16:
        head = bytes((128 | kind, flag | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((128 | kind, flag | 127)) + size.to_bytes(8, "big")
    return head + mask + (unmasked(payload, mask) if mask else payload)


def close_frame(code: int, reason: str = "", *, mask: bytes = b"") -> bytes:
    """A close frame (RFC 6455 §5.5.1)."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason.encode()[:123], mask=mask)
