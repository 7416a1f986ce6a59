"""`headgate fmt`: the one way that policies are laid out."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from headgate.cli.errors import fail, show_findings
from headgate.cli.group import Work
from headgate.cli.words import counted
from headgate.host.policies import policy_files
from headgate.language.format import format_source
from headgate.language.parse import parse
from headgate.language.source import Source


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 where something would change.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
@click.pass_obj
def fmt(work: Work, policies: Path | None, only_check: bool, diff: bool) -> None:
    """Lay out POLICIES, a file or a folder, in place."""
    root = policies or Path(work.kernel_settings.policies)
    base = root.parent if root.is_file() else root
    changed = 0
    for name in policy_files(root):
        file = base / name
        try:
            source = Source(str(file), file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} cannot be read as UTF-8: {error}", 1)
        findings = parse(source)[1]
        if findings:
            show_findings(findings, {source.name: source})
            sys.exit(1)
        text = format_source(source)
        if text != source.text:
            changed += 1
            _apply(file, source.text, text, write=not (only_check or diff), show=diff)
    click.echo(f"{counted(changed, 'file')} {'would change' if only_check or diff else 'changed'}")
    if only_check and changed:
        sys.exit(1)


def _apply(file: Path, old: str, new: str, *, write: bool, show: bool) -> None:
    if write:
        file.write_text(new, encoding="utf-8")
    if show:
        lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(file), str(file))
        click.echo("".join(lines), nl=False)
    else:
        click.echo(str(file))
