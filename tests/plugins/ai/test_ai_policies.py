"""The plugin through policies as they are served."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.language.render import render
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate_ai import Ai

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_ai/example.policy"


def rehearsed(path: Path) -> list[str]:
    """What is wrong with a policy: findings, and the tests that fail."""
    plugins = load_plugins([("ai", Ai)], discover=False)
    assert not plugins.broken
    reading = read_policies(path, plugins.vocabulary)
    if reading.checked.findings:
        return [render(reading.checked.findings, reading.sources)]
    outcomes = rehearse_in_thread(compile_policies(reading), lambda node: [])
    assert outcomes
    return [render([outcome.finding], reading.sources) for outcome in outcomes if outcome.finding]


def test_the_example_holds() -> None:
    assert rehearsed(EXAMPLE) == []
