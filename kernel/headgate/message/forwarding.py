"""What of a request's head travels on, and what is said of who sent it. Pure.

1. Hop-by-hop lines end here (RFC 9110 §7.6.1), credentials for a proxy among them (§11.7): those of the standard when a
   request is sent on, and those that Connection names when it comes in (`heed_connection`). So what a client's Connection
   names is gone before any line of a policy runs, and cannot take away what a policy sets.
2. Host, framing and `expect` are the transport's. Spellings of all these with `_` for `-` end here too: CGI and WSGI make
   the same variable of `content_length` and `content-length`.
3. Lines that say who the client is (`forwarded`, `x-forwarded-*`, `x-real-ip`) are believed only from a peer whose
   address is in a trusted network. From anyone else they are dropped, in every spelling, so an upstream can rely on what
   it gets.
4. Then the peer is named: appended behind what a trusted peer said, or alone.
5. `max-forwards` of OPTIONS loses one (RFC 9110 §7.6.2). A request that has none left is not sent on: the engine answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from headgate.message.headers import Headers, Line
from headgate.message.request import Client, Request

Network = IPv4Network | IPv6Network

# RFC 9110 §7.6.1; `keep-alive` and `proxy-connection` are what RFC 9112 §C.2.2 and older clients send.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_ENDS_WITH_ITS_NAME = HOP_BY_HOP | {b"close"}
_TRANSPORTS = frozenset({b"host", b"content-length", b"expect"})
# What servers and frameworks take a client's address, name or scheme from.
_IDENTITY = frozenset(
    {
        b"forwarded",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"true-client-ip",
        b"client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"x-original-forwarded-for",
        b"x-envoy-external-address",
    }
)
_IDENTITY_PREFIXES = frozenset({b"x-forwarded", b"x_forwarded"})

_VIA = {version: f"{version} headgate".encode() for version in ("1.0", "1.1")}
# Who sends a larger number means "as many as there are".
_MOST_FORWARDS = 999_999_999


def _spellings(name: bytes) -> set[bytes]:
    """A name with every choice of `-` and `_`."""
    words = name.split(b"-")
    return {
        b"".join(piece for pair in zip(words, (*between, b""), strict=True) for piece in pair)
        for between in itertools.product((b"-", b"_"), repeat=len(words) - 1)
    }


_ENDS_HERE = {b"via"}.union(*map(_spellings, HOP_BY_HOP | _TRANSPORTS))
_ENDS_HERE_FROM_STRANGERS = _ENDS_HERE.union(*map(_spellings, _IDENTITY))
# RFC 9110 §5.6.2, what a value may hold without quotes.
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def outgoing_headers(request: Request, client: Client, *, trusted: Collection[Network] = ()) -> list[Line]:
    """The lines to send on for a request that came from `client`, who is believed if in one of `trusted`."""
    headers = request.headers
    via = headers.joined(b"via")
    if is_trusted(client.ip, trusted):
        lines = _believed(request, client)
    else:
        lines = [
            line
            for line in headers.lines
            if line[0] not in _ENDS_HERE_FROM_STRANGERS and line[0][:11] not in _IDENTITY_PREFIXES
        ]
        asked = _asked_host(request)
        lines += (
            (b"x-forwarded-for", client.ip.encode()),
            (b"x-forwarded-proto", request.scheme.encode()),
            (b"x-forwarded-host", _latin(asked)),
            (b"forwarded", forwarded_element(client.ip, request.scheme, asked)),
        )
    came_over = _VIA.get(request.http_version) or f"{request.http_version} headgate".encode()
    lines.append((b"via", came_over if via is None else via + b", " + came_over))
    if request.method == "OPTIONS":
        lines = [_one_hop_less(line) for line in lines]
    return lines


def _one_hop_less(line: Line) -> Line:
    name, value = line
    if name != b"max-forwards" or not value.isdigit():
        return line
    return name, b"%d" % max(0, min(int(value[:18]) - 1, _MOST_FORWARDS))


def ends_here(request: Request) -> bool:
    """Whether the client wants an answer of this node's own: OPTIONS that may be forwarded no further (RFC 9110 §7.6.2)."""
    if request.method != "OPTIONS":
        return False
    left = request.headers.get(b"max-forwards") or b""
    return left != b"" and not left.strip(b"0")


def _believed(request: Request, client: Client) -> list[Line]:
    """The lines of a peer that is believed, and itself named behind what it said."""
    kept = Headers([line for line in request.headers.lines if line[0] not in _ENDS_HERE])
    _append(kept, b"x-forwarded-for", client.ip.encode())
    asked = _asked_host(request)
    for name, value in ((b"x-forwarded-proto", request.scheme), (b"x-forwarded-host", asked)):
        if name not in kept:
            kept.add(name, _latin(value))
    _append(kept, b"forwarded", forwarded_element(client.ip, request.scheme, asked))
    return kept.lines


def _asked_host(request: Request) -> str:
    """The host that the client asked, with its port where it named one: an upstream makes its own URLs of it."""
    said = (request.headers.get(b"host") or b"").decode("latin-1")
    name, _, port = said.rpartition(":")
    return said if name.lower() == request.host and port.isdigit() else request.host


def heed_connection(headers: Headers) -> None:
    """Drop the lines that Connection names: they were for us alone, and no policy sees them either."""
    named = list_members(headers.joined(b"connection") or b"") - _ENDS_WITH_ITS_NAME
    if named:
        headers.lines = [line for line in headers.lines if line[0] not in named]


def list_members(value: bytes) -> frozenset[bytes]:
    """The members of a comma-separated list, in lower case (RFC 9110 §5.6.1)."""
    return frozenset(part.strip().lower() for part in value.split(b","))


def is_trusted(ip: str, trusted: Collection[Network]) -> bool:
    """Whether this peer's word about others is believed. A mapped IPv4 address is the IPv4 address."""
    if not trusted:
        return False
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)


def forwarded_element(ip: str, scheme: str, host: str) -> bytes:
    """One element of Forwarded (RFC 7239 §4): IPv6 in brackets and quotes, a host quoted where it is no token."""
    node = f'"[{ip}]"' if ":" in ip else ip
    element = f"for={node};proto={scheme}"
    if host:
        element += f";host={_quoted(host)}"
    return _latin(element)


def _quoted(value: str) -> str:
    if _TOKEN.issuperset(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _append(headers: Headers, name: bytes, value: bytes) -> None:
    """Put one more member behind a list, keeping it one line."""
    before = headers.joined(name)
    headers.set(name, value if before is None else before + b", " + value)


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")
