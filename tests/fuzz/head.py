"""The head of a request: read or refused, and what is read is safe to write again and means the same."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.wire.head import Head, check_partial, read_head
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal

LIMITS = Limits(header_bytes=2000, header_line_bytes=500, request_line_bytes=500, header_count=20)
WIDE = Limits()  # An encoded path is up to three times as long.
SEEDS = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /a/../b?c=%20 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nConnection: x, close\r\nX: y\r\n\r\n",
    b"PUT http://a.test/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
)


def fuzz(data: bytes) -> None:
    """One head, its empty line put behind it."""
    end = data.find(b"\r\n\r\n")
    whole = data[: end + 4] if end >= 0 else data + b"\r\n\r\n"
    try:
        head = read_head(whole, LIMITS)
    except Refusal as refusal:
        assert 400 <= refusal.status <= 599
        assert "RFC" in refusal.detail or "path" in refusal.detail, refusal.detail
        return
    for seen in range(len(whole) - 4):
        check_partial(whole[:seen], max(0, seen - 3), LIMITS)
    _check(head)
    again = read_head(_written(head), WIDE)
    assert (again.method, again.raw_path, again.query) == (head.method, head.raw_path, head.query)
    assert (again.host, again.length) == (head.host, head.length)


def _check(head: Head) -> None:
    assert head.length is None or 0 <= head.length < 10**15
    assert head.path == "*" or ("/../" not in head.path and "//" not in head.path)
    for name, value in head.headers.lines:
        assert name == name.lower()
        assert name
        assert value == value.strip(b" \t")
        assert not set(b"\r\n\0") & set(name + value)


def _written(head: Head) -> bytes:
    query = b"?" + head.query if head.query else b""
    first = b"%b %b%b HTTP/%b" % (head.method.encode(), head.raw_path, query, head.version.encode())
    lines = [b"%b: %b" % line for line in head.headers.lines if line[0] not in (b"host", b"content-length")]
    if head.host:
        lines.append(b"host: " + (head.headers.get(b"host") or head.host.encode()))
    if head.length:
        lines.append(b"content-length: %d" % head.length)
    return b"\r\n".join([first, *lines, b"", b""])


if __name__ == "__main__":
    run("head")
