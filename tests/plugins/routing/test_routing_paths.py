"""Paths that policies write: what a value brings stays in its segment, what came with the request's path stays whole."""

from __future__ import annotations

import pytest

from headgate.testing import open_gate

POLICY = """policy 1
upstream seen { url = "echo:" }
route one GET /one public { forward seen path="/users/{request.query["id"] ?? ""}/orders" }
route asks GET /asks public {
    call seen path="/users/{request.query["id"] ?? ""}" as answer
    respond 200 json=answer.json
}
route moved GET /old/{rest:path} public { forward seen path="/new/{request.params.rest}" }
route rewritten GET /was/{rest:path} public {
    set request.path = "/is/{request.params.rest}/{request.query["id"] ?? "-"}"
    forward seen
}
route prefixed GET /v1/{rest:path} public {
    set request.path = "/api{request.path}"
    forward seen
}
route away GET /away/{rest:path} public { redirect "https://b.test/{request.params.rest}?q={request.query["id"] ?? ""}" }
"""


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/one?id=7", "/users/7/orders"),
        ("/one?id=7%3Fall%23x", "/users/7%3Fall%23x/orders"),
        ("/asks?id=a%20b", "/users/a%20b"),
        ("/old/a/b%20c/", "/new/a/b%20c/"),
        ("/was/a/b?id=7", "/is/a/b/7"),
        ("/v1/a/b", "/api/v1/a/b"),
    ],
)
async def test_a_value_is_one_segment_and_a_path_stays_one(asked: str, path: str) -> None:
    async with open_gate(POLICY) as gate:
        assert (await gate.send("GET", asked)).json()["path"] == path


@pytest.mark.parametrize("value", ["7/secret", "..", ".", "7%2F..%2F8", "a%5Cb", "a%0d%0ab"])
@pytest.mark.parametrize("path", ["/one", "/asks", "/was/x"])
async def test_a_value_that_would_be_more_than_a_segment_is_refused(path: str, value: str) -> None:
    async with open_gate(POLICY) as gate:
        answer = await gate.send("GET", f"{path}?id={value}")
        assert answer.status == 400


async def test_a_location_keeps_the_slashes_of_a_path_and_encodes_those_of_a_value() -> None:
    async with open_gate(POLICY) as gate:
        answer = await gate.send("GET", "/away/a/b?id=c/d")
        assert answer.headers.get(b"location") == b"https://b.test/a/b?q=c%2Fd"
