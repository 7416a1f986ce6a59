"""Both readers of chunks: however the bytes are cut they give the same, and the way in accepts nothing that the way out
would read in another way. A third reader, a plain one, agrees on where the body ends."""

from __future__ import annotations

import re

from tests.fuzz.running import run

from headgate.upstream.chunks import Chunked, Malformed
from headgate.wire.chunks import BadChunk, ChunkDecoder
from headgate.wire.limits import Limits

LIMITS = Limits(chunk_line_bytes=100, chunk_extra_bytes=300)
SEEDS = (
    b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    b'a ;x="y"\r\nhellohello\r\n1\r\n!\r\n000\r\nA: b\r\nC:d\r\n\r\n',
    b"fffffffffffffff\r\nx",
    b"5;a\r\nhello\r\n0;b\r\n\r\n",
)
_SIZE = re.compile(rb"0*([0-9a-fA-F]{1,15})[ \t]*(;.*)?", re.DOTALL)


def fuzz(data: bytes) -> None:
    """The whole at once, byte by byte, and through the two others."""
    whole = came_in(data, len(data) or 1)
    assert came_in(data, 1) == whole
    assert came_in(data, 3) == whole
    back = came_back(data, len(data) or 1)
    assert came_back(data, 1) == back
    assert came_back(data, 2) == back
    if whole is not None and whole[1] is not None:
        body, rest = whole
        assert back == (body, bool(rest))
        assert plain(data) == (body, rest)


def came_in(data: bytes, step: int) -> tuple[bytes, bytes | None] | None:
    """Body and what is behind it, None for that where the end has not come; None where it was refused."""
    decoder = ChunkDecoder(LIMITS)
    body = buffer = b""
    try:
        for at in range(0, len(data), step):
            buffer += data[at : at + step]
            if not decoder.done:
                piece, buffer = decoder.decode(buffer)
                body += piece
    except BadChunk:
        return None
    return body, buffer if decoder.done else None


def came_back(data: bytes, step: int) -> tuple[bytes, bool] | None:
    """Body and whether there was more; None where it was refused or is not whole."""
    decoder = Chunked()
    body = b""
    try:
        for at in range(0, len(data), step):
            if decoder.done:
                return body, True
            body += decoder.feed(data[at : at + step])
        decoder.end()
    except Malformed:
        return None
    return body, decoder.surplus


def plain(data: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 §7.1.3, as it stands there; for what is known to be well-formed."""
    body = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        match = _SIZE.fullmatch(line)
        assert match is not None
        size = int(match[1], 16)
        if not size:
            break
        body, data = body + data[:size], data[size + 2 :]
    while True:
        line, _, data = data.partition(b"\r\n")
        if not line:
            return body, data


if __name__ == "__main__":
    run("chunks")
