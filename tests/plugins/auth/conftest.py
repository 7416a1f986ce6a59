"""An issuer on a real socket, its keys, and a clock that a test sets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import trio
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from headgate.testing import ScriptedUpstream, Wire, answer

NOW = 1_800_000_000.0


class FakeClock:
    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def encoded(part: Any) -> bytes:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed(key: Any, header: dict[str, Any], payload: Any, *, alg: str | None = None) -> str:
    """A token, signed by `alg` whatever its header says."""
    text = encoded(header) + b"." + encoded(payload)
    signature = JWSRegistry.algorithms[alg or header["alg"]].sign(text, key)
    return (text + b"." + encoded(signature)).decode()


def claims(issuer: str, **more: Any) -> dict[str, Any]:
    good = {"iss": issuer, "aud": "orders", "sub": "ana", "exp": NOW + 600, "iat": NOW, "scope": "orders:read x"}
    return {name: value for name, value in {**good, **more}.items() if value is not None}


class Issuer:
    """Publishes keys. `keys` may change, `down` makes it answer 500; `fetched` counts what was asked for the keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [key.as_dict(private=False) for key in (RSA, EC, ED)]
        self.down = False
        self.document: dict[str, Any] = {}
        self.fetched = 0
        self.upstream = ScriptedUpstream(self._script)

    @property
    def url(self) -> str:
        return self.upstream.url

    async def _script(self, wire: Wire) -> None:
        while (received := await wire.request()) is not None:
            found: Any = {"keys": self.keys}
            if received.path.endswith("/openid-configuration"):
                found = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.document}
            else:
                self.fetched += 1
            await wire.send(answer(500 if self.down else 200, json.dumps(found).encode()))

    def token(self, key: Any = RSA, alg: str = "RS256", header: dict[str, Any] | None = None, **more: Any) -> str:
        return signed(key, {"alg": alg, "kid": key.kid, **(header or {})}, claims(self.url, **more), alg=alg)


@pytest.fixture
async def issuer(nursery: trio.Nursery) -> Issuer:
    made = Issuer()
    await made.upstream.start(nursery)
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
