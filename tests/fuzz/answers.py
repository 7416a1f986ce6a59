"""What an upstream sends: an answer or a fault, the same however it is cut, and nothing that would break a line of ours."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.errors import InternalError
from headgate.upstream.chunks import Malformed
from headgate.upstream.heads import BODILESS, Head, travelling
from headgate.wire.answer import choose, render_head

SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close, x\r\nX: y\r\n\r\n0\r\n\r\n",
    b"HTTP/1.0 299 \r\nA:b\r\n\r\nuntil the end",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
)


def fuzz(data: bytes) -> None:
    """One answer to GET."""
    whole = read(data, len(data) or 1)
    assert read(data, 1) == whole
    assert read(data, 7) == whole


def read(data: bytes, step: int) -> tuple[object, ...]:
    """Status, what would be sent on, the body so far, and how it stands."""
    head, interim, body, decoder, rest = Head(), 0, b"", None, b""
    try:
        for at in range(0, len(data), step):
            rest = data[at : at + step]
            while decoder is None and rest:
                head.feed(rest)
                rest = head.rest if head.complete else b""
                if head.complete and head.interim:
                    head, interim = Head(), interim + 1
                elif head.complete:
                    decoder, _ = head.body("GET")
            if decoder is not None and rest and not decoder.done:
                body += decoder.feed(rest)
        if decoder is None:
            return ("cut", interim)
        decoder_end = "done" if decoder.done else "open"
    except Malformed as error:
        assert str(error)
        return ("malformed",)
    return (head.status, sent_on(head, decoder.length), body, decoder_end)


def sent_on(head: Head, length: int | None) -> bytes:
    """The head as a client gets it."""
    lines = travelling(head.lines, bodiless=head.status in BODILESS)
    framing = choose(head.status, length, head_only=False, is_11=True)
    try:
        return render_head(head.status, lines, framing, length, b"")
    except InternalError as error:
        raise AssertionError(f"{head!r} cannot be sent on") from error


if __name__ == "__main__":
    run("answers")
