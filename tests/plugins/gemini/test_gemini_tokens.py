"""Vertex AI's tokens: what is signed, what is asked for, and how often."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from headgate.api import Outgoing, Secret, Target, UpstreamFault
from headgate_gemini.dialect import GeminiOut

OUT = GeminiOut()
PAIR = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PAIR.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ACCOUNT = {
    "type": "service_account",
    "client_email": "gate@project.iam.gserviceaccount.com",
    "private_key_id": "k1",
    "private_key": PEM,
    "token_uri": "https://oauth2.googleapis.com/token",
}
NOW = 1_800_000_000.0


class Google:
    """A server of tokens, and the node that asks it."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.answer = answer
        self.at = NOW
        self.node: Any = SimpleNamespace(
            rehearsing=False, state={}, fetch=self, clock=SimpleNamespace(time=lambda: self.at)
        )

    async def post(self, url: str, body: bytes, **_: Any) -> bytes:
        await trio.sleep(1)
        self.asked.append((url, body))
        token = {"access_token": f"token-{len(self.asked)}", "expires_in": 3599, "token_type": "Bearer"}
        return json.dumps(token).encode() if self.answer is None else self.answer

    async def authorized(self, key: str | None = None, **options: Any) -> dict[bytes, bytes]:
        outgoing = Outgoing("POST", b"/x", [])
        secret = Secret("K", json.dumps(ACCOUNT) if key is None else key)
        await OUT.authorize(outgoing, Target.parse("https://aiplatform.googleapis.com/v1"), secret, options, self.node)
        return dict(outgoing.headers)


async def test_a_service_account_signs_for_a_token(autojump_clock: trio.testing.MockClock) -> None:
    google = Google()
    assert await google.authorized() == {b"authorization": b"Bearer token-1"}
    [(url, body)] = google.asked
    form = parse_qs(body.decode())
    assert url == ACCOUNT["token_uri"]
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    token = jwt.decode(form["assertion"][0], RSAKey.import_key(PEM), algorithms=["RS256"])
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert token.claims == {
        "iss": ACCOUNT["client_email"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": ACCOUNT["token_uri"],
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
    }


async def test_a_token_is_kept_until_shortly_before_it_expires(autojump_clock: trio.testing.MockClock) -> None:
    google = Google()
    for at, token in ((0, b"token-1"), (3298, b"token-1"), (3300, b"token-2"), (3301, b"token-2")):
        google.at = NOW + at
        assert await google.authorized() == {b"authorization": b"Bearer " + token}


async def test_one_token_is_fetched_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    google = Google()
    found = []

    async def ask() -> None:
        found.append(await google.authorized())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    assert found == [{b"authorization": b"Bearer token-1"}] * 5
    assert len(google.asked) == 1


async def test_whoever_gives_up_waiting_holds_nobody_up(autojump_clock: trio.testing.MockClock) -> None:
    google = Google()
    with trio.move_on_after(0.5) as scope:
        await google.authorized()
    assert scope.cancelled_caught
    assert await google.authorized() == {b"authorization": b"Bearer token-1"}


async def test_an_api_key_goes_in_its_own_line(autojump_clock: trio.testing.MockClock) -> None:
    google = Google()
    assert await google.authorized("AIzaKey") == {b"x-goog-api-key": b"AIzaKey"}
    assert await google.authorized("ya29.token", auth="bearer") == {b"authorization": b"Bearer ya29.token"}
    google.node.rehearsing = True
    assert await google.authorized("AIzaKey") == {}
    assert google.asked == []


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("{}", None),
        (json.dumps(ACCOUNT | {"private_key": "no key"}), None),
        (None, b"<html>secret</html>"),
    ],
)
async def test_what_goes_wrong_tells_no_secret(
    key: str | None, answer: bytes | None, autojump_clock: trio.testing.MockClock
) -> None:
    with pytest.raises(UpstreamFault) as caught:
        await Google(answer).authorized(key)
    assert "secret" not in str(caught.value)
    assert "no key" not in str(caught.value)
