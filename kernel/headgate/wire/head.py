"""The head of a request, from complete bytes to facts. Pure: no socket, no waiting.

1. The connection finds the empty line that ends a head and hands over exactly that head. Nothing behind it is
   ever shown to the parser, so pipelined bytes cannot be dispatched from inside one, and a body cannot be
   taken for a head.
2. The request line is read here (RFC 9112 §3): any method that is a token may be routed, which no parser with
   a list of methods allows. httptools reads the header lines, under a request line that is always the same.
3. Framing is decided once, here (RFC 9112 §6.3): a length, or None for chunked. What is ambiguous is refused.
"""

from __future__ import annotations

import re

import httptools

from headgate.message.forwarding import heed_connection, list_members
from headgate.message.headers import Headers, Line
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal, explain
from headgate.wire.target import read_host, read_target

_METHODS = {name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")}
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# A record of a handshake, of TLS 1.0 and everything later (RFC 8446 §5.1).
_CLIENT_HELLO = b"\x16\x03"
# RFC 9110 §6.2: a minor version above ours is read as ours.
_VERSIONS = {b"HTTP/1.%d" % minor: "1.1" if minor else "1.0" for minor in range(10)}
_VERSION = re.compile(rb"HTTP/[0-9](?:\.[0-9])?")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_TOKEN_BYTES = frozenset(byte for byte in range(256) if TOKEN.match(bytes((byte,))))
_DECIDING = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade"})
# What nearly every client says, which names no line.
_USUAL_OPTIONS = (b"keep-alive,", b"close,")
_LINE = b"GET / HTTP/1.1"


class Head:
    """What a head says. `length` is the body's size in bytes, None where it is chunked."""

    __slots__ = (
        "continues",
        "headers",
        "host",
        "keep_alive",
        "length",
        "method",
        "path",
        "query",
        "raw_path",
        "upgrade",
        "version",
    )

    method: str
    path: str
    raw_path: bytes
    query: bytes
    host: str
    version: str
    headers: Headers
    keep_alive: bool
    continues: bool
    length: int | None
    upgrade: str | None

    def __repr__(self) -> str:
        body = "chunked" if self.length is None else f"{self.length} bytes"
        return f"<Head {self.method} {self.path} {self.version} [{body}]>"


def read_request_line(line: bytes) -> tuple[str, bytes, str]:
    """Method, target and version (RFC 9112 §3). Refusal 400, 501 or 505."""
    parts = line.split(b" ")
    if len(parts) != 3:
        if len(parts) == 2 and TOKEN.fullmatch(parts[0]):
            raise Refusal(505, "The request line names no version, as HTTP/0.9 does (RFC 9112 §2.3).")
        raise Refusal(400, "The request line is not a method, a target and a version, one space between (RFC 9112 §3).")
    version = _VERSIONS.get(parts[2])
    if version is None:
        if _VERSION.fullmatch(parts[2]):
            raise Refusal(505, "This listener speaks HTTP/1.1 and HTTP/1.0 (RFC 9110 §15.6.6).")
        raise Refusal(400, "The version in the request line is malformed (RFC 9112 §2.3).")
    method = _METHODS.get(parts[0])
    if method is None:
        method = _other_method(parts[0])
    return method, parts[1], version


def _other_method(name: bytes) -> str:
    if not TOKEN.fullmatch(name):
        raise Refusal(400, "The method is not a token (RFC 9110 §9.1).")
    if name in (b"CONNECT", b"TRACE"):
        raise Refusal(501, f"{name.decode()} is not served here (RFC 9110 §9.3).")
    return name.decode("ascii")


def check_partial(data: bytes, scanned: int, limits: Limits) -> None:
    """Refuse early what can never become a head; `scanned` bytes of `data` were looked at before."""
    if data.startswith(_CLIENT_HELLO):
        raise Refusal(
            400,
            "The client begins with TLS, and this port is in the clear: write http:// in its URL, or bind with TLS.",
        )
    if data and data[0] not in _TOKEN_BYTES and data != _CLIENT_HELLO[:1]:  # whether that is TLS, the next byte tells
        raise Refusal(400, "The first byte does not begin a request line (RFC 9112 §3).")
    line_end = data.find(b"\r\n")
    if line_end < 0:
        if len(data) > limits.request_line_bytes + 1:
            raise _line_too_long(limits)
    elif line_end >= scanned - 1:
        check_line(data, line_end, limits)
    if _BARE_LF.search(data, scanned):
        raise Refusal(400, "A line of the head ends with LF alone (RFC 9112 §2.2).")
    if line_end >= 0 and len(data) - line_end - 2 > limits.header_bytes + 1:
        raise _head_too_long(limits)


def check_line(data: bytes, line_end: int, limits: Limits) -> tuple[str, bytes, str]:
    """The request line that ends at `line_end`, of allowed length."""
    if line_end > limits.request_line_bytes:
        raise _line_too_long(limits)
    return read_request_line(data[:line_end])


def _line_too_long(limits: Limits) -> Refusal:
    return Refusal(414, f"The request line may hold at most {limits.request_line_bytes} bytes (RFC 9110 §15.5.15).")


def _head_too_long(limits: Limits) -> Refusal:
    return Refusal(431, f"The header lines may hold at most {limits.header_bytes} bytes together (RFC 6585 §5).")


def read_head(data: bytes, limits: Limits, *, tls: bool = False) -> Head:
    """A complete head, its empty line included. Refusal where it breaks a rule or a limit."""
    line_end = data.find(b"\r\n")
    method, target, version = check_line(data, line_end, limits)
    lines = read_fields(data, line_end, limits)
    head = Head()
    head.method = method
    head.version = version
    head.path, head.raw_path, head.query, authority = read_target(method, target, tls=tls)
    head.headers = headers = Headers()
    headers.lines = lines
    _decide(head, [line for line in lines if line[0] in _DECIDING])
    if authority is not None:
        head.host = read_host(authority)  # RFC 9112 §3.2.2: it overrides Host
        headers.set(b"host", authority)
    return head


class _Fields:
    """The receiving end of httptools."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name.lower(), value.strip(b" \t")))


def read_fields(data: bytes, line_end: int, limits: Limits) -> list[Line]:
    """The header lines behind the request line. A parser a head: it keeps nothing from one message to the next."""
    size = len(data) - line_end - 4
    if size > limits.header_bytes:
        raise _head_too_long(limits)
    fields = _Fields()
    try:
        httptools.HttpRequestParser(fields).feed_data(_LINE + data[line_end:])
    except httptools.HttpParserUpgrade:
        pass  # An Upgrade that we do not take is ignored, RFC 9110 §7.8.
    except httptools.HttpParserError:
        raise Refusal(400, explain(data)) from None
    lines = fields.lines
    if len(lines) != data.count(b"\r\n") - 2:
        raise Refusal(400, "The head does not have one header a line (RFC 9112 §5).")
    if len(lines) > limits.header_count:
        raise Refusal(431, f"There may be at most {limits.header_count} header lines (RFC 6585 §5).")
    if size > limits.header_line_bytes:
        _check_line_sizes(data, line_end, limits.header_line_bytes)
    return lines


def _check_line_sizes(data: bytes, line_end: int, limit: int) -> None:
    if any(len(line) > limit for line in data[line_end + 2 :].split(b"\r\n")):
        raise Refusal(431, f"A header line may hold at most {limit} bytes (RFC 6585 §5).")


def _decide(head: Head, lines: list[Line]) -> None:
    """Host, persistence, expectation and framing from the few lines that decide them."""
    head.host = ""
    head.continues = False
    head.upgrade = None
    head.length = 0
    is_11 = head.version == "1.1"
    head.keep_alive = is_11
    options = upgrades = b""
    coding: bytes | None = None
    hosts = lengths = 0
    for name, value in lines:
        if name == b"host":
            hosts += 1
            head.host = read_host(value)
        elif name == b"connection":
            options += value.lower() + b","
        elif name == b"content-length":
            lengths += 1
            head.length = read_length(value)
        elif name == b"transfer-encoding":
            coding = value if coding is None else coding + b"," + value
        elif name == b"upgrade":
            upgrades += value.lower() + b","
        elif is_11:
            head.continues = read_expectation(value)
    if hosts > 1 or (is_11 and not hosts):
        raise Refusal(400, "There must be one Host header (RFC 9112 §3.2).")
    if options:
        head.keep_alive = _persists(options, is_11)
        if options not in _USUAL_OPTIONS:
            head.keep_alive = head.keep_alive and not _may_leave(options, head.headers)
            heed_connection(head.headers)
    if coding is not None:
        _check_coding(coding, is_11, lengths)
        head.length = None
    elif lengths > 1:
        raise Refusal(400, "Content-Length is repeated (RFC 9112 §6.3).")
    elif upgrades and is_11:
        head.upgrade = _upgrade(head, options, upgrades)


def _upgrade(head: Head, options: bytes, upgrades: bytes) -> str | None:
    """The protocol that is asked for, if it is one that is known here and the request has no body; any other is ignored
    (RFC 9110 §7.8)."""
    wanted = b"upgrade" in list_members(options) and b"websocket" in list_members(upgrades)
    return "websocket" if wanted and head.method == "GET" and not head.length else None


def _persists(options: bytes, is_11: bool) -> bool:
    """RFC 9112 §9.3: `close` wins; HTTP/1.0 has to ask."""
    tokens = [token.strip(b" \t") for token in options.split(b",")]
    return b"close" not in tokens and (is_11 or b"keep-alive" in tokens)


def _may_leave(options: bytes, headers: Headers) -> bool:
    """Whether somebody between us and the client may believe that what follows is no HTTP any more: there are proxies
    that tunnel behind an upgrade whatever its answer says. `h2c` is known by its preface, and not begun without a 101."""
    return b"upgrade" in options and (headers.joined(b"upgrade") or b"h2c").strip().lower() != b"h2c"


def read_expectation(value: bytes) -> bool:
    """Whether `100 Continue` is waited for. Refusal 417 for any other expectation."""
    if value.lower() != b"100-continue":
        raise Refusal(417, "The only expectation that is met here is 100-continue (RFC 9110 §10.1.1).")
    return True


def read_length(value: bytes) -> int:
    """A Content-Length. Refusal 400."""
    if not value.isdigit() or len(value) > 15:
        raise Refusal(400, "Content-Length is not a number in range (RFC 9112 §6.3).")
    return int(value)


def _check_coding(coding: bytes, is_11: bool, lengths: int) -> None:
    codings = [part.strip(b" \t").lower() for part in coding.split(b",")]
    if not is_11:
        raise Refusal(400, "Transfer-Encoding does not belong to HTTP/1.0 (RFC 9112 §6.1).")
    if lengths:
        raise Refusal(400, "Content-Length and Transfer-Encoding stand in one head (RFC 9112 §6.1).")
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        raise Refusal(400, "Transfer-Encoding does not end with chunked, once (RFC 9112 §6.3).")
    if len(codings) > 1:
        raise Refusal(501, "The only transfer coding known here is chunked (RFC 9112 §6.1).")
