"""`headgate check`: every finding, and whether the policies may serve."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from headgate.cli.errors import report_broken, show_findings
from headgate.cli.group import Work
from headgate.host.policies import Reading, read_policies
from headgate.language.render import to_json


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
@click.pass_obj
def check(work: Work, policies: Path | None, as_json: bool) -> None:
    """Check POLICIES, a file or a folder, and print every finding. Exit status 1 where they may not serve."""
    reading = read_policies(policies or Path(work.settings.policies), work.plugins.vocabulary)
    report_broken(work.plugins.broken)
    if as_json:
        click.echo(to_json(reading.checked.findings))
    else:
        show_findings(reading.checked.findings, reading.sources, err=False)
    if reading.checked.errors:
        sys.exit(1)
    if not as_json:
        click.echo(f"{_of(reading)}: no errors")


def _of(reading: Reading) -> str:
    files = len(reading.sources)
    return f"{reading.root} ({files} file{'' if files == 1 else 's'})"
