"""A wall clock that jumps, and DNS that fails, hangs or changes its answer, under a real node; `faulty_plugin` makes both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_client import answers, ask, row, rows, until_normal
from fault_stage import Stage
from faulty_plugin import installed, tell
from live_node import LiveNode, live_node

from headgate.testing import reply

DAY = 86_400
POLICY = """policy 1
upstream named {{
    url = "http://up.test:{port}"
    connect_timeout = 500ms
}}
route open GET /open public {{
    respond 200 text="open"
}}
route keyed GET /keyed {{
    auth.key as key
    respond 200 text=key.team
}}
route limited GET /limited public {{
    limit.rate 5/h by=client.ip
    respond 200 text="limited"
}}
route named GET /named public {{
    forward named timeout=1s
}}
"""


class Told:
    """What the node's plugin is told."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, **what: object) -> None:
        tell(self.file, **what)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "told.json")


@pytest.fixture(scope="module")
def node(stage: Stage, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    tmp = tmp_path_factory.mktemp("clock")
    file = tmp / "clock.policy"
    port = int(stage.url("here", reply(200, b"here", times=1)).rpartition(":")[2])
    stage.url("there", reply(200, b"there", times=1), host="127.0.0.2", port=port)
    file.write_text(POLICY.format(port=port), encoding="utf-8")
    env = installed(told.file.parent)
    with live_node(file, tmp, "--workers", "1", env=env) as node:
        yield node
        assert "Traceback" not in node.printed, node.printed


def keyed(node: LiveNode) -> int:
    return ask(node, "/keyed", headers={"authorization": f"Bearer {node.key}"}).status


@pytest.mark.parametrize("off_s", [2 * DAY, -2 * DAY, 3600, -3600])
def test_a_clock_that_jumps_changes_no_answer_and_no_duration(
    node: LiveNode, told: Told, off_s: int, measured: Callable[[float], None]
) -> None:
    assert ask(node, "/open").status == 200
    told(clock_s=off_s)
    got = ask(node, "/open")
    assert keyed(node) == 200
    found = row(node, got)
    assert 0 <= found["duration_s"] < 1
    told()
    measured(until_normal(answers(node, "/open")))


def test_a_clock_that_jumps_opens_no_limit_and_closes_none(node: LiveNode, told: Told) -> None:
    passed = 0
    for off_s in (0, 7200, -7200, 2 * DAY, 0):
        told(clock_s=off_s)
        passed += sum(ask(node, "/limited").status == 200 for _ in range(4))
    assert passed == 5


def test_a_clock_that_jumps_ahead_removes_no_log(node: LiveNode, told: Told, measured: Callable[[float], None]) -> None:
    """A month of logs is kept. A clock that says that the month is over, a moment after it said otherwise, is wrong."""
    told()
    kept = row(node, ask(node, "/open"))
    told(clock_s=60 * DAY)
    row(node, ask(node, "/open"))
    node.wait_for(r"WARNING .*the clock has jumped")
    told()
    measured(until_normal(answers(node, "/open")))
    assert [found["id"] for found in rows(node, "id = ?", kept["id"])] == [kept["id"]]


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve_is_502_and_no_answer_is_remembered(
    node: LiveNode, told: Told, measured: Callable[[float], None]
) -> None:
    told(names="fails")
    got = ask(node, "/named")
    assert (got.status, got.whole) == (502, True)
    found = row(node, got)
    assert found["error"] == "upstream.unreachable"
    assert "up.test does not resolve" in str(found)
    told(names=["127.0.0.1"])
    measured(until_normal(answers(node, "/named")))


def test_a_resolver_that_hangs_costs_the_time_to_connect(
    node: LiveNode, told: Told, measured: Callable[[float], None]
) -> None:
    told(names="hangs")
    got = ask(node, "/named")
    assert (got.status, row(node, got)["error"]) == (504, "upstream.timeout")
    assert 0.4 < got.took_s < 2
    assert ask(node, "/open").took_s < 0.5
    told(names=["127.0.0.1"])
    measured(until_normal(answers(node, "/named")))


def test_a_name_that_has_moved_is_followed_by_the_next_connection(
    node: LiveNode, told: Told, measured: Callable[[float], None]
) -> None:
    told(names=["127.0.0.1"])
    assert ask(node, "/named").body == b"here"
    told(names=["127.0.0.2"])
    measured(until_normal(lambda: ask(node, "/named").body == b"there"))


def test_an_address_that_is_dead_is_passed_over_for_one_that_lives(node: LiveNode, told: Told) -> None:
    told(names=["127.0.0.3", "127.0.0.2"])
    got = ask(node, "/named")
    assert (got.status, got.body) == (200, b"there")
    assert got.took_s < 0.5


def test_a_name_that_has_moved_to_a_forbidden_address_is_refused(node: LiveNode, told: Told) -> None:
    """A cloud's metadata service, say; whoever answers for the name must not choose it."""
    told(names=["169.254.169.254"])
    got = ask(node, "/named")
    assert got.status == 502
    assert row(node, got)["error"] == "upstream.refused"
