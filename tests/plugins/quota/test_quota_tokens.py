"""`limit.tokens` in policies, and the arithmetic of reservations."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.quota.test_quota_budget import findings_of_tests, gate
from tests.plugins.quota.test_quota_windows import most_in_a_window

from headgate.api import Limit, Rate, StoreError, Window
from headgate_quota.tokens import STATE, TokenCounts

ROUTE = """
route r GET /r public {{
    limit.tokens {limit} by=request.header["x-team"]
    spend $0 bound=$0 {spend}
    respond 200
    on limit.exceeded {{ respond 429 text="wait {{err.wait}}" }}
}}
"""


def route(limit: str, spend: str) -> str:
    return ROUTE.format(limit=limit, spend=spend)


def test_a_call_reserves_its_bound_and_gives_back_what_it_did_not_use() -> None:
    text = (
        route("200k/min", "tokens=50000 used=10000")
        + """
test "sixteen calls of ten thousand fit while the bound of the next does" {
    repeat 16 { send GET /r header={"x-team": "a"} }
    expect status == 200
    send GET /r header={"x-team": "a"}
    expect status == 429
    expect response.text matches "wait (60|61).*"
    send GET /r header={"x-team": "b"}
    expect status == 200
    after 62s
    send GET /r header={"x-team": "a"}
    expect status == 200
}
"""
    )
    assert findings_of_tests(text) == []


def test_a_bound_above_the_limit_passes_when_the_window_is_empty_and_counts_what_it_used() -> None:
    text = (
        route("10k/min burst=2000", "tokens=50000 used=20000")
        + """
test "one passes, and the next two periods later" {
    send GET /r
    expect status == 200
    send GET /r
    expect status == 429
    after 62s
    send GET /r
    expect status == 200
}
"""
    )
    assert findings_of_tests(text) == []


def test_what_has_no_bound_reserves_what_the_last_calls_used() -> None:
    text = (
        route("10k/min", "used=3000")
        + """
test "a thousand is guessed at first, then more; what was used counts in full" {
    repeat 3 { send GET /r }
    expect status == 200
    send GET /r
    expect status == 429
}
"""
    )
    assert findings_of_tests(text) == []


def test_what_was_not_sent_is_given_back_and_a_shadow_refuses_nobody() -> None:
    text = """
route no GET /no public {
    limit.tokens 1k/min
    spend $0 bound=$0 tokens=900 sent=false
    respond 200
}
route s GET /s public {
    shadow limit.tokens 1k/min
    spend $0 bound=$0 tokens=900 used=900
    respond 200
}
test "again and again" {
    repeat 5 { send GET /no }
    expect status == 200
}
test "only noted" {
    send GET /s
    expect shadowed("limit.tokens") == "pass"
    send GET /s
    expect status == 200
    expect shadowed("limit.tokens") == "limit.exceeded"
}
"""
    assert findings_of_tests(text) == []


async def test_the_next_exchange_of_a_connection_begins_without_meters_and_a_retry_counts_once() -> None:
    text = """
route r GET /r public { retry 1 on=[5xx] { limit.tokens 1k/min
 spend $0 bound=$0 tokens=500 used=500 wait=1ms } as caps
 respond 200 json=caps }
route free GET /free public { spend $0 bound=$0 tokens=5000 as caps
 respond 200 json=caps }
"""
    async with gate(text) as g:
        assert (await g.send("GET", "/r")).json() == [None]
        assert (await g.send("GET", "/free")).json() == []


class Broken:
    async def reserve(self, *_: Any, **__: Any) -> Any:
        raise StoreError("the disk is full")

    give_back = reserve


async def test_a_store_that_fails_lets_nobody_pass_unless_that_is_said() -> None:
    text = """
route closed GET /closed public { limit.tokens 1k/min
 spend $0 bound=$0 tokens=1
 respond 204 }
route open GET /open public { limit.tokens 1k/min fail=open
 spend $0 bound=$0 tokens=1
 respond 204 }
"""
    async with gate(text) as g:
        g.node.stores.leases = Broken()
        assert (await g.send("GET", "/closed")).status == 503
        assert (await g.send("GET", "/open")).status == 204
        assert (await g.row(1))["uncounted"] == "open/limit.tokens"
        assert repr(g.node.state[STATE]) == "<TokenCounts 2 buckets, 0 to book>"


async def test_calls_at_the_same_time_stay_below_the_limit() -> None:
    text = route("1k/min", "tokens=300 used=300 wait=20ms")
    async with gate(text) as g:
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await g.send("GET", "/r")).status)

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(one)
        assert sorted(statuses) == [200] * 3 + [429] * 5


async def test_who_was_refused_is_refused_again_without_asking_the_store() -> None:
    async with gate(route("1k/min", "tokens=800 used=800")) as g:
        counts: TokenCounts = g.node.state[STATE]
        assert [(await g.send("GET", "/r")).status for _ in range(2)] == [200, 429]
        g.node.stores.leases = Broken()
        assert (await g.send("GET", "/r")).status == 429
        assert counts.count("r/limit.tokens/60s|null").refused == 800


Asks = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 700), st.floats(0, 1)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(Asks)
def test_reservations_never_pass_the_limit_and_returns_do_not_either(asks: list[tuple[float, int, float]]) -> None:
    window, now = Window(Limit(Rate(900, 60.0), 100)), 0.0
    passed: list[float] = []
    for pause, units, share in asks:
        now += pause
        lease = window.reserve(now, units)
        assert lease.granted in (0, units)
        if lease.granted:
            used = int(units * share)
            passed += [now] * used
            window.give_back(lease, units - used)
        else:
            for moment, fits in ((lease.wait_s - 0.01, False), (lease.wait_s + 0.01, True)):
                later = Window(window.limit, dict(window.slots))
                assert bool(later.reserve(now + moment, units).granted) is fits
    assert not passed or most_in_a_window(passed, 60.0) <= 1000


@pytest.mark.parametrize("units", [1, 50])
def test_what_was_used_counts_above_the_limit_too(units: int) -> None:
    window = Window(Limit(Rate(10, 60.0)))
    assert window.reserve(0.0, 10).granted == 10
    assert window.reserve(1.0, units, used=True).granted == units
    assert window.reserve(60.9, 1).granted == 0
    assert window.reserve(63.0, 1).granted == 1
