"""`headgate check`: every finding, and whether the policies may serve."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from headgate.cli.errors import report_broken, show_findings
from headgate.cli.group import Work
from headgate.cli.words import counted
from headgate.host.facts import facts_of
from headgate.host.policies import Reading, compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Program
from headgate.language.render import to_json
from headgate.pipeline.doubts import doubts_about
from headgate.pipeline.rehearsal import build_findings


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
@click.pass_obj
def check(work: Work, policies: Path | None, as_json: bool) -> None:
    """Check POLICIES, a file or a folder, and print every finding. Exit status 1 where there is an error.

    The tests in the files are run by `headgate test`, and before every start and reload.
    """
    settings = work.settings
    reading = read_policies(policies or Path(settings.policies), work.plugins.vocabulary)
    report_broken(work.plugins.broken)
    findings = reading.checked.findings
    if not reading.checked.errors:
        program = compile_policies(reading)
        findings = [*findings, *build_findings(program), *(doubts_on(settings, program) if work.is_configured else ())]
    if as_json:
        click.echo(to_json(findings))
    else:
        show_findings(findings, reading.sources, err=False)
    if any(finding.severity == "error" for finding in findings):
        sys.exit(1)
    if not as_json:
        click.echo(f"{_of(reading)}: no errors")


def doubts_on(settings: Settings, program: Program) -> list[Diagnostic]:
    """What would not work on a node with these settings."""
    return doubts_about(program, facts_of(settings, serves=False))


def _of(reading: Reading) -> str:
    return f"{reading.root} ({counted(len(reading.sources), 'file')})"
