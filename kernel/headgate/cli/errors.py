"""Errors as a person at a terminal sees them: what is wrong and what to do, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from headgate.cli.words import counted
from headgate.errors import HeadgateError, PluginFault, PolicyError, SettingsError, StoreError

if TYPE_CHECKING:
    from headgate.host.plugins import Broken
    from headgate.language.diagnostics import Diagnostic
    from headgate.language.source import Source

# An error of the settings with the place of the one that is to blame.
Placed = Callable[[SettingsError], str]


@contextmanager
def shown_errors(placed: Placed) -> Iterator[None]:
    """Turn errors that a person can mend into a sentence and exit status 1 (2 for settings)."""
    try:
        with alone():
            yield
    except SettingsError as error:
        fail(placed(error), 2)
    except (StoreError, PluginFault) as error:
        fail(str(error), 1)
    except PolicyError as error:
        show_findings(error.diagnostics, error.sources)
        sys.exit(1)


@contextmanager
def alone() -> Iterator[None]:
    """An error of ours as it was raised, without the groups that nurseries put around it."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if isinstance(error, HeadgateError | KeyboardInterrupt):
            raise error from None
        raise


def fail(message: str, status: int) -> NoReturn:
    """Say what is wrong, and end with this status."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    sys.exit(status)


def show_findings(findings: Sequence[Diagnostic], sources: Mapping[str, Source], *, err: bool = True) -> None:
    """Findings in full, and a line that counts them."""
    colour = (sys.stderr if err else sys.stdout).isatty()
    if findings:
        click.echo(findings_text(findings, sources, colour), err=err)


def findings_text(findings: Sequence[Diagnostic], sources: Mapping[str, Source], colour: bool) -> str:
    """Findings in full, and a line that counts them."""
    from headgate.language.render import render  # most verbs show none

    errors = sum(finding.severity == "error" for finding in findings)
    counts = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    return f"{render(list(findings), sources, color=colour)}\n{counts}"


def error_text(placed: Placed, error: HeadgateError, colour: bool) -> str:
    """An error as `shown_errors` shows it."""
    if isinstance(error, PolicyError):
        return findings_text(error.diagnostics, error.sources, colour)
    said = placed(error) if isinstance(error, SettingsError) else str(error)
    return f"{click.style('error: ', fg='red', bold=True) if colour else 'error: '}{said}"


def report_broken(plugins: Iterable[Broken]) -> None:
    """Name the plugins that were set aside."""
    for broken in plugins:
        report_set_aside(broken.name, broken.error)


def report_set_aside(name: str, why: str) -> None:
    """Name a plugin that was set aside."""
    click.secho("warning: ", fg="yellow", bold=True, nl=False, err=True)
    click.echo(f"the plugin `{name}` did not load: {why}", err=True)
