"""`read.json`, over a real socket and in the example."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate.testing import open_gate
from headgate_json import Json
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_json/example.policy"
PLUGINS = [("json", Json), ("routing", Routing)]
POLICY = """policy 1
type Item { name: text(1..10), count: int(0..9), kind: "a" | "b", price: number(0..1)?, at: ip?, of: map[int]? }
type Order { id: int, items: list[Item], note: json?, paid: bool }
route order POST /orders public {
    read.json Order max=2KB as order
    respond 200 json=order
}
route any POST /any public {
    read.json as j
    respond 200 json={got: j}
}
"""
GOOD = {"name": "x", "count": 1, "kind": "a"}


def test_the_example_passes_its_own_tests():
    plugins = load_plugins(PLUGINS, discover=False)
    program = compile_policies(read_policies(EXAMPLE, plugins.vocabulary))
    outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
    assert [str(one.finding.message) for one in outcomes if one.finding] == []
    assert len(outcomes) == 5


async def test_a_body_that_fits_is_bound_without_what_is_absent():
    async with open_gate(POLICY, plugins=PLUGINS, discover=False) as gate:
        sent = {
            "id": 1,
            "paid": True,
            "items": [{**GOOD, "price": None, "at": "::1", "of": {"k": 2}}],
            "note": {"a": [None]},
        }
        answer = await gate.send("POST", "/orders", json_body=sent)
        assert (answer.status, answer.json()) == (
            200, {"id": 1, "paid": True, "items": [{**GOOD, "at": "::1", "of": {"k": 2}}], "note": {"a": [None]}},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("[]", {"#": "must be an object, not a list"}),
        ("{}", {"#/id": "is missing", "#/items": "is missing", "#/paid": "is missing"}),
        ('{"id": "1", "items": {}, "paid": 1}', {
            "#/id": "must be a whole number, not text", "#/items": "must be a list, not an object",
            "#/paid": "must be true or false, not a number",
        }),
        ('{"id": true, "items": [], "paid": null}', {
            "#/id": "must be a whole number, not true", "#/paid": "must not be null",
        }),
        ('{"id": 1.0, "items": [], "paid": true, "x/y~": 1}', {
            "#/id": "must be a whole number, not a number", "#/x~1y~0": "is no field of Order",
        }),
        ('{"id": 1, "paid": true, "items": [{"name": "", "count": 10, "kind": "c", "price": 1.5, "at": "a", "of": {"k": "v"}}]}', {
            "#/items/0/name": "must have at least 1 character", "#/items/0/count": "must be at most 9",
            "#/items/0/kind": "must be one of: a, b", "#/items/0/price": "must be at most 1",
            "#/items/0/at": "must be an IP address", "#/items/0/of/k": "must be a whole number, not text",
        }),
        ('{"id": 1, "id": 2}', {"#/id": "The key `id` is given twice; give it once."}),
        ("{", {"#": "The body is not valid JSON: Expecting property name enclosed in double quotes (line 1, column 2)."}),
    ],
)  # fmt: skip
async def test_every_fault_is_named_with_its_place(body: str, faults: dict[str, str]):
    async with open_gate(POLICY, plugins=PLUGINS, discover=False) as gate:
        answer = await gate.send("POST", "/orders", body=body.encode())
        assert answer.status == 400
        assert answer.headers.get(b"content-type") == b"application/problem+json"
        assert {error["pointer"]: error["detail"] for error in answer.json()["errors"]} == faults


async def test_a_body_that_is_too_large_or_encoded_is_refused():
    async with open_gate(POLICY, plugins=PLUGINS, discover=False) as gate:
        assert (await gate.send("POST", "/orders", body=b" " * 2049)).status == 413
        assert (await gate.send("POST", "/orders", body=b"{}", headers={"content-encoding": "gzip"})).status == 415


@pytest.mark.parametrize("depth", [900, 2_000, 200_000])
async def test_a_body_that_is_nested_too_deeply_is_refused_or_goes_on(depth: int):
    async with open_gate(
        POLICY.replace("200 json={got: j}", "200").replace("as j", "max=1MB as j"), plugins=PLUGINS, discover=False
    ) as gate:
        assert (await gate.send("POST", "/any", body=b"[" * depth + b"]" * depth)).status in (200, 400)


async def test_without_a_type_any_json_will_do():
    async with open_gate(POLICY, plugins=PLUGINS, discover=False) as gate:
        assert (await gate.send("POST", "/any", body=b"[1, null]")).json() == {"got": [1, None]}


async def test_a_large_body_is_read_beside_the_others():
    async with open_gate(POLICY.replace("as j", "max=1MB as j"), plugins=PLUGINS, discover=False) as gate:
        large = b"[" + b"1," * 200_000 + b"1]"
        assert len((await gate.send("POST", "/any", body=large)).json()["got"]) == 200_001
        assert (await gate.send("POST", "/any", body=large[:-1])).status == 400
