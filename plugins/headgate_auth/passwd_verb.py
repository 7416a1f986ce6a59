"""`headgate passwd`: a hash line for `auth.basic`."""

from __future__ import annotations

import sys

import click

from headgate_auth.passwords import make_hash


@click.command()
@click.argument("name", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from standard input, without asking.")
def passwd(name: str | None, from_stdin: bool) -> None:
    """Hash a password. With NAME, print a line for the file of `auth.basic file=`; without, the hash alone."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    try:
        line = make_hash(password)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if name is not None and (":" in name or not name.isprintable() or not name):
        raise click.ClickException("a name has 1 or more printable characters, and no colon")
    click.echo(line if name is None else f"{name}:{line}")
