"""`headgate test`: the tests that stand in the policies."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import click

from headgate.cli.errors import report_broken, show_findings
from headgate.cli.group import Work
from headgate.host.policies import compile_policies, read_policies
from headgate.pipeline.rehearsal import Outcome, rehearse_in_thread
from headgate.serve import opened_by_plugins


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("-k", "match", help="Only tests whose name holds this.")
@click.pass_obj
def test(work: Work, policies: Path | None, match: str | None) -> None:
    """Run the tests of POLICIES, a file or a folder, on the compiled program, with fakes and a clock that jumps."""
    settings, plugins = work.settings, work.plugins
    reading = read_policies(policies or Path(settings.policies), plugins.vocabulary)
    report_broken(plugins.broken)
    if reading.checked.errors:
        show_findings(reading.checked.findings, reading.sources)
        sys.exit(1)
    program = compile_policies(reading)
    chosen = [scenario for scenario in program.scenarios if match is None or match in scenario.test.name]
    opened = functools.partial(opened_by_plugins, settings, plugins)
    outcomes = rehearse_in_thread(program, opened, chosen)
    for outcome in outcomes:
        _line(outcome)
    failed = [outcome.finding for outcome in outcomes if outcome.finding is not None]
    if failed:
        click.echo("")
        show_findings(failed, reading.sources, err=False)
    click.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


test.__test__ = False  # type: ignore[attr-defined]  # not a pytest function


def _line(outcome: Outcome) -> None:
    mark = click.style("ok  ", fg="green") if outcome.passed else click.style("FAIL", fg="red", bold=True)
    scenario = outcome.scenario
    click.echo(f"{mark} {scenario.module.name}: {scenario.test.name}  ({outcome.duration_s * 1000:.0f} ms)")
