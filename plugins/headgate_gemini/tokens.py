"""Vertex AI's credential: a token, got with a service account's key (RFC 7523).

https://developers.google.com/identity/protocols/oauth2/service-account

1. The key is the JSON file that Google gives out, as a secret. It signs a claim, and Google gives a token for it.
2. A token is used until shortly before it expires. While one is being fetched, everybody waits for that one.
3. A token that cannot be got is the provider's fault, and may be had from another provider; no key and no answer of the
   token server is ever told.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec
import trio

from headgate.api import Node, UpstreamFault

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are, not one of them
# A call that begins with a token must still be taken with it: clocks differ, and a long prompt is a while on its way.
SPARE_S: Final = 300.0
LIFE_S: Final = 3600


class ServiceAccount(msgspec.Struct):
    """The file with a service account's key."""

    client_email: str
    private_key: str
    private_key_id: str | None = None
    token_uri: str = TOKEN_URL


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = LIFE_S


_tokens = msgspec.json.Decoder(_Token)


class Tokens:
    """The tokens of one node, by account."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, float]] = {}
        self._fetching: dict[str, trio.Lock] = {}

    def __repr__(self) -> str:
        return f"<Tokens [{len(self._held)} accounts]>"

    async def get(self, key: str, node: Node) -> str:
        """A token that is good for a while. UpstreamFault."""
        held = self._good(key, node)
        if held is not None:
            return held
        async with self._fetching.setdefault(key, trio.Lock()):
            held = self._good(key, node)
            if held is None:
                token = await _fetched(_account(key), node)
                held = token.access_token
                self._held[key] = (held, node.clock.time() + token.expires_in - SPARE_S)
        return held

    def _good(self, key: str, node: Node) -> str | None:
        held = self._held.get(key)
        return held[0] if held is not None and node.clock.time() < held[1] else None


def _account(key: str) -> ServiceAccount:
    try:
        return msgspec.json.decode(key, type=ServiceAccount)
    except msgspec.DecodeError:
        raise UpstreamFault(
            "upstream.refused",
            "The key of this model is not the JSON file of a service account.",
            sent=False,
            record={"key": "invalid"},
        ) from None


def assertion(account: ServiceAccount, now: float) -> str:
    """The signed claim. UpstreamFault where the key in the file is none."""
    # Nobody but Vertex asks for them: ten megabytes in every process.
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": account.private_key_id} if account.private_key_id else {})
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": int(now),
        "exp": int(now) + LIFE_S,
    }
    try:
        return jwt.encode(header, claims, RSAKey.import_key(account.private_key), algorithms=["RS256"])
    except (JoseError, ValueError, TypeError):
        raise UpstreamFault(
            "upstream.refused",
            "The private key of this model's service account cannot be used.",
            sent=False,
            record={"key": "invalid"},
        ) from None


async def _fetched(account: ServiceAccount, node: Node) -> _Token:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": assertion(account, node.clock.time()),
    }
    data = await node.fetch.post(
        account.token_uri,
        urlencode(form).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    try:
        return _tokens.decode(data)
    except msgspec.DecodeError:
        raise UpstreamFault("upstream.protocol", "The server of tokens answered with what is no token.") from None
