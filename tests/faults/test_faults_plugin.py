"""A plugin that raises in every place where it is called, blocks the loop, or leaks, in a real node."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_client import answers, ask, row, until_normal
from faulty_plugin import Faulty, installed
from live_crew import status, until, verb, workers
from live_node import LiveNode, environment, live_node

from headgate.host.plugins import load_plugins

STEPS = (
    """policy 1
upstream echo { url = "echo:" }
route well GET /well public { respond 200 text="well" }
route line GET /line public { faulty.line respond 200 text="no" }
route undeclared GET /undeclared public { faulty.undeclared respond 200 text="no" }
route head GET /head public { faulty.head forward echo }
route filter GET /filter public { faulty.filter forward echo }
route body GET /body public { faulty.body }
route close GET /close public { faulty.close forward echo }
route sink GET /sink public { respond 200 text="well" }
route blocks GET /blocks public { faulty.blocks respond 200 text="no" }
route exits GET /exits public { faulty.exits respond 200 text="no" }
route leaks GET /leaks public { faulty.leaks respond 200 text="kept" }
""".replace(" respond 200", "\n    respond 200")
    .replace(" forward", "\n    forward")
    .replace("{ ", "{\n    ")
)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plugin") / "faults.policy"
    file.write_text(STEPS, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def node(policy: Path) -> Iterator[LiveNode]:
    env = installed(policy.parent / "path", HEADGATE_WORKER_STALL_S="2")
    with live_node(policy, policy.parent, "--workers", "2", env=env) as node:
        until(lambda: len(workers(node)) == 2)
        yield node
        assert node.process.poll() is None, node.printed


@pytest.mark.parametrize("place", ["line", "undeclared", "head"])
def test_a_step_that_raises_before_anything_went_out_is_a_500_with_its_request_s_id(
    node: LiveNode, place: str, measured: Callable[[float], None]
) -> None:
    got = ask(node, f"/{place}")
    assert (got.status, got.whole) == (500, True)
    assert b"on purpose" not in got.body, "a bug's text is nobody's business"
    assert got.id in got.body.decode()
    assert row(node, got)["outcome"] == "failed"
    node.wait_for(rf"ERROR .*request {got.id}: .*")
    measured(until_normal(answers(node, "/well")))


@pytest.mark.parametrize(("place", "why"), [("body", "a body that fails on purpose"), ("filter", "fails on purpose")])
def test_a_plugin_that_raises_in_the_body_cuts_the_answer(
    node: LiveNode, place: str, why: str, measured: Callable[[float], None]
) -> None:
    got = ask(node, f"/{place}")
    assert (got.status, got.whole) == (200, False)
    assert row(node, got)["outcome"] == "cut"
    node.wait_for(rf"request {got.id}: while answering: .*RuntimeError: {why}")
    if place == "body":
        node.wait_for(rf"request {got.id}: at the close: RuntimeError: a close that fails on purpose")
    measured(until_normal(answers(node, "/well")))


@pytest.mark.parametrize("place", ["close", "sink"])
def test_what_raises_behind_the_answer_costs_the_client_nothing_and_the_row_is_there(
    node: LiveNode, place: str, measured: Callable[[float], None]
) -> None:
    got = ask(node, f"/{place}")
    assert (got.status, got.whole) == (200, True)
    assert row(node, got)["status"] == 200
    node.wait_for(rf"ERROR .*request {got.id}: ")
    measured(until_normal(answers(node, "/well")))


def test_a_plugin_that_blocks_the_loop_is_shown_and_its_worker_replaced(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    began, before = time.monotonic(), status(node)["restarts"]
    got = ask(node, "/blocks")
    assert (got.status, got.whole) == (0, False), "its connection ends with its worker"
    node.wait_for(r"has not answered for \d+ s: where it hangs follows")
    node.wait_for(r'(?s)worker \S+ \(pid \d+\), where each of its threads is:\n.*faulty_plugin.py", line \d+ in blocks')
    until(lambda: status(node)["restarts"] == before + 1 and len(workers(node)) == 2)
    measured(time.monotonic() - began)
    assert ask(node, "/well").status == 200


def test_a_plugin_that_ends_the_program_costs_one_worker(node: LiveNode, measured: Callable[[float], None]) -> None:
    before = status(node)["restarts"]
    got = ask(node, "/exits")
    assert (got.status, got.whole) in ((0, False), (500, True))
    began = time.monotonic()
    if got.status == 0:
        until(lambda: status(node)["restarts"] == before + 1)
    until(lambda: len(workers(node)) == 2)
    measured(time.monotonic() - began)
    assert ask(node, "/well").status == 200


def test_what_a_plugin_leaks_is_shown_and_its_worker_can_be_replaced_without_loss(
    node: LiveNode, measured: Callable[[float], None]
) -> None:
    before = {worker["pid"]: worker["memory_bytes"] for worker in workers(node)}
    for _ in range(64):
        assert ask(node, "/leaks").body == b"kept"

    def grown() -> dict[int, int]:
        more = {one["pid"]: one["memory_bytes"] - before[one["pid"]] for one in workers(node)}
        return more if sum(more.values()) > 56 << 20 else {}

    leaky = [pid for pid, more in until(grown).items() if more > 8 << 20]
    assert re.search(r"worker .* memory", verb(node, "status").stdout)
    for pid in leaky:
        os.kill(pid, signal.SIGTERM)
    began = time.monotonic()
    while {worker["pid"] for worker in workers(node)} & set(leaky) or len(workers(node)) < 2:
        assert answers(node, "/well")()
        assert time.monotonic() - began < 20
    measured(time.monotonic() - began)
    assert max(worker["memory_bytes"] for worker in workers(node)) < max(before.values()) + (16 << 20)


WELL = """policy 1
route well GET /well public {
    respond 200 text="well"
}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    file = tmp_path / "plain.policy"
    file.write_text(WELL, encoding="utf-8")
    return file


LOADING = [
    "init", "register_settings", "register_steps", "register_functions", "register_resources", "register_kinds",
    "register_dialects",
]  # fmt: skip


@pytest.mark.parametrize("hook", LOADING)
def test_a_plugin_that_fails_to_load_is_named_and_set_aside(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTY_HOOK", hook)
    plugins = load_plugins([("faulty", Faulty)], discover=False)
    assert [(one.name, one.error) for one in plugins.broken] == [("faulty", f"RuntimeError: {hook} fails on purpose")]
    assert not plugins.loaded
    assert not plugins.settings_shapes()


def test_a_plugin_that_cannot_be_imported_is_named_by_every_verb(plain: Path, tmp_path: Path) -> None:
    done = headgate("check", plain, tmp_path, "import")
    assert done.returncode == 0, done.stderr
    assert "the plugin `faulty` did not load: RuntimeError: import fails on purpose" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_node_serves_without_a_plugin_that_does_not_load(plain: Path, tmp_path: Path) -> None:
    env = installed(tmp_path / "path", FAULTY_HOOK="register_settings")
    with live_node(plain, tmp_path, "--workers", "1", env=env) as node:
        assert ask(node, "/well").status == 200


@pytest.mark.parametrize(
    ("hook", "workers"), [("register_stores", "1"), ("open_resources", "0"), ("register_sinks", "1")]
)
def test_a_plugin_that_cannot_be_opened_keeps_the_node_from_serving_and_is_named(
    hook: str, workers: str, plain: Path, tmp_path: Path
) -> None:
    """To go on without it could mean to go on without what it was to check or to keep."""
    done = headgate("serve", plain, tmp_path, hook, "--bind", "127.0.0.1:0", "--workers", workers)
    assert done.returncode == 1
    said = f"the plugin `faulty` failed in `{hook}`: RuntimeError: {hook} fails on purpose"
    assert done.stderr.rstrip().endswith(f"error: {said}")


def test_a_plugin_that_cannot_be_closed_keeps_no_other_from_closing(plain: Path, tmp_path: Path) -> None:
    with live_node(plain, tmp_path, "--workers", "1", env=installed(tmp_path / "path", FAULTY_HOOK="closing")) as node:
        got = ask(node, "/well")
        node.stop()
        assert row(node, got)["status"] == 200
        assert "closing fails on purpose" in node.printed


def headgate(verb: str, policy: Path, tmp: Path, hook: str, *args: str) -> subprocess.CompletedProcess[str]:
    env = environment(**installed(tmp / "path", FAULTY_HOOK=hook))
    command = [sys.executable, "-m", "headgate", verb, str(policy), "--data", str(tmp / "data"), *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
