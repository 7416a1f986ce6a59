"""The heads of messages: a request's, written; a response's, read and judged. Pure.

What a response's body is follows RFC 9112 §6.3, in its order and strictly: where two readers could differ, the answer
is refused. httptools reads the lines and knows what a line may hold (it refuses bare LF, folding, a repeated
Content-Length, and one with Transfer-Encoding); the bounds, the versions and what `transfer-encoding` means are ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import httptools

from headgate.contracts.transport import Outgoing, Target
from headgate.errors import ClientFault, InternalError
from headgate.message.forwarding import HOP_BY_HOP, list_members
from headgate.message.headers import Line
from headgate.upstream.chunks import Chunked, Counted, Decoder, Malformed, UntilEnd

# nginx's largest proxy buffers hold 64 KiB; a head above that is not a head.
HEAD_BYTES: Final = 65536
# httpd and haproxy stop at 100 and 101; some applications set very many cookies.
HEAD_LINES: Final = 256
# 100, 102 and 103 come once each, 103 perhaps a few times.
INTERIM_ANSWERS: Final = 16

# RFC 9110 §6.4.1, beside answers to HEAD.
BODILESS: Final = frozenset({204, 304})
_FRAMED = HOP_BY_HOP | {b"content-length"}
_NOT_OURS_TO_SEND = HOP_BY_HOP | {b"content-length", b"host", b"expect"}
# RFC 9110 §8.6: these are sent with a length even where there is no body.
EXPECT_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})

_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What `message.url` writes and what a client may put into a query: visible ASCII without `#`.
_PATH: Final = bytes(range(0x21, 0x7F)).replace(b"#", b"")


def request_head(target: Target, outgoing: Outgoing, length: int | None) -> bytes:
    """The head to send, with the empty line. `length` is the body's; None for chunks.

    ClientFault `request.invalid` where a value holds CR, LF or NUL, since that came in with a request; InternalError
    where method, path or a name is no such thing, since those are written by policies and plugins.
    """
    host, lines = end_to_end(outgoing.headers)
    _check_parts(outgoing, lines)
    parts = [
        b"%b %b%b HTTP/1.1\r\nhost: %b\r\n"
        % (_method(outgoing.method), target.path.encode(), outgoing.path, host or target.authority.encode()),
        *[b"%b: %b\r\n" % line for line in lines],
    ]
    if length is None:
        parts.append(b"transfer-encoding: chunked\r\n")
    elif length or outgoing.method in EXPECT_A_BODY:
        parts.append(b"content-length: %d\r\n" % length)
    if outgoing.upgrade is not None:
        parts += (b"connection: upgrade\r\n", b"upgrade: %b\r\n" % outgoing.upgrade.encode())
    head = b"".join(parts)
    breaks = len(parts) + 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise _bad_value(host, lines)
    return head + b"\r\n"


def end_to_end(lines: list[Line]) -> tuple[bytes | None, list[Line]]:
    """The host line's value if there is one, and the lines that may travel on."""
    if _NOT_OURS_TO_SEND.isdisjoint([line[0] for line in lines]):
        return None, lines
    host = None
    dropped = _NOT_OURS_TO_SEND
    for name, value in lines:
        if name == b"host":
            host = value
        elif name == b"connection":
            dropped = dropped | list_members(value)
    return host, [line for line in lines if line[0] not in dropped]


def _check_parts(outgoing: Outgoing, lines: list[Line]) -> None:
    names = [line[0] for line in lines]
    if b"".join(names).translate(None, _TOKEN) or b"" in names:
        raise InternalError(f"{outgoing!r} has a header whose name is not a token")
    if outgoing.path.translate(None, _PATH) or outgoing.path[:1] != b"/":
        raise InternalError(f"{outgoing!r} has a path that is not encoded")


@lru_cache
def _method(name: str) -> bytes:
    method = name.encode("ascii", "replace")
    if not method or method.translate(None, _TOKEN) or method == b"CONNECT":
        raise InternalError(f"a request has the method {name!r}, which cannot be sent on")
    return method


def _bad_value(host: bytes | None, lines: list[Line]) -> ClientFault:
    for name, value in [(b"host", host or b""), *lines]:
        if any(byte in value for byte in (b"\r", b"\n", b"\0")):
            where = name.decode("latin-1")
            break
    return ClientFault(
        "request.invalid",
        f"The header {where} would hold a line break or NUL when sent on.",
        status=400,
        record={"where": where},
    )


class Head:
    """A response's head as it arrives. Feed bytes until `complete`; `rest` is what came behind it."""

    __slots__ = ("_parser", "_size", "_tail", "_upgrade", "complete", "lines", "rest", "status", "version")

    def __init__(self, upgrade: bool = False) -> None:
        self._upgrade = upgrade
        self.lines: list[Line] = []
        self.status = 0
        self.version = ""
        self.complete = False
        self.rest = b""
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._size = 0
        self._tail = b""

    def __repr__(self) -> str:
        state = f"{self.status}, {len(self.lines)} lines" if self.complete else f"{self._size} bytes so far"
        return f"<Head [{state}]>"

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True

    def feed(self, data: bytes) -> None:
        """Take bytes of the head. Malformed where they are not one, or too much of one."""
        # The parser gets the head and nothing else: what is body and what is surplus is decided here, to the byte.
        if not self._size and data[:1] != b"H":
            # The parser would take RTSP, ICE and leading line breaks too.
            raise Malformed("sent a head that is not HTTP/1.1 (it does not begin with HTTP/)")
        overlap = len(self._tail)
        stop = (self._tail + data if overlap else data).find(b"\r\n\r\n")
        end = len(data) if stop < 0 else stop + 4 - overlap
        self._size += end
        if self._size > HEAD_BYTES:
            raise Malformed(f"sent a head of more than {HEAD_BYTES} bytes")
        parser = self._parser
        if parser is None:
            raise InternalError("a head was fed behind its end")
        try:
            parser.feed_data(data if end == len(data) else data[:end])
        except httptools.HttpParserUpgrade:
            self.complete = True
        except httptools.HttpParserError as error:
            raise Malformed(f"sent a head that is not HTTP/1.1 ({error})") from None
        if len(self.lines) > HEAD_LINES:
            raise Malformed(f"sent more than {HEAD_LINES} header lines")
        if self.complete != (stop >= 0):
            raise Malformed("sent a head that does not end where its empty line is")
        if self.complete:
            self.rest = data[end:]
            # The parser and this hold each other, and a cycle for each request is work for the garbage collector.
            self._parser = None
            self._judge(parser)
        else:
            self._tail = (self._tail + data)[-3:]

    def _judge(self, parser: httptools.HttpResponseParser) -> None:
        self.status = parser.get_status_code()
        self.version = parser.get_http_version()
        if self.version not in ("1.1", "1.0"):
            raise Malformed(f"answered in HTTP/{self.version}, which was not asked for")
        if not 100 <= self.status <= 599:
            raise Malformed(f"answered with status {self.status}, which does not exist")
        if self.status == 101 and not self._upgrade:
            raise Malformed("switched protocols, which was not asked for")

    @property
    def interim(self) -> bool:
        return self.status < 200 and self.status != 101

    def body(self, method: str) -> tuple[Decoder, bool]:
        """How the body is told, and whether the connection can be used again behind it."""
        lengths: list[bytes] = []
        codings: list[bytes] = []
        options: list[bytes] = []
        for name, value in self.lines:
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                codings.append(value)
            elif name == b"connection":
                options.append(value)
        persistent = self._persistent(options)
        if codings and (self.version == "1.0" or codings[0].lower() != b"chunked" or len(codings) > 1):
            raise Malformed("framed its answer with a transfer coding other than chunked over HTTP/1.1")
        if codings and lengths:
            raise Malformed("framed its answer with both a length and chunks")
        length = content_length(lengths) if lengths else None
        if method == "HEAD" or self.status in BODILESS:
            return Counted(0), persistent
        if codings:
            return Chunked(), persistent
        if length is not None:
            return Counted(length), persistent
        return UntilEnd(), False

    def _persistent(self, options: list[bytes]) -> bool:
        """Whether the values of Connection let the connection live (RFC 9112 §9.3)."""
        if not options:
            return self.version == "1.1"
        members = list_members(b",".join(options)) if options != [b"keep-alive"] else options
        return b"close" not in members and (self.version == "1.1" or b"keep-alive" in members)


def travelling(lines: list[Line], *, bodiless: bool) -> list[Line]:
    """The lines of an answer that travel on. A length does so only where it stands for a body that is not there."""
    dropped = HOP_BY_HOP if bodiless else _FRAMED
    for name, value in lines:
        # `keep-alive` names a line that is dropped anyway, and is what most servers say.
        if name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
            dropped = dropped | list_members(value)
    return [line for line in lines if line[0] not in dropped]


def content_length(values: list[bytes]) -> int:
    """The one length; Malformed for anything else (RFC 9112 §6.3, rule 5, without its leniency for equal ones)."""
    # Eighteen digits are below 2^63; more only serve to overflow somebody's integer.
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > 18:
        raise Malformed("declared a length that is not one number")
    return int(values[0])
