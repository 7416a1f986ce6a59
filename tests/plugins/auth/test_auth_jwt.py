from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from joserfc.jwk import OctKey, RSAKey
from tests.plugins.auth.conftest import EC, ED, NOW, OTHER_RSA, RSA, FakeClock, Issuer, claims, encoded, signed

from headgate.errors import PolicyError
from headgate.testing import Answer, Gate, open_gate
from headgate_auth import Auth
from headgate_auth.claims import Refused
from headgate_auth.tokens import LARGEST, take_apart

SHARED = "a-shared-secret-of-more-than-32-bytes"


def policy(issuer: str, more: str = "") -> str:
    return f"""policy 1
route who GET /who {{
    auth.jwt issuer="{issuer}" audience="orders" {more} as user
    respond 200 json={{
        sub: user.sub, iss: user.iss, aud: user.aud, scopes: user.scopes, exp: user.exp, dept: user.claims.dept,
        caller: caller.id, kind: caller.kind, token: request.header["authorization"] is present
    }}
}}
"""


@asynccontextmanager
async def opened(issuer: str, more: str = "", clock: FakeClock | None = None) -> AsyncIterator[Gate]:
    async with open_gate(policy(issuer, more), plugins=[("auth", Auth)], discover=False) as gate:
        gate.node.clock = clock or FakeClock()
        yield gate


async def who(gate: Gate, token: str) -> Answer:
    return await gate.send("GET", "/who", headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
async def test_a_token_of_the_issuer_passes_and_binds_its_claims(issuer: Issuer, key: Any, alg: str) -> None:
    async with opened(issuer.url) as gate:
        answer = await who(gate, issuer.token(key, alg, dept={"name": "ops"}))
        assert answer.json() == {
            "sub": "ana", "iss": issuer.url, "aud": ["orders"], "scopes": ["orders:read", "x"], "exp": NOW + 600,
            "dept": {"name": "ops"}, "caller": "ana", "kind": "jwt", "token": True,
        }  # fmt: skip
        assert (await gate.row(0))["caller"] == "ana"


async def test_no_token_is_told_from_a_bad_one(issuer: Issuer) -> None:
    async with opened(issuer.url) as gate:
        none = await gate.send("GET", "/who")
        other = await gate.send("GET", "/who", headers={"authorization": "Basic YTpi"})
        bad = await who(gate, "abc")
        assert (none.status, other.status, bad.status) == (401, 401, 401)
        assert none.headers.get(b"www-authenticate") == b'Bearer realm="headgate"'
        assert bad.headers.get(b"www-authenticate") == b'Bearer realm="headgate", error="invalid_token"'
        assert [(await gate.row(n))["error"] for n in range(3)] == ["auth.missing", "auth.missing", "auth.invalid"]
        assert issuer.fetched == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"iss": "https://evil.test"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "another audience"),
        ({"aud": ["other", "orders2"]}, "another audience"),
        ({"aud": "orders-admin"}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": {"orders": 1}}, "neither a text"),
        ({"sub": None}, "no subject"),
        ({"sub": ""}, "no subject"),
        ({"sub": 7}, "no subject"),
        ({"exp": None}, "never expires"),
        ({"exp": "tomorrow"}, "not a time"),
        ({"exp": True}, "not a time"),
        ({"exp": NOW - 60}, "has expired"),
        ({"nbf": NOW + 61}, "not valid yet"),
        ({"iat": NOW + 61}, "issued in the future"),
        ({"scope": 7}, "neither a text"),
    ],
)
async def test_a_token_that_is_not_for_us_now_is_refused(issuer: Issuer, change: dict[str, Any], says: str) -> None:
    async with opened(issuer.url) as gate:
        answer = await who(gate, issuer.token(**change))
        assert answer.status == 401
        assert says in answer.text


@pytest.mark.parametrize(
    "change", [{"exp": NOW - 59.9}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"aud": ["x", "orders"]}]
)
async def test_leeway_reaches_to_its_boundary(issuer: Issuer, change: dict[str, Any]) -> None:
    async with opened(issuer.url) as gate:
        assert (await who(gate, issuer.token(**change))).status == 200


async def test_without_leeway_a_second_counts(issuer: Issuer) -> None:
    async with opened(issuer.url, "leeway=0s") as gate:
        assert (await who(gate, issuer.token(exp=NOW))).status == 401
        assert (await who(gate, issuer.token(exp=NOW + 1))).status == 200


def hmac_signed(secret: bytes, header: dict[str, Any], payload: Any) -> str:
    """What a library makes that takes the public key for an HMAC secret."""
    text = encoded(header) + b"." + encoded(payload)
    return (text + b"." + encoded(hmac.digest(secret, text, "sha256"))).decode()


def _tricks(issuer: str) -> dict[str, str]:
    good = claims(issuer)
    public = RSA.as_pem(private=False)
    none = {"alg": "none", "kid": "rsa"}
    own = RSAKey.generate_key(2048, {"kid": "rsa"})
    body, head = encoded(good), encoded({"alg": "RS256", "kid": "rsa"})
    stolen = signed(RSA, {"alg": "RS256", "kid": "rsa"}, good).split(".")
    return {
        "none, without a signature": (encoded(none) + b"." + body + b".").decode(),
        "none, with some signature": (encoded(none) + b"." + body + b".AAAA").decode(),
        "None in other letters": (encoded({"alg": "nOnE", "kid": "rsa"}) + b"." + body + b".AAAA").decode(),
        "HMAC under the public key": hmac_signed(public, {"alg": "HS256", "kid": "rsa"}, good),
        "HMAC that says RS256": hmac_signed(public, {"alg": "RS256", "kid": "rsa"}, good),
        "another key, same kid": signed(OTHER_RSA, {"alg": "RS256", "kid": "rsa"}, good),
        "a key of its own in jwk": signed(own, {"alg": "RS256", "kid": "rsa", "jwk": own.as_dict(private=False)}, good),
        "a key of its own at jku": signed(own, {"alg": "RS256", "kid": "rsa", "jku": "https://evil.test/jwks"}, good),
        "a kid that is a path": signed(own, {"alg": "RS256", "kid": "../../../dev/null"}, good),
        "a kid that is SQL": signed(own, {"alg": "RS256", "kid": "' UNION SELECT 'k"}, good),
        "a kid that is no text": signed(own, {"alg": "RS256", "kid": ["rsa"]}, good),
        "an endless kid": signed(own, {"alg": "RS256", "kid": "k" * 400}, good),
        "a key of another type": signed(EC, {"alg": "ES256", "kid": "rsa"}, good),
        "no kid where two keys could be meant": signed(EC, {"alg": "RS256"}, good, alg="ES256"),
        "crit": signed(RSA, {"alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": 1}, good),
        "b64": signed(RSA, {"alg": "RS256", "kid": "rsa", "b64": False}, good),
        "changed claims": f"{stolen[0]}.{encoded({**good, 'sub': 'root'}).decode()}.{stolen[2]}",
        "a header nested without end": (
            encoded(b'{"alg":"RS256","crit":' + b"[" * 1400) + b"." + body + b".AAAA"
        ).decode(),
        "no JSON inside": signed(RSA, {"alg": "RS256", "kid": "rsa"}, b"not json"),
        "a list inside": signed(RSA, {"alg": "RS256", "kid": "rsa"}, ["a"]),
        "four parts": (head + b"." + body + b".AAAA.AAAA").decode(),
        "five parts, as if encrypted": ".".join(["AAAA"] * 5),
        "padding": (head + b"==." + body + b".AAAA").decode(),
    }


async def test_no_trick_passes(issuer: Issuer) -> None:
    async with opened(issuer.url) as gate:
        for name, token in _tricks(issuer.url).items():
            answer = await who(gate, token)
            assert answer.status == 401, name
            assert token not in answer.text
        assert (await who(gate, issuer.token())).status == 200


async def test_a_token_without_a_kid_passes_where_one_key_fits(issuer: Issuer) -> None:
    async with opened(issuer.url) as gate:
        assert (await who(gate, signed(EC, {"alg": "ES256"}, claims(issuer.url)))).status == 200
        issuer.keys.append({**OTHER_RSA.as_dict(private=False), "kid": "second"})
    async with opened(issuer.url) as gate:
        assert (await who(gate, signed(RSA, {"alg": "RS256"}, claims(issuer.url)))).status == 401


async def test_only_the_algorithms_that_the_policy_names(issuer: Issuer) -> None:
    async with opened(issuer.url, "algorithms=[ES256]") as gate:
        assert (await who(gate, issuer.token(EC, "ES256"))).status == 200
        assert (await who(gate, issuer.token())).status == 401


async def test_a_shared_secret_serves_hs256_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SHARED)
    key = OctKey.import_key(SHARED)
    async with opened("me", 'key=secret("JWT_SECRET")') as gate:
        assert (await who(gate, signed(key, {"alg": "HS256", "kid": "any"}, claims("me")))).status == 200
        assert (await who(gate, signed(key, {"alg": "HS512"}, claims("me")))).status == 401
        assert (await who(gate, signed(RSA, {"alg": "RS256"}, claims("me")))).status == 401


async def test_a_secret_that_is_not_set_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    async with opened("me", 'key=secret("JWT_SECRET")') as gate:
        answer = await who(gate, signed(OctKey.import_key(SHARED), {"alg": "HS256"}, claims("me")))
        assert (answer.status, "JWT_SECRET" in answer.text) == (503, False)


async def test_keys_may_stand_in_the_policy() -> None:
    pem = EC.as_pem(private=False).decode().replace("\n", "\\n")
    async with opened("me", f'keys="{pem}"') as gate:
        assert (await who(gate, signed(EC, {"alg": "ES256"}, claims("me")))).status == 200


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("algorithms=[HS256]", "need a shared secret"),
        ('key=secret("JWT_SECRET") algorithms=[HS256, RS256]', "public keys are given by `keys=`"),
        ('key=secret("JWT_SECRET") jwks="https://id.test/jwks"', "keys come from one place"),
        ("algorithms=[]", "no algorithm"),
        ('jwks="file:///etc/passwd"', "is no URL"),
        ("keys='{}'", "no public key"),
        ('strip=["no header"]', "not the name of a header"),
        ("algorithms=[none]", "none"),
    ],
)
async def test_a_line_that_could_never_or_always_pass_does_not_load(
    monkeypatch: pytest.MonkeyPatch, more: str, says: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", SHARED)
    with pytest.raises(PolicyError) as failed:
        async with opened("https://id.test", more):
            pass
    assert says in str(failed.value.diagnostics)


# --- the issuer's keys -----------------------------------------------------------------------------------------------


async def test_keys_are_fetched_once_for_all_who_come_at_once(issuer: Issuer) -> None:
    async with opened(issuer.url) as gate:
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await who(gate, issuer.token())).status)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(one)
        assert statuses == [200] * 20
        assert issuer.fetched == 1


async def test_a_known_token_does_not_wait_and_expires_all_the_same(issuer: Issuer, clock: FakeClock) -> None:
    async with opened(issuer.url, clock=clock) as gate:
        token = issuer.token(exp=NOW + 100)
        assert (await who(gate, token)).status == 200
        issuer.down = True
        clock.at += 159
        assert (await who(gate, token)).status == 200
        clock.at += 1
        assert (await who(gate, token)).status == 401


async def test_garbage_key_ids_do_not_make_us_hammer_the_issuer(issuer: Issuer, clock: FakeClock) -> None:
    async with opened(issuer.url, clock=clock) as gate:
        assert (await who(gate, issuer.token())).status == 200
        for number in range(20):
            clock.at += 1
            assert (await who(gate, issuer.token(OTHER_RSA, header={"kid": f"x{number}"}))).status == 401
        assert issuer.fetched == 1
        clock.at += 30
        for number in range(20):
            assert (await who(gate, issuer.token(OTHER_RSA, header={"kid": f"y{number}"}))).status == 401
        assert issuer.fetched == 2


async def test_a_new_key_of_the_issuer_is_found(issuer: Issuer, clock: FakeClock) -> None:
    async with opened(issuer.url, clock=clock) as gate:
        assert (await who(gate, issuer.token())).status == 200
        issuer.keys.append({**OTHER_RSA.as_dict(private=False), "kid": "new"})
        clock.at += 31
        assert (await who(gate, issuer.token(OTHER_RSA, header={"kid": "new"}))).status == 200


async def test_a_key_that_was_withdrawn_verifies_nothing_any_more(issuer: Issuer, clock: FakeClock) -> None:
    async with opened(issuer.url, clock=clock) as gate:
        token = issuer.token(exp=NOW + 10_000)
        assert (await who(gate, token)).status == 200
        issuer.keys = [EC.as_dict(private=False)]
        clock.at += 601
        assert (await who(gate, token)).status == 401


async def test_an_issuer_that_is_down_is_survived_for_a_day_and_not_longer(issuer: Issuer, clock: FakeClock) -> None:
    async with opened(issuer.url, clock=clock) as gate:
        old, young = issuer.token(exp=NOW + 1e6), issuer.token(exp=NOW + 1e6, jti="2")
        assert (await who(gate, old)).status == 200
        issuer.down = True
        clock.at += 3600
        assert (await who(gate, old)).status == 200
        assert (await who(gate, young)).status == 200
        clock.at += 86_400
        answer = await who(gate, old)
        assert (answer.status, "issuer's keys" in answer.text) == (503, True)
        issuer.down = False
        assert (await who(gate, old)).status == 503
        clock.at += 6
        assert (await who(gate, old)).status == 200


async def test_an_issuer_that_was_never_up_lets_nobody_in(issuer: Issuer) -> None:
    issuer.down = True
    async with opened(issuer.url) as gate:
        assert [(await who(gate, issuer.token())).status for _ in range(3)] == [503] * 3
        assert len(issuer.upstream.received) == 1


@pytest.mark.parametrize(
    "document", [{"issuer": "https://evil.test"}, {"issuer": None}, {"jwks_uri": 7}, {"jwks_uri": "file:///etc/passwd"}]
)
async def test_a_discovery_document_that_is_not_the_issuers_is_not_believed(
    issuer: Issuer, document: dict[str, Any]
) -> None:
    issuer.document = document
    async with opened(issuer.url) as gate:
        assert (await who(gate, issuer.token())).status == 503
        assert issuer.fetched == 0


async def test_jwks_goes_straight_to_the_keys(issuer: Issuer) -> None:
    async with opened(issuer.url, f'jwks="{issuer.url}/keys"') as gate:
        assert (await who(gate, issuer.token())).status == 200
        assert [received.path for received in issuer.upstream.received] == ["/keys"]


async def test_a_reload_keeps_the_keys(issuer: Issuer) -> None:
    text = policy(issuer.url) + policy(issuer.url).replace("policy 1", "").replace("who GET /who", "me GET /me")
    async with open_gate(text, plugins=[("auth", Auth)], discover=False) as gate:
        gate.node.clock = FakeClock()
        assert (await who(gate, issuer.token())).status == 200
        headers = {"authorization": f"Bearer {issuer.token()}"}
        assert (await gate.send("GET", "/me", headers=headers)).status == 200
        assert issuer.fetched == 1


@pytest.mark.parametrize(
    ("more", "token", "scopes"),
    [
        ("", {"scope": None, "scp": ["a", "b"]}, ["a", "b"]),
        ("", {"scope": None, "scp": "a b"}, ["a", "b"]),
        ("", {"scope": None}, []),
        ('scope_claim="realm_access.roles"', {"realm_access": {"roles": ["admin"]}}, ["admin"]),
        ('scope_claim="https://x.test/roles"', {"https://x.test/roles": ["admin"]}, ["admin"]),
        ('scope_claim="nowhere.at.all"', {}, []),
    ],
)
async def test_scopes_are_read_where_the_issuer_puts_them(
    issuer: Issuer, more: str, token: dict[str, Any], scopes: list[str]
) -> None:
    async with opened(issuer.url, more) as gate:
        assert (await who(gate, issuer.token(**token))).json()["scopes"] == scopes


def test_a_token_beyond_the_limit_is_not_even_decoded() -> None:
    with pytest.raises(Refused, match="not a signed token"):
        take_apart(encoded({"alg": "RS256"}) + b"." + b"A" * LARGEST + b".AAAA", frozenset({"RS256"}))
