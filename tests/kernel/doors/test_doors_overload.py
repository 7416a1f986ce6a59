"""An overloaded node, at every door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from doors import OUR_DOORS
from overloading import overload

pytestmark = pytest.mark.parametrize("door", OUR_DOORS, indirect=True)
POLICY = """policy 1
route hello GET, POST /hello { respond 200 text="hello" }
"""


async def test_a_request_that_is_shed_is_told_when_to_come_back(door: Callable[..., Any]) -> None:
    async with door(POLICY) as d:
        assert (await d.send("GET", "/hello")).status == 200
        (lane,) = d.gate.server.connections
        overload(lane)
        for method, body in (("GET", None), ("POST", b"x" * 1000)):
            answer = await d.send(method, "/hello", body=body)
            assert answer.status == 503
            assert answer.headers["retry-after"] in ("1", "2", "3")
            assert "finish" in answer.text
        lane.valve.shut = False
        assert (await d.send("GET", "/hello")).status == 200


async def test_what_was_shed_has_a_row_for_all_of_it(door: Callable[..., Any]) -> None:
    async with door(POLICY) as d:
        assert (await d.send("GET", "/hello")).status == 200
        (lane,) = d.gate.server.connections
        overload(lane)
        told = [await d.send("GET", "/hello") for _ in range(3)]
        assert d.gate.server.overloaded
        lane.valve._tell(trio.current_time())
        row = d.gate.rows[-1]
        assert (row["status"], row["outcome"], row["error"], row["shed"]) == (503, "refused", "overload", 3)
        assert {answer.headers["x-request-id"] for answer in told} == {row["id"]}
        assert len(d.gate.rows) == 2
