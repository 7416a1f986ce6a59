from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from headgate.api import StoreError
from headgate.testing import Gate, open_gate
from headgate_auth import Auth

POLICY = """policy 1
route who GET /who {
    auth.key as key
    respond 200 json={
        id: key.id, team: key.team, caller: caller.team, kind: caller.kind,
        may: "gpt-4.1" in key.models, may_other: "claude-3" in key.models,
        authorization: request.header["authorization"] ?? "gone", api_key: request.header["x-api-key"] ?? "gone"
    }
}
route pinned GET /pinned { auth.key header="X-Team-Key" strip=["X-User-Id"] as key
    respond 200 json={user: request.header["x-user-id"] ?? "gone", key: request.header["x-team-key"] ?? "gone"} }
"""


@asynccontextmanager
async def gate() -> AsyncIterator[Gate]:
    async with open_gate(POLICY, plugins=[("auth", Auth)], discover=False) as opened:
        yield opened


def opened() -> AbstractAsyncContextManager[Gate]:
    return gate()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("authorization", "Bearer {}"), ("authorization", "bearer  {}"), ("x-api-key", "{}"), ("api-key", "{}"),
        ("x-goog-api-key", "{}"), ("x-api-key", "Bearer {}"),
    ],
)  # fmt: skip
async def test_a_key_is_found_where_any_dialects_client_puts_it(header: str, value: str) -> None:
    async with opened() as gate:
        secret = await gate.key("search", models=["gpt-*"])
        answer = await gate.send("GET", "/who", headers={header: value.format(secret)})
        assert answer.status == 200
        said = answer.json()
        assert (said["team"], said["caller"], said["kind"]) == ("search", "search", "key")
        assert (said["may"], said["may_other"]) == (True, False)
        assert (said["authorization"], said["api_key"]) == ("gone", "gone")
        assert (await gate.row(0))["team"] == "search"


async def test_a_credential_that_is_not_the_key_goes_on() -> None:
    async with opened() as gate:
        headers = {"x-api-key": await gate.key(), "authorization": "Bearer sk-for-the-upstream"}
        said = (await gate.send("GET", "/who", headers=headers)).json()
        assert (said["authorization"], said["api_key"]) == ("Bearer sk-for-the-upstream", "gone")


@pytest.mark.parametrize(
    ("headers", "kind", "says"),
    [
        ({}, "auth.missing", "A key is needed"),
        ({"authorization": "Bearer "}, "auth.invalid", "credential is empty"),
        ({"authorization": "Bearer sk-abc"}, "auth.invalid", "begin with hg_"),
        ({"authorization": "Basic aGdfOng="}, "auth.invalid", "begin with hg_"),
        ({"authorization": "Bearer hg_" + "a" * 43}, "auth.invalid", "not valid"),
        ({"authorization": "Bearer hg_short"}, "auth.invalid", "malformed"),
        ({"authorization": "Bearer hg_" + "a" * 5000}, "auth.invalid", "malformed"),
        ({"authorization": "Bearer hg_" + "a" * 40 + "' OR 1=1"}, "auth.invalid", "malformed"),
        ({"authorization": "Bearer hg_" + "a" * 43, "x-api-key": "hg_" + "b" * 43}, "auth.invalid", "two different"),
    ],
)
async def test_what_is_no_valid_key_is_refused_and_not_repeated(headers: dict[str, str], kind: str, says: str) -> None:
    async with opened() as gate:
        answer = await gate.send("GET", "/who", headers=headers)
        assert answer.status == 401
        assert says in answer.text
        assert "aaaa" not in answer.text
        assert answer.headers.get(b"www-authenticate").startswith(b'Bearer realm="headgate"')
        assert (await gate.row(0))["error"] == kind


async def test_what_cannot_be_a_key_never_reaches_the_store() -> None:
    async with opened() as gate:
        gate.node.stores.identity = None
        for bad in ("", "Bearer hg_short", "Bearer hg_" + "a" * 999, "Bearer hg_" + "é" * 43):
            assert (await gate.send("GET", "/who", headers={"authorization": bad})).status == 401
        assert (await gate.send("GET", "/who", headers={"x-api-key": "hg_" + "a" * 43})).status == 500


async def test_revoked_and_expired_keys_are_refused() -> None:
    async with opened() as gate:
        identity = gate.node.stores.identity
        key, secret = await identity.create_key(team="t", name="n")
        headers = {"x-api-key": secret}
        assert (await gate.send("GET", "/who", headers=headers)).status == 200
        await identity.revoke_key(key.id)
        assert (await gate.send("GET", "/who", headers=headers)).status == 401
        _, old = await identity.create_key(team="t", name="n", expires_at=gate.node.clock.time() - 1)
        answer = await gate.send("GET", "/who", headers={"x-api-key": old})
        assert (answer.status, "expired" in answer.text) == (401, True)


async def test_a_store_that_is_down_lets_nobody_in() -> None:
    class Down:
        def digest(self, secret: str) -> bytes:
            return b""

        def find_key(self, digest: bytes) -> Any:
            raise StoreError("the disk is gone")

    async with opened() as gate:
        secret = await gate.key()
        gate.node.stores.identity = Down()  # type: ignore[assignment]
        answer = await gate.send("GET", "/who", headers={"x-api-key": secret})
        assert answer.status == 503
        assert "disk" not in answer.text
        assert (await gate.row(0))["error"] == "auth.unavailable"


async def test_a_pinned_header_is_the_only_one_and_identity_headers_are_stripped() -> None:
    async with opened() as gate:
        secret = await gate.key()
        assert (await gate.send("GET", "/pinned", headers={"x-api-key": secret})).status == 401
        headers = {"x-team-key": secret, "x-user-id": "root"}
        answer = await gate.send("GET", "/pinned", headers=headers)
        assert answer.json() == {"user": "gone", "key": "gone"}
