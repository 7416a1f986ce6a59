"""The head of a request in HTTP/2, from decoded lines to the same facts that the lane reads. Pure.

h2 has seen to it that the pseudo-header fields are complete and in front, that names are lower case and no line is
about the connection (RFC 9113 §8.2, §8.3). What a target, a host, a length and an expectation may be is what the lane
takes, by the same functions, so that a request is one request whatever it came in.
"""

from __future__ import annotations

from headgate.http2 import Lines
from headgate.message.headers import Headers, Line
from headgate.wire.head import TOKEN, Head, read_expectation, read_length
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal
from headgate.wire.target import read_host, read_target


def read_h2_head(lines: Lines, limits: Limits, *, tls: bool) -> Head:
    """What a head says; `length` is None where none was declared. Refusal where it breaks a rule or a limit."""
    pseudo = {name: value for name, value in lines if name[:1] == b":"}
    plain = [(name, value) for name, value in lines if name[:1] != b":"]
    head = Head()
    head.version = "2"
    head.headers = Headers()
    head.upgrade = None
    head.keep_alive = True
    head.continues = False
    head.length = None
    head.method = _method(pseudo, head)
    _check_sizes(plain, pseudo, limits)
    if pseudo.get(b":scheme") not in (b"https" if tls else b"http", None):
        raise Refusal(421, "The scheme of the request is not the connection's (RFC 9110 §7.4).")
    target = pseudo.get(b":path", b"")
    head.path, head.raw_path, head.query, _ = read_target(head.method, target, tls=tls)
    _read_lines(head, plain, pseudo.get(b":authority"))
    return head


def _method(pseudo: dict[bytes, bytes], head: Head) -> str:
    method = pseudo.get(b":method", b"")
    if not TOKEN.fullmatch(method):
        raise Refusal(400, "The method is not a token (RFC 9110 §9.1).")
    protocol = pseudo.get(b":protocol")
    if method == b"CONNECT" and protocol == b"websocket":
        head.upgrade = "websocket"  # RFC 8441 §5: what GET is in HTTP/1.1
        return "GET"
    if method in (b"CONNECT", b"TRACE") or protocol is not None:
        raise Refusal(501, f"{method.decode()} is not served here (RFC 9110 §9.3).")
    return method.decode("ascii")


def _check_sizes(lines: list[Line], pseudo: dict[bytes, bytes], limits: Limits) -> None:
    if len(pseudo.get(b":path", b"")) > limits.request_line_bytes:
        raise Refusal(414, f"The target may hold at most {limits.request_line_bytes} bytes (RFC 9110 §15.5.15).")
    if len(lines) > limits.header_count:
        raise Refusal(431, f"There may be at most {limits.header_count} header lines (RFC 6585 §5).")
    sizes = [len(name) + len(value) for name, value in lines]
    if sum(sizes) > limits.header_bytes:
        raise Refusal(431, f"The header lines may hold at most {limits.header_bytes} bytes together (RFC 6585 §5).")
    if max(sizes, default=0) > limits.header_line_bytes:
        raise Refusal(431, f"A header line may hold at most {limits.header_line_bytes} bytes (RFC 6585 §5).")


def _read_lines(head: Head, lines: list[Line], authority: bytes | None) -> None:
    hosts: list[bytes] = []
    cookies: list[bytes] = []
    lengths: list[bytes] = []
    kept = head.headers.lines
    for line in lines:
        name, value = line
        _check_line(name, value)
        if name == b"host":
            hosts.append(value)
            continue
        if name == b"cookie":
            cookies.append(value)
            continue
        if name == b"content-length":
            lengths.append(value)
        elif name == b"expect":
            head.continues = read_expectation(value)
        kept.append(line)
    if cookies:
        kept.append((b"cookie", b"; ".join(cookies)))  # RFC 9113 §8.2.3
    if lengths:
        head.length = _length(lengths)
    _host(head, hosts, authority)


def _host(head: Head, hosts: list[bytes], authority: bytes | None) -> None:
    """RFC 9113 §8.3.1: `:authority` is the host; a Host line beside it says the same."""
    if len(hosts) > 1 or (authority is None and not hosts):
        raise Refusal(400, "There must be one host: `:authority`, or one Host header (RFC 9113 §8.3.1).")
    value = hosts[0] if authority is None else authority
    if hosts and hosts[0].lower() != value.lower():
        raise Refusal(400, "Host and `:authority` differ (RFC 9113 §8.3.1).")
    head.host = read_host(value)
    head.headers.add(b"host", value)


def _length(values: list[bytes]) -> int:
    if len(values) > 1:
        raise Refusal(400, "Content-Length is repeated (RFC 9110 §8.6).")
    return read_length(values[0])


def _check_line(name: bytes, value: bytes) -> None:
    if not TOKEN.fullmatch(name):
        raise Refusal(400, "A header name is not a token (RFC 9110 §5.1).")
    if value.translate(None, _VALUE) or value[:1] in (b" ", b"\t") or value[-1:] in (b" ", b"\t"):
        raise Refusal(400, "A header value has a control character, or white space around it (RFC 9113 §8.2.1).")


# RFC 9110 §5.5: visible ASCII, space, tab, and what is beyond ASCII.
_VALUE = bytes(byte for byte in range(256) if byte == 9 or (byte >= 32 and byte != 127))
