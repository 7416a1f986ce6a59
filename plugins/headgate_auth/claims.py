"""What a token says, once it has been verified, and whether it says it to us, now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from headgate.api import Caller, Time

Payload = dict[str, Any]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """A verified token as `auth.jwt as user` binds it. `claims` is the whole payload as JSON.

    `scopes` are those of `scope` (one text, RFC 8693 §4.2) or `scp` (a list), or of `scope_claim=`.
    """

    sub: str
    iss: str = ""
    aud: list[str] = []
    scopes: list[str] = []
    exp: Time = 0.0
    claims: dict[str, Any] = {}

    def caller(self) -> Caller:
        """Who asks with this token."""
        return Caller(id=self.sub, kind="jwt", scopes=self.scopes, claims=self.claims)


class Refused(Exception):
    """Why a token does not pass, in words for whoever sent it; nothing of the token is in them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say (RFC 7519 §4.1, RFC 9068 §4)."""

    issuer: str
    audience: str
    leeway_s: float
    scope_claim: str | None = None

    def read(self, payload: Payload, now: float) -> Claims:
        """The claims of a payload whose signature holds. Refused."""
        if payload.get("iss") != self.issuer:
            raise Refused("The token is from another issuer.")
        audiences = _texts(payload.get("aud"), "aud")
        if self.audience not in audiences:
            raise Refused("The token is for another audience.")
        subject = payload.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Refused("The token names no subject (`sub`).")
        expires_at = self._times(payload, now)
        scopes = self._scopes(payload)
        return Claims(sub=subject, iss=self.issuer, aud=audiences, scopes=scopes, exp=expires_at, claims=payload)

    def until(self, claims: Claims) -> float:
        """The first moment at which the token does not pass any more."""
        return claims.exp + self.leeway_s

    def _times(self, payload: Payload, now: float) -> float:
        expires_at = _number(payload, "exp")
        if expires_at is None:
            raise Refused("The token never expires (`exp` is missing).")
        if now >= expires_at + self.leeway_s:
            raise Refused("The token has expired.")
        not_before, issued_at = _number(payload, "nbf"), _number(payload, "iat")
        if not_before is not None and now < not_before - self.leeway_s:
            raise Refused("The token is not valid yet.")
        if issued_at is not None and now < issued_at - self.leeway_s:
            raise Refused("The token was issued in the future; one of the clocks is wrong.")
        return expires_at

    def _scopes(self, payload: Payload) -> list[str]:
        if self.scope_claim is not None:
            return _words(_found(payload, self.scope_claim), self.scope_claim)
        return _words(payload.get("scope"), "scope") or _words(payload.get("scp"), "scp")


def _number(payload: Payload, name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Refused(f"The token's `{name}` is not a time.")
    return float(value)


def _texts(value: Any, name: str) -> list[str]:
    """A text or a list of them."""
    if isinstance(value, str):
        return [value]
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused(f"The token's `{name}` is neither a text nor a list of texts.")
    return value


def _words(value: Any, name: str) -> list[str]:
    return value.split() if isinstance(value, str) else _texts(value, name)


def _found(payload: Payload, path: str) -> Any:
    """A claim by its name, which may hold dots itself, else by its path: `realm_access.roles`."""
    if path in payload:
        return payload[path]
    value: Any = payload
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
