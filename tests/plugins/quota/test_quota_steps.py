"""`limit.rate` and `limit.concurrent` in policies: rehearsed, and over a real socket."""

from __future__ import annotations

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from headgate.api import Duration, Exchange, Limit, PluginFault, Rate, Site, StoreError, hookimpl, step
from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate.testing import open_gate
from headgate_ai import Ai
from headgate_auth import Auth
from headgate_openai import OpenAi
from headgate_quota import Quota
from headgate_quota.concurrent import concurrent
from headgate_quota.gates import Gate
from headgate_quota.quotas import STATE
from headgate_quota.rate import Meter
from headgate_quota.values import stored
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_quota/example.policy"


@step("sleep", effect="time")
async def sleep(ctx: Exchange, seconds: Duration, /) -> None:
    """Take a while."""
    await trio.sleep(seconds)


class Slow:
    @hookimpl
    def register_steps(self):
        return [sleep]


PLUGINS = [("quota", Quota), ("routing", Routing), ("slow", Slow)]


def gate(text: str):
    return open_gate("policy 1\n" + text, plugins=PLUGINS, discover=False)


def test_the_example_passes_its_own_tests():
    plugins = load_plugins([*PLUGINS, ("auth", Auth), ("ai", Ai), ("openai", OpenAi)], discover=False)
    program = compile_policies(read_policies(EXAMPLE, plugins.vocabulary))
    outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
    assert [str(one.finding.message) for one in outcomes if one.finding] == []
    assert len(outcomes) == 5


async def test_who_comes_too_often_is_told_when_to_come_again():
    async with gate("route r GET / public { limit.rate 2/min\n respond 204 }") as g:
        assert [(await g.send("GET", "/")).status for _ in range(3)] == [204, 204, 429]
        got = await g.send("GET", "/")
        assert 58 <= int(got.headers.get(b"retry-after") or 0) <= 61
        assert got.headers.get(b"ratelimit-policy") == b'"r";q=2;w=60'
        assert (got.headers.get(b"ratelimit") or b"").startswith(b'"r";r=0;t=')
        assert (await g.row(3))["error"] == "limit.exceeded"


async def test_a_name_is_shared_and_values_are_apart():
    text = """
route one GET /one public { limit.rate 2/min name="both" by=request.header["x-who"]
 respond 204 }
route two GET /two public { limit.rate 2/min name="both" by=request.header["x-who"]
 respond 204 }
"""
    async with gate(text) as g:
        for path, who, status in [
            ("/one", "a", 204), ("/two", "a", 204), ("/one", "a", 429), ("/two", "a", 429), ("/one", "b", 204),
        ]:  # fmt: skip
            assert (await g.send("GET", path, headers={"x-who": who})).status == status
        assert [(await g.send("GET", "/one")).status for _ in range(3)] == [204, 204, 429], "absent is one value"


async def test_a_rate_may_be_worked_out_and_a_value_may_be_any_json():
    text = """
route r GET / public {
    let many = request.header["x-plan"] ?? "small"
    if many == "big" { limit.rate 3/min by=[1, many] } else { limit.rate 1/min by=[1, many] }
    respond 204
}
"""
    async with gate(text) as g:
        assert [(await g.send("GET", "/")).status for _ in range(2)] == [204, 429]
        big = [(await g.send("GET", "/", headers={"x-plan": "big"})).status for _ in range(4)]
        assert big == [204, 204, 204, 429]


class Broken:
    async def take(self, *_):
        raise StoreError("the disk is full")

    give_back = take


async def test_a_store_that_fails_lets_nobody_pass_unless_that_is_said():
    text = """
route closed GET /closed public { limit.rate 2/min
 respond 204 }
route open GET /open public { limit.rate 2/min fail=open
 respond 204 }
"""
    async with gate(text) as g:
        g.node.stores.leases = Broken()
        assert (await g.send("GET", "/closed")).status == 503
        assert (await g.send("GET", "/open")).status == 204
        assert (await g.row(1))["uncounted"] == "open/limit.rate"


async def test_a_limit_of_nothing_is_refused_when_it_loads():
    with pytest.raises(PolicyError) as refused:
        async with gate("route r GET / public { limit.rate 0/min\n respond 204 }"):
            pass
    assert "lets nobody in" in refused.value.diagnostics[0].message


async def test_a_node_whose_policies_cannot_be_built_says_so_and_nothing_else():
    with pytest.raises(PolicyError):
        async with gate('upstream u { url = "ftp://x" }\nroute r GET / public { forward u }'):
            pass


async def test_so_many_at_a_time_and_the_place_is_free_when_the_answer_is_out():
    text = "route r GET / public { limit.concurrent 2\n sleep 100ms\n respond 204 }"
    async with gate(text) as g:
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await g.send("GET", "/")).status)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(one)
        assert sorted(statuses) == [204, 204, 429, 429]
        assert (await g.send("GET", "/")).status == 204
        assert g.node.state["quota"].gates == {}


async def test_who_may_wait_stands_in_line_and_a_shadow_never_holds_anybody():
    text = """
route r GET / public { limit.concurrent 1 wait=2s
 sleep 30ms
 respond 204 }
route s GET /shadow public { shadow limit.concurrent 1
 sleep 30ms
 respond 204 }
"""
    async with gate(text) as g:
        statuses: list[int] = []

        async def one(path: str) -> None:
            statuses.append((await g.send("GET", path)).status)

        async with trio.open_nursery() as nursery:
            for path in ("/", "/", "/", "/shadow", "/shadow"):
                nursery.start_soon(one, path)
        assert statuses == [204] * 5
        verdicts = [row["shadows"][0][1] for row in g.rows if row["route"] == "s"]
        assert sorted(verdicts) == ["limit.exceeded", "pass"]
        assert g.node.state["quota"].gates == {}


async def test_a_line_is_first_come_first_served_and_whoever_leaves_costs_no_place(autojump_clock):
    gate = Gate()
    served: list[str] = []
    assert gate.enter(1)

    async def stand(name: str, patience_s: float) -> None:
        if await gate.wait(patience_s):
            served.append(name)

    async with trio.open_nursery() as nursery:
        for name, patience_s in (("a", 9.0), ("b", 1.0), ("c", 9.0)):
            nursery.start_soon(stand, name, patience_s)
            await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as gone:
            async with trio.open_nursery() as inner:
                inner.start_soon(stand, "d", 9.0)
                await trio.testing.wait_all_tasks_blocked()
                gone.cancel()
        assert not gate.enter(1), "nobody passes the line"
        await trio.sleep(2)
        assert repr(gate) == "<Gate 1 active, 2 waiting>"
        gate.leave()
        await trio.testing.wait_all_tasks_blocked()
        gate.leave()
    gate.leave()
    assert served == ["a", "c"]
    assert repr(gate) == "<Gate 0 active, 0 waiting>"


def test_a_shadow_counts_in_buckets_of_its_own_and_long_values_are_hashed():
    plain = Meter(Site("r", "limit.rate", 0, "f", 1), "n", 0, fail_open=False, headers=False).set(Rate(5, 60.0))
    shadow = Meter(Site("r", "limit.rate", 0, "f", 1, shadow=True), "n", 0, fail_open=False, headers=False)
    assert plain.stored == "name:n/60s"
    assert shadow.set(Rate(5, 60.0)).stored == "name:n/shadow/60s"
    assert stored(plain.stored, {"b": 1, "a": [2]}) == 'name:n/60s|{"a":[2],"b":1}'
    assert stored(plain.stored, "x" * 500).startswith("name:n/60s|#")
    assert stored(plain.stored, "1") != stored(plain.stored, 1)


async def test_a_node_without_a_store_for_leases_says_what_is_missing():
    async with gate("route r GET / public { limit.rate 2/min\n respond 204 }") as g:
        g.node.stores.leases = None
        quotas = g.node.state["quota"]
        with pytest.raises(PluginFault, match="keeps leases"):
            await quotas.take(quotas.bucket(("x", None), "x", Limit(Rate(5, 60.0))))


async def test_who_gives_up_at_the_moment_of_being_called_leaves_no_gate_behind() -> None:
    gates: dict[object, Gate] = {}
    closes: list[Any] = []
    ctx: Any = SimpleNamespace(
        node=SimpleNamespace(state={STATE: SimpleNamespace(gates=gates, places=None)}), on_close=closes.append
    )
    site: Any = Site("r", "limit.concurrent", 0, "a.policy", 1)
    await concurrent(ctx, 1, site=site, by="ana")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(concurrent, ctx, 1, site=site, by="ana", wait=60.0))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        closes[0](ctx)
    assert gates == {}


async def test_a_value_that_is_long_is_not_kept() -> None:
    text = """policy 1
route r GET /r public {
    limit.rate 2/min by=request.header["x"]
    respond 200
}
"""
    async with open_gate(text) as gate:
        statuses = [(await gate.send("GET", "/r", headers={"x": "a" * 5000})).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await gate.send("GET", "/r", headers={"x": "a" * 4999})).status == 200
        [*names] = gate.node.state[STATE].buckets
        assert len(names) == 2
        assert all(len(value) < 100 for _, value in names)
