"""The head of an answer, and how its body is framed. Pure.

`content-length`, `transfer-encoding` and `connection` are set here and nowhere else; whatever a policy or an upstream
put there is dropped. `date` is written where there is none: who made the answer knows when (RFC 9110 §6.6.1). A line that
could become two lines is a bug of ours, not an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus

from headgate.errors import InternalError
from headgate.message.headers import Line

OWNED = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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
        # Nobody knows how long it would be but who answered; without a word of theirs, RFC 9110 §8.6 lets it out.
        length = next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)
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
