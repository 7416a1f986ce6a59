"""`headgate models`: the models that work by name, with what is known of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai.catalog import INPUTS, Entry, every, find
from headgate_ai.providers import providers

# Fits a page and most terminals.
WIDTH = 100
_WIDEST = 2000
_MILLION = 10**6


@click.command()
@click.argument("names", nargs=-1)
@click.option("--provider", "wanted", multiple=True, help="Only models of this provider.")
@click.option(
    "--kind",
    help="Only models of this kind: chat, embedding, image, speech, transcription, rerank, moderation, realtime.",
)
@click.option(
    "--ready", is_flag=True, help="Only models of providers whose key is in the environment, or who need none."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def models(names: Sequence[str], wanted: Sequence[str], kind: str | None, ready: bool, as_json: bool) -> None:
    """List models with their window, what they read and write, and what they cost for a million tokens.

    A NAME is a part of a model's name; `openai/gpt-4.1` is that model.
    """
    if unknown := [one for one in wanted if one not in providers()]:
        raise click.ClickException(f"there is no provider {unknown[0]}; known are {', '.join(sorted(providers()))}")
    found = [one for one in _chosen(names, wanted) if kind in (None, one.kind) and (not ready or _key(one) != "no")]
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(_shown(one)).decode())
        return
    if not found:
        click.echo("There is no such model. `headgate models` lists all; a policy may name others as well.", err=True)
        return
    _print(_table(found))
    click.echo(
        f"{len(found)} model{'' if len(found) == 1 else 's'}. Prices are dollars for a million tokens.", err=True
    )


def _chosen(names: Sequence[str], wanted: Sequence[str]) -> Iterator[Entry]:
    """What was asked for: whole names as such, and what holds all parts."""
    if len(names) == 1 and (exact := find(names[0])) is not None and (not wanted or exact.provider in wanted):
        known = [one for one in every(wanted) if names[0].lower() in f"{one.provider}/{one.name}".lower()]
        yield from known or [exact]
        return
    for one in every(wanted):
        if all(part.lower() in f"{one.provider}/{one.name}".lower() for part in names):
            yield one


def _print(table: Table) -> None:
    """In a hundred columns where that is enough: a line that the terminal wraps can be read, a name that is cut cannot."""
    console = Console(width=_WIDEST)
    wanted = Measurement.get(console, console.options, table)
    # A terminal has its width; a program that reads lines wants a line a model.
    width = wanted.minimum if sys.stdout.isatty() else wanted.maximum
    Console(width=max(WIDTH, width)).print(table)


def _table(found: Sequence[Entry]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("PROVIDER", no_wrap=True)
    table.add_column("MODEL", no_wrap=True)
    for column in ("WINDOW", "ANSWER"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("READS", min_width=10)
    for column in ("IN", "OUT"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("KEY", no_wrap=True)
    for one in found:
        price = _price(one)
        table.add_row(
            one.provider, one.name, _tokens(one.context), _tokens(one.most_output), _reads(one),
            *(_dollars(price.get(way)) for way in ("input", "output")), _key(one),
        )  # fmt: skip
    return table


def _shown(one: Entry) -> dict[str, Any]:
    shown = {
        "provider": one.provider,
        "model": one.name,
        "kind": one.kind,
        "context": one.context,
        "most_output": one.most_output,
        "inputs": None if one.inputs is None else sorted(one.inputs),
        "outputs": None if one.outputs is None else sorted(one.outputs),
        "abilities": dict(one.abilities) or None,
        "price": {way: float(amount) / 10**9 for way, amount in _price(one).items()} or None,
        "key": _key(one),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _price(one: Entry) -> dict[str, Money]:
    """What a million tokens cost, at the price of a short call."""
    whole = {
        "input": Counted(input_tokens=1000),
        "cached": Counted(input_tokens=1000, cached_tokens=1000),
        "output": Counted(output_tokens=1000),
    }
    costs = {way: one.prices.cost(counted) for way, counted in whole.items()}
    return {way: Money(cost * (_MILLION // 1000)) for way, cost in costs.items() if cost is not None}


def _key(one: Entry) -> str:
    """Whether the usual variable of its provider is set (a policy may name another); `none` where none is needed."""
    env = providers()[one.provider].env
    return "none" if env is None else "yes" if os.environ.get(env) else "no"


def _tokens(count: int | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1_000_000:.3g}M" if count >= 1_000_000 else f"{count / 1000:.3g}k"


def _dollars(amount: Money | None) -> str:
    return "–" if amount is None else f"{int(amount) / 10**9:.4g}"


def _reads(one: Entry) -> str:
    """`text image file`; before it what is no chat."""
    kind = "" if one.kind in (None, "chat") else f"{one.kind}: "
    return kind + ("–" if one.inputs is None else " ".join(name for name in INPUTS if name in one.inputs))
