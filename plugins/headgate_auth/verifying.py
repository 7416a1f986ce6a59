"""Tokens of an issuer, verified: what a line of `auth.jwt` is prepared to.

Only such a line needs this file, and what it stands on: joserfc and cryptography are some ten megabytes in every process.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from headgate.api import Exchange, Secret
from headgate_auth.claims import Claims, Expected, Refused
from headgate_auth.issuers import Given, KeySource
from headgate_auth.keyrings import keyring_of, shared_secret
from headgate_auth.kinds import unavailable
from headgate_auth.lines import header_names
from headgate_auth.shared import shared
from headgate_auth.tokens import SYMMETRIC, take_apart

log = logging.getLogger("headgate.auth")

REMEMBERED: Final = 10_000
DEFAULT: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")


class Verifier:
    """One line's expectations, its keys, and the tokens that it has verified."""

    def __init__(
        self, expected: Expected, algorithms: frozenset[str], jwks: str | None, secret: Secret | None,
        given: Given | None, strip: frozenset[bytes],
    ) -> None:  # fmt: skip
        self.expected = expected
        self.algorithms = algorithms
        self.strip = strip
        self._jwks = jwks
        self._secret = secret
        self._source: KeySource | None = given
        self._known: dict[bytes, tuple[Claims, float, int]] = {}

    def __repr__(self) -> str:
        return f"<Verifier {self.expected.issuer} for {self.expected.audience} [{len(self._known)} known]>"

    def recall(self, token: bytes, now: float, monotonic: float) -> Claims | None:
        """What a token says that was verified before; None where it has to be verified (again)."""
        known = self._known.get(hashlib.sha256(token).digest())
        source = self._source
        if known is None or source is None or known[1] <= now or known[2] != source.generation:
            return None
        return None if source.due(monotonic) else known[0]

    async def verify(self, ctx: Exchange, token: bytes) -> Claims:
        """What a token says. Refused; ClientFault `auth.unavailable` where there are no keys to check it with."""
        parts = take_apart(token, self.algorithms)
        source = self._source = self._source or self._found(ctx)
        ring = await source.ring(ctx.node)
        key = ring.find(parts.kid, parts.alg)
        if key is None:
            key = (await source.newer(ctx.node, ring)).find(parts.kid, parts.alg)
        if key is None:
            raise Refused("The token is signed with a key that the issuer does not publish.")
        generation = source.generation
        claims = self.expected.read(parts.payload(key), ctx.node.clock.time())
        self._remember(token, claims, generation)
        return claims

    def _found(self, ctx: Exchange) -> KeySource:
        if self._secret is None:
            return shared(ctx.node).issuer(self.expected.issuer, self._jwks)
        if not self._secret.is_set:
            log.error(
                "%s, the secret that tokens of %s are signed with, is not set", self._secret.name, self.expected.issuer
            )
            unavailable("Tokens cannot be checked now: the gateway is not set up for it.")
        return Given(shared_secret(self._secret.reveal()))

    def _remember(self, token: bytes, claims: Claims, generation: int) -> None:
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[hashlib.sha256(token).digest()] = (claims, self.expected.until(claims), generation)


def verifier_of(
    *, issuer: str, audience: str, jwks: str | None = None, keys: str | None = None, key: Secret | None = None,
    algorithms: Sequence[str] | None = None, leeway: float = 60.0, scope_claim: str | None = None, strip: Sequence[str] = (),
) -> Verifier:  # fmt: skip
    """The verifier of a line. ValueError for what can never verify a token, or would verify too many."""
    if not issuer or not audience:
        raise ValueError("`issuer` and `audience` may not be empty")
    if sum(given is not None for given in (jwks, keys, key)) > 1:
        raise ValueError("keys come from one place: `jwks=`, `keys=` or `key=`")
    chosen = frozenset(algorithms if algorithms is not None else ("HS256",) if key is not None else DEFAULT)
    symmetric = chosen & set(SYMMETRIC)
    if not chosen or (symmetric and key is None):
        raise ValueError("HS256, HS384 and HS512 need a shared secret: `key=secret(…)`" if chosen else "no algorithm")
    if key is not None and chosen - symmetric:
        raise ValueError(
            "`key=` is a shared secret, for HS256, HS384 and HS512 alone; public keys are given by `keys=`"
        )
    if key is not None and key.is_set:
        shared_secret(key.reveal())
    for url in [url for url in (jwks, None if keys is not None or key is not None else issuer) if url is not None]:
        if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname:
            raise ValueError(f"{url!r} is no URL from which keys could be fetched")
    given = Given(keyring_of(keys)) if keys is not None else None
    expected = Expected(issuer, audience, leeway, scope_claim)
    return Verifier(expected, chosen, jwks, key, given, header_names(strip))
