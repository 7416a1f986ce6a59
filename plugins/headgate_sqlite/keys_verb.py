"""`headgate keys`: make, list and revoke the keys that `auth.key` knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from headgate.api import Identity, Key, Node, StoreError, Workplace
from headgate_sqlite.verbs import Span, plainly, when

T = TypeVar("T")
# Wider than any key: a line that the terminal wraps can still be read and cut, a cell that is shortened cannot.
WIDEST = 2000


@click.group()
def keys() -> None:
    """Make, list and revoke keys."""


@keys.command()
@click.option("--team", required=True, help="Whose key it is; a team that is new is made.")
@click.option("--name", required=True, help="What it is for, in a few words.")
@click.option("--model", "models", multiple=True, help="A model it may use; `gpt-*` for many. All, if none is given.")
@click.option("--scope", "scopes", multiple=True, help="A scope that policies may ask for.")
@click.option("--application", help="The application that uses it.")
@click.option("--expires", type=Span(), help="How long it is valid: 12h, 30d. For ever, if it is not given.")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of text.")
@click.pass_obj
@plainly
def create(
    place: Workplace, team: str, name: str, models: Sequence[str], scopes: Sequence[str], application: str | None,
    expires: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a key, and show it this once."""

    async def make(node: Node, identity: Identity) -> tuple[Key, str]:
        return await identity.create_key(
            team=team, name=name, models=models or ("*",), scopes=scopes, application=application,
            expires_at=None if expires is None else node.clock.time() + expires,
        )  # fmt: skip

    key, secret = _with_identity(place, make)
    if as_json:
        click.echo(msgspec.json.encode({"key": secret, **_shown(key)}).decode())
        return
    click.echo(secret)
    until = "" if key.expires_at is None else f", until {when(key.expires_at)} UTC"
    click.echo(f"Key {key.id} of {key.team}{until}. It is shown this once and kept nowhere: copy it now.", err=True)


@keys.command("list")
@click.option("--team", help="Only those of one team.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.pass_obj
@plainly
def list_(place: Workplace, team: str | None, as_json: bool) -> None:
    """List keys, without their secrets."""
    # Who only looks makes no folder.
    found = _with_identity(place, lambda node, identity: identity.list_keys(team)) if place.data.is_dir() else []
    if as_json:
        for key in found:
            click.echo(msgspec.json.encode(_shown(key)).decode())
        return
    if not found:
        click.echo("There are no keys. `headgate keys create --team T --name N` makes one.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("ID", "TEAM", "NAME", "MODELS", "SCOPES", "CREATED", "STATE"):
        table.add_column(column, no_wrap=True)
    now = place.run(_now)
    for key in found:
        models, scopes = " ".join(key.models), " ".join(key.scopes)
        table.add_row(key.id, key.team, key.name, models, scopes, when(key.created_at), _state(key, now))
    Console(width=WIDEST).print(table)


@keys.command()
@click.argument("key_id")
@click.pass_obj
@plainly
def revoke(place: Workplace, key_id: str) -> None:
    """Revoke a key for good; every node refuses it within a second."""
    key = _with_identity(place, lambda node, identity: identity.revoke_key(key_id))
    if key is None:
        hint = "; give its id, not the key itself" if key_id.startswith("hg_") else ""
        raise click.ClickException(f"there is no such key{hint}: `headgate keys list` shows the ids")
    click.echo(f"Key {key.id} ({key.name}) of {key.team} is revoked since {when(key.revoked_at)} UTC.", err=True)


def _with_identity(place: Workplace, work: Callable[[Node, Identity], Awaitable[T]]) -> T:
    async def run(node: Node) -> T:
        if node.stores.identity is None:
            raise StoreError("no plugin keeps keys")
        return await work(node, node.stores.identity)

    return place.run(run)


async def _now(node: Node) -> float:
    return node.clock.time()


def _shown(key: Key) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(key)
    return {name: value for name, value in shown.items() if value is not None}


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return f"revoked {when(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.expires_at <= now else 'valid until'} {when(key.expires_at)}"
