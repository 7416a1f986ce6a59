"""`budget` in policies: rehearsed, and over a real socket."""

from __future__ import annotations

import functools
import logging
from types import SimpleNamespace
from typing import Any

import trio
import trio.testing
from tests.plugins.quota.conftest import Spender

from headgate.api import Bound, Money, Node, Site, StoreError, Stores, Usage, reserve_all
from headgate.host.plugins import load_plugins
from headgate.host.settings import Settings
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate.testing import MemoryLedger, open_gate
from headgate_quota import Quota
from headgate_quota.accounts import STATE, Accounts
from headgate_quota.budget import BudgetMeter, Line
from headgate_routing import Routing

PLUGINS = [("quota", Quota), ("routing", Routing), ("spender", Spender)]


def gate(text: str):
    return open_gate("policy 1\n" + text, plugins=PLUGINS, discover=False)


def findings_of_tests(text: str) -> list[str]:
    """What the tests in a policy complain of."""
    plugins = load_plugins(PLUGINS, discover=False)
    loaded = load(["t.policy"], {"t.policy": "policy 1\n" + text}.get)
    checked = check(loaded, plugins.vocabulary)
    assert not checked.errors, [error.message for error in checked.errors]
    outcomes = rehearse_in_thread(compile_program(checked), functools.partial(opened_by_plugins, Settings(), plugins))
    assert outcomes
    return [f"{one.finding.message} {one.finding.label} {one.finding.notes}" for one in outcomes if one.finding]


def books(g: Any) -> dict[str, tuple[int, int, int, int]]:
    """Of every account in cents: settled, leased, presumed, overrun."""
    ledger = g.node.stores.ledger
    assert isinstance(ledger, MemoryLedger)
    return {
        account.name: tuple(
            amount // 10_000_000 for amount in (book.settled, book.leased - book.presumed, book.presumed, book.overrun)
        )
        for account, book in ledger._books.values()
    }


TEAM = """
route r GET /r public {
    budget $1 per=month by=request.header["x-team"] {
        spend $0.10 bound=$0.40
    }
    respond 200
    on budget.exhausted { respond 402 text="spent {err.spent} of {err.limit}" }
}
"""


def test_a_budget_is_spent_to_the_last_bound_that_fits_and_begins_anew_with_the_period() -> None:
    text = (
        TEAM
        + """
test "seven calls of a tenth fit, for an eighth the bound does not" {
    repeat 7 { send GET /r header={"x-team": "a"} }
    expect status == 200
    expect spent("a") == $0.70
    send GET /r header={"x-team": "a"}
    expect status == 402
    expect response.text == "spent $0.70 of $1.00"
    send GET /r header={"x-team": "b"}
    expect status == 200
    expect spent("b") == $0.10
    after 31d
    send GET /r header={"x-team": "a"}
    expect status == 200
    expect spent("a") == $0.10
}
"""
    )
    assert findings_of_tests(text) == []


async def test_calls_at_the_same_time_do_not_pass_the_limit() -> None:
    text = """
route r GET /r public {
    budget $1 per=day { spend $0.25 bound=$0.25 wait=50ms }
    respond 200
}
"""
    async with gate(text) as g:
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await g.send("GET", "/r")).status)

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(one)
        assert sorted(statuses) == [200] * 4 + [402] * 6
        assert sum(sum(row[0][2] for row in [one["spent"]]) for one in g.rows if "spent" in one) == 1_000_000_000
        row = next(row for row in g.rows if "error" in row)
        assert row["error"] == "budget.exhausted"


async def test_what_costs_more_is_booked_in_full_and_the_model_is_kept_out_until_a_person_says_so(caplog) -> None:
    text = """
route r GET /r/{model} public {
    budget $10 per=month name="house" { spend $3 bound=$1 what=request.params.model }
    respond 200
}
"""
    async with gate(text) as g:
        with caplog.at_level(logging.WARNING, "headgate.quota"):
            assert (await g.send("GET", "/r/greedy")).status == 200
        assert "greedy billed $3.00 where its bound was $1.00" in caplog.text
        got = await g.send("GET", "/r/greedy")
        assert got.status == 400
        assert "greedy is kept from budgets: it billed $3.00" in got.json()["detail"]
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert books(g)["name:house/month|null"][3] == 200
        assert (await g.send("GET", "/r/other")).status == 200
        assert await g.node.stores.ledger.trust("greedy")
        assert (await g.send("GET", "/r/greedy")).status == 200


async def test_what_has_no_bound_is_refused_unless_the_policy_assumes_one() -> None:
    text = """
route hard GET /hard public { budget $1 per=total { spend $0.10 } respond 200 }
route soft GET /soft public { budget $1 per=total assume=$0.50 cap=100 { spend $0.60 } as caps respond 200 json=caps }
""".replace(" } respond", " }\n respond").replace(" as caps", " as caps\n ")
    async with gate(text) as g:
        refused = await g.send("GET", "/hard")
        assert (refused.status, "a file has no known size" in refused.text) == (400, True)
        got = await g.send("GET", "/soft")
        assert (got.status, got.json()) == (200, [100])
        assert (await g.send("GET", "/soft")).status == 402, "0.40 is left"
        assert await g.node.stores.ledger.list_distrusted() == [], "what was assumed is nobody's word"


async def test_budgets_in_each_other_all_pay_and_all_are_asked() -> None:
    text = """
route r GET /r public {
    budget $1 per=month name="month" {
        budget $0.50 per=day name="day" { spend $0.20 bound=$0.20 }
        spend $0.10 bound=$0.10
    }
    respond 200
}
"""
    async with gate(text) as g:
        statuses = [(await g.send("GET", "/r")).status for _ in range(3)]
        assert statuses == [200, 200, 402]
        assert [one[2] // 10_000_000 for one in g.rows[0]["spent"]] == [20, 20, 10]
        spent = {state.account.label: state.settled + state.leased for state in await g.node.stores.ledger.statements()}
        assert spent["month"] >= 600_000_000
        assert spent["day"] >= 400_000_000


async def test_what_was_not_sent_costs_nothing_and_what_has_no_price_costs_its_bound() -> None:
    text = """
route no GET /no public { budget $1 per=day name="a" { spend $0.9 bound=$0.9 sent=false }
 respond 200 }
route un GET /un public { budget $1 per=day name="b" { spend $0.1 bound=$0.4 priced=false }
 respond 200 }
"""
    async with gate(text) as g:
        assert [(await g.send("GET", "/no")).status for _ in range(4)] == [200] * 4
        assert [(await g.send("GET", "/un")).status for _ in range(3)] == [200, 200, 402]
        row = await g.row(4)
        assert (row["estimated"], row["spent"][0][2]) == (True, 400_000_000)


async def test_the_common_case_asks_no_store(monkeypatch) -> None:
    text = """
route r GET /r public { budget $10000 per=month by=request.header["x"] { spend $0.01 bound=$0.02 }
 respond 200 }
"""
    async with gate(text) as g:
        ledger = g.node.stores.ledger
        for _ in range(20):
            assert (await g.send("GET", "/r", headers={"x": "a"})).status == 200
        before = ledger.draws
        for _ in range(1000):
            assert (await g.send("GET", "/r", headers={"x": "a"})).status == 200
        assert ledger.draws - before <= 10


async def test_what_lies_idle_goes_back_and_nothing_is_left_when_the_node_ends(monkeypatch) -> None:
    monkeypatch.setattr("headgate_quota.accounts.IDLE_S", 0.05)
    monkeypatch.setattr("headgate_quota.accounts.SWEEP_S", 0.02)
    text = """
route r GET /r public { budget $10000 per=month { spend $0.01 bound=$0.02 }
 respond 200 }
"""
    async with gate(text) as g:
        for _ in range(30):
            await g.send("GET", "/r")
        ledger = g.node.stores.ledger
        with trio.fail_after(2):
            while books(g)["r/budget/month|null"][1]:
                await trio.sleep(0.01)
        assert g.node.state[STATE].purses == {}
        await g.send("GET", "/r")
    [state] = await ledger.statements()
    assert (state.settled, state.leased) == (310_000_000, 0)


async def test_a_ledger_that_fails_lets_nothing_pass() -> None:
    class Broken(MemoryLedger):
        async def draw(self, *_: Any) -> Any:
            raise StoreError("the disk is full")

    async with gate(TEAM) as g:
        g.node.stores.ledger = Broken()
        assert (await g.send("GET", "/r")).status == 503
        assert (await g.row(0))["error"] == "budget.unavailable"


async def test_lines_that_run_at_once_pay_from_their_own_budgets() -> None:
    text = """
route r GET /r public {
    parallel {
        budget $1 per=day name="one" { spend $0.10 bound=$0.10 wait=10ms } as a
        budget $1 per=day name="two" { spend $0.20 bound=$0.20 wait=20ms } as b
    }
    respond 200
}
"""
    async with gate(text) as g:
        assert (await g.send("GET", "/r")).status == 200
        spent = sorted((name, amount // 10_000_000) for name, _, amount, _ in (await g.row(0))["spent"])
        assert spent == [("name:one/day|null", 10), ("name:two/day|null", 20)]


async def test_a_call_that_outlasts_its_idle_account_is_settled_and_counted_once(autojump_clock: Any) -> None:
    ledger, limit = MemoryLedger(), Money(1_000_000_000)
    node = Node(TrioClock(), None, None, Stores(ledger=ledger))  # type: ignore[arg-type]
    accounts = node.state[STATE] = Accounts(node)
    ctx: Any = SimpleNamespace(node=node, log=None)
    ctx.whole = ctx
    meter = BudgetMeter(ctx, Line(Site("r", "budget", 0, "f", 1), "day", None), limit, None, None, None)
    bound = Bound("m", None, Money(400_000_000))

    async def call(seconds: float) -> None:
        [hold] = await reserve_all([meter], bound)
        await trio.sleep(seconds)
        hold.settle(Usage(cost=Money(100_000_000)))

    async with trio.open_nursery() as nursery:
        accounts.nursery = nursery
        nursery.start_soon(accounts.tend)
        for seconds in (0.1, 7.0, 30.0):
            await call(seconds)
        await trio.sleep(20)
        assert accounts.purses == {}
        assert accounts._past == []
        assert sorted(one.settled for one in await ledger.statements()) == [100_000_000, 200_000_000]
        assert all(one.leased == 0 for one in await ledger.statements())
        nursery.cancel_scope.cancel()


class TrioClock:
    """Five seconds before midnight, UTC, when the test begins."""

    def __init__(self) -> None:
        self.began = trio.current_time()

    def time(self) -> float:
        return 1_767_225_600.0 - 5.0 + trio.current_time() - self.began

    def monotonic(self) -> float:
        return trio.current_time()
