"""Signed tokens in compact form (RFC 7515 §7.1), taken apart and verified. No I/O.

1. Which algorithms may be used is the policy's word alone. A token only chooses among them; `none` is in no list.
2. The key is chosen first, and must be of the algorithm's type: a public key never becomes an HMAC secret.
3. Of the header only `alg` and `kid` are read. `jwk`, `jku`, `x5u` and `x5c`, by which a token would bring its own key,
   are not looked at; `crit` and `b64` are refused, for nothing that they could ask for is done here.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key as Jwk
from joserfc.jws import JWSRegistry

from headgate_auth.claims import Payload, Refused

# 16 KiB: tokens that carry a user's groups reach 8; above this it is an attack.
LARGEST: Final = 16 * 1024
LONGEST_KID: Final = 256
_COMPACT: Final = re.compile(rb"([A-Za-z0-9_-]{2,2048})\.([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]{2,2048})")

SYMMETRIC: Final = ("HS256", "HS384", "HS512")


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    crit: Any = None
    b64: Any = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart. Nothing of it is to be believed before `payload`."""

    alg: str
    kid: str | None
    signed: bytes
    body: bytes
    signature: bytes

    def payload(self, key: Jwk) -> Payload:
        """What it says, if that key has signed it. Refused."""
        algorithm = JWSRegistry.algorithms[self.alg]
        try:
            algorithm.check_key(key)
            holds = algorithm.verify(self.signed, self.signature, key)
        except (JoseError, ValueError, TypeError):
            holds = False
        if not holds:
            raise Refused("The token's signature does not hold.")
        try:
            return msgspec.json.decode(self.body, type=Payload)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Refused("The token does not hold a JSON object.") from None


def take_apart(token: bytes, algorithms: frozenset[str]) -> Token:
    """The parts of a token. Refused where it is no signed token, or signed as the policy does not allow."""
    match = _COMPACT.fullmatch(token) if len(token) <= LARGEST else None
    if match is None:
        raise Refused("This is not a signed token (JWT).")
    try:
        header = msgspec.json.decode(_bytes(match[1]), type=_Header)
        body, signature = _bytes(match[2]), _bytes(match[3])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused("This is not a signed token (JWT): it cannot be decoded.") from None
    if header.alg not in algorithms:
        raise Refused("The token is signed with an algorithm that is not allowed here.")
    if header.crit is not None or header.b64 is not None:
        raise Refused("The token asks for an extension that is not supported.")
    if header.kid is not None and len(header.kid) > LONGEST_KID:
        raise Refused("The token's key id is too long.")
    return Token(header.alg, header.kid, token[: match.end(2)], body, signature)


def _bytes(part: bytes) -> bytes:
    return base64.b64decode(part + b"=" * (-len(part) % 4), b"-_", validate=True)
