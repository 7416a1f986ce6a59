"""`headgate help E501`: what a finding means."""

from __future__ import annotations

import click

from headgate.cli.errors import fail
from headgate.language.codes import CODES
from headgate.language.suggest import suggest


@click.command("help")
@click.argument("code", required=False)
@click.pass_context
def help_code(ctx: click.Context, code: str | None) -> None:
    """Explain a finding by its CODE, or list every code."""
    if code is None:
        for name, entry in sorted(CODES.items()):
            click.echo(f"{name}  {entry.title}")
        return
    if code.upper() not in CODES:
        guess = suggest(code.upper(), list(CODES))
        fail(f"there is no finding {code}{f'; did you mean {guess}?' if guess else ''}", 1)
        return
    entry = CODES[code.upper()]
    click.secho(f"{code.upper()}: {entry.title}", bold=True)
    click.echo(f"\n{entry.explanation}")
    for title, example in entry.examples:
        click.echo(f"\n{title}:\n")
        click.echo("\n".join(f"    {line}" for line in example.split("\n")))
