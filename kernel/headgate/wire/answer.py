"""The head of an answer, and how its body is framed. Pure.

`content-length`, `transfer-encoding` and `connection` are set here and nowhere else; whatever a policy or an upstream
put there is dropped. `date` is written where there is none: who made the answer knows when (RFC 9110 §6.6.1). A line that
could become two lines is a bug of ours, not an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from headgate.errors import InternalError
from headgate.message.forwarding import HOP_BY_HOP
from headgate.message.headers import Line
from headgate.message.reasons import REASONS

OWNED = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})
_STATUS = {status: f"HTTP/1.1 {status} {reason}\r\n".encode() for status, reason in REASONS.items()}
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NO_TRAILERS = HOP_BY_HOP | OWNED | {b"host", b"content-encoding", b"content-type", b"content-range", b"set-cookie"}
_BREAKS = re.compile(rb"[\r\n\0]")


class Framing(Enum):
    """How the client learns where the body ends (RFC 9112 §6.3)."""

    NONE = "no body"
    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"


def choose(status: int, length: int | None, *, head_only: bool, is_11: bool) -> Framing:
    """RFC 9112 §6.3, from the sender's side."""
    if head_only or status in (204, 205, 304):
        return Framing.NONE
    if length is not None:
        return Framing.LENGTH
    return Framing.CHUNKED if is_11 else Framing.CLOSE


def _check_names(names: list[bytes]) -> None:
    if b"".join(names).translate(None, _TOKEN) or b"" in names:
        wrong = next(name for name in names if not name or name.translate(None, _TOKEN))
        raise InternalError(f"{wrong!r} is not a header name")


def render_upgrade(headers: Iterable[Line], rest: bytes) -> bytes:
    """The head of a 101; `upgrade` is among the lines. InternalError."""
    lines = check_lines(200, headers, Framing.NONE, None)
    parts = [b"HTTP/1.1 101 Switching Protocols\r\n", *[b"%b: %b\r\n" % line for line in lines]]
    return b"".join([*parts, b"connection: upgrade\r\n", rest, b"\r\n"])


def check_lines(status: int, headers: Iterable[Line], framing: Framing, length: int | None) -> list[Line]:
    """The lines of a head as HTTP/2 and HTTP/3 send them, with its length. InternalError on what cannot be sent."""
    if not 200 <= status <= 599:
        raise InternalError(f"{status} is not the status of a final answer")
    lines = [one for one in headers if one[0] not in OWNED]
    _check_names([one[0] for one in lines])
    text = b"".join([one[1] for one in lines])
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise InternalError("A header value of the answer holds CR, LF or NUL")
    if status == 205:
        framing, length = Framing.LENGTH, 0
    elif framing is Framing.NONE and not length:
        length = _declared(headers)
    if length is not None and (framing is Framing.LENGTH or (framing is Framing.NONE and status != 204 and length)):
        lines.append((b"content-length", b"%d" % length))
    return lines


def travelling_trailers(lines: Iterable[Line]) -> list[Line]:
    """What may stand behind a body: nothing of framing, routing or connections (RFC 9110 §6.5.1)."""
    return [
        line
        for line in lines
        if line[0] not in _NO_TRAILERS
        and not line[0].translate(None, _TOKEN)
        and line[0]
        and not _BREAKS.search(line[1])
    ]


def _declared(headers: Iterable[Line]) -> int | None:
    """How long a body would be that is not there: nobody knows but who answered (RFC 9110 §8.6)."""
    return next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)


def render_head(
    status: int, headers: Iterable[Line], framing: Framing, length: int | None, rest: bytes, date: bytes = b""
) -> bytes:
    """Status line, header lines, framing, `rest` (finished lines), empty line. InternalError on what cannot be sent.

    `date` is the line to write where the answer has none.
    """
    if not 200 <= status <= 599:
        raise InternalError(f"{status} is not the status of a final answer")
    line = _STATUS.get(status) or f"HTTP/1.1 {status} \r\n".encode()
    lines = [one for one in headers if one[0] not in OWNED]
    names = [one[0] for one in lines]
    _check_names(names)
    if b"date" not in names:
        rest = date + rest
    parts = [line, *[b"%b: %b\r\n" % one for one in lines]]
    count = len(parts) + 1
    if status == 205:
        framing, length = Framing.LENGTH, 0  # RFC 9110 §15.3.6: it has no content, and says so.
    elif framing is Framing.NONE and not length:
        length = _declared(headers)
    if length is not None and (framing is Framing.LENGTH or (framing is Framing.NONE and status != 204 and length)):
        parts.append(b"content-length: %d\r\n" % length)
        count += 1
    elif framing is Framing.CHUNKED:
        parts.append(b"transfer-encoding: chunked\r\n")
        count += 1
    count += rest.count(b"\r\n")
    parts += (rest, b"\r\n")
    head = b"".join(parts)
    if head.count(b"\n") != count or head.count(b"\r") != count or b"\0" in head:
        raise InternalError("A header value of the answer holds CR, LF or NUL")
    return head
