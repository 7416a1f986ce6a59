"""The request target and the Host header, each in its one reading. Pure.

RFC 9112 §3.2 knows four forms. Origin-form and absolute-form name a path; asterisk-form belongs to OPTIONS;
authority-form belongs to CONNECT, which a gateway of this kind does not serve.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from headgate.errors import ClientFault
from headgate.message.url import canonical
from headgate.wire.refusal import Refusal

# Printable ASCII without `#`: a fragment is never sent (RFC 9110 §7.1).
_TARGET = bytes(byte for byte in range(0x21, 0x7F) if byte != 0x23)
_ABSOLUTE = re.compile(rb"(?i)(https?)://([^/?]*)(/[^?]*)?(?:\?(.*))?")
# Narrower than RFC 3986 reg-name on purpose: what DNS and people use, so that no two readers differ.
_NAME = re.compile(rb"(?!.*\.\.)([A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?)(?::([0-9]{0,5}))?")
_LITERAL = re.compile(rb"(\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")

Target = tuple[str, bytes, bytes, bytes | None]


def read_target(method: str, target: bytes, *, tls: bool) -> Target:
    """Path, encoded path, query and, of absolute-form, the authority. Refusal 400 or 421."""
    if target.translate(None, _TARGET):
        raise Refusal(400, "The request target has a character that must be percent-encoded (RFC 9112 §3.2).")
    if target[:1] == b"/":
        raw, _, query = target.partition(b"?")
        return *_path(raw), query, None
    if target == b"*":
        if method != "OPTIONS":
            raise Refusal(400, "The target * belongs to OPTIONS alone (RFC 9112 §3.2.4).")
        return "*", b"*", b"", None
    return _absolute(method, target, tls)


def _absolute(method: str, target: bytes, tls: bool) -> Target:
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Refusal(400, "The request target is neither a path nor an http URL (RFC 9112 §3.2).")
    scheme, authority, raw, query = match.groups()
    if (scheme.lower() == b"https") is not tls:
        raise Refusal(421, "The scheme of the request target is not the connection's (RFC 9110 §7.4).")
    if raw is None and query is None and method == "OPTIONS":
        return "*", b"*", b"", authority  # RFC 9112 §3.2.4
    return *_path(raw or b"/"), query or b"", authority


def _path(raw: bytes) -> tuple[str, bytes]:
    try:
        return canonical(raw)
    except ClientFault as fault:
        raise Refusal(400, fault.message) from None


@lru_cache(maxsize=256)
def read_host(value: bytes) -> str:
    """The host of a Host header or an authority: lower case, without its port and the root's final dot, IPv6 in
    brackets. Refusal 400.

    Remembers what it read last: the hosts of a gateway are few.
    """
    match = _NAME.fullmatch(value)
    if match is None:
        match = _LITERAL.fullmatch(value)
        if match is None or not _is_ipv6(match[1]):
            raise Refusal(400, "The host is not a name or an address with an optional port (RFC 9112 §3.2).")
    if match[2] and int(match[2]) > 65535:
        raise Refusal(400, "The port of the host is above 65535 (RFC 9112 §3.2).")
    return match[1].decode("ascii").lower().removesuffix(".")


def _is_ipv6(literal: bytes) -> bool:
    try:
        ipaddress.IPv6Address(literal[1:-1].decode("ascii"))
    except ValueError:
        return False
    return True
