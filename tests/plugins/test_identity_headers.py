"""What a policy says about who asks reaches the upstream as it was said, whatever the client does about it."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from headgate.testing import Gate, open_gate

POLICY = """policy 1
upstream seen { url = "echo:" }
route sets GET /sets public {
    set request.header["x-user-id"] = "ana"
    forward seen
}
route removes GET /removes public {
    remove request.header["x-user-id"]
    forward seen
}
route strips GET /strips {
    auth.key strip=["x-user-id"]
    forward seen
}
"""


async def seen(gate: Gate, path: str, **headers: str) -> dict[str, Any]:
    """The request's lines as the upstream got them."""
    answer = await gate.send("GET", path, headers=headers)
    assert answer.status == 200
    found: dict[str, Any] = answer.json()["headers"]
    return found


async def test_a_client_s_connection_line_takes_nothing_from_what_a_policy_sets() -> None:
    async with open_gate(POLICY) as gate:
        host, _, port = gate.url.removeprefix("http://").partition(":")
        stream = await trio.open_tcp_stream(host, int(port))
        await stream.send_all(b"GET /sets HTTP/1.1\r\nhost: a\r\nconnection: close, x-user-id\r\n\r\n")
        said = b""
        while piece := await stream.receive_some():
            said += piece
        await stream.aclose()
        assert b'"x-user-id":"ana"' in said


@pytest.mark.parametrize("spelling", ["x-user-id", "X_User_Id", "x-user_id"])
async def test_no_spelling_of_a_client_s_survives_beside_the_policy_s(spelling: str) -> None:
    async with open_gate(POLICY) as gate:
        alike = {"x-user-id", "x_user_id", "x-user_id"}
        sets = await seen(gate, "/sets", **{spelling: "root"})
        assert {name: value for name, value in sets.items() if name in alike} == {"x-user-id": "ana"}
        assert not alike & (await seen(gate, "/removes", **{spelling: "root"})).keys()
        key = await gate.key()
        assert not alike & (await seen(gate, "/strips", **{spelling: "root", "x-api-key": key})).keys()


async def test_a_key_without_its_scheme_stays_here_too() -> None:
    async with open_gate(POLICY) as gate:
        key = await gate.key()
        found = await seen(gate, "/strips", **{"authorization": key, "x-api-key": key})
        assert key not in str(found)
