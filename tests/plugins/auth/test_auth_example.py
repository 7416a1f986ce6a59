from __future__ import annotations

from pathlib import Path

import pytest

from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate_auth import Auth
from headgate_sqlite import Sqlite

PLUGINS = Path(__file__).parents[3] / "plugins"


@pytest.mark.parametrize(("name", "cls"), [("auth", Auth), ("sqlite", Sqlite)])
def test_the_examples_tests_pass(name: str, cls: type) -> None:
    plugins = load_plugins([(name, cls)], discover=False)
    reading = read_policies(PLUGINS / f"headgate_{name}/example.policy", plugins.vocabulary)
    assert [finding.message for finding in reading.checked.findings] == []
    program = compile_policies(reading)
    outcomes = rehearse_in_thread(program, lambda node: opened_by_plugins(Settings(), plugins, node))
    assert {outcome.scenario.test.name: str(outcome.finding) for outcome in outcomes if not outcome.passed} == {}
    assert outcomes
