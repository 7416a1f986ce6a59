"""`headgate budgets`: what budgets have spent, and which models are kept from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from headgate.api import Distrust, Ledger, Node, Statement, StoreError, Workplace, period
from headgate_sqlite.verbs import plainly, when

T = TypeVar("T")
WIDEST: Final = 2000


@click.group(invoke_without_command=True)
@click.pass_context
def budgets(context: click.Context) -> None:
    """What budgets have spent, and which models are kept from them. Without a command, it is `list`."""
    if context.invoked_subcommand is None:
        context.invoke(list_, past=False, as_json=False)


@budgets.command("list")
@click.option("--all", "past", is_flag=True, help="Also the accounts of periods that are over.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line; money in 10⁻⁹ of the currency.")
@click.pass_obj
@plainly
def list_(place: Workplace, past: bool, as_json: bool) -> None:
    """List accounts: what is settled, what living workers hold, what dead ones may have spent."""

    async def read(node: Node, ledger: Ledger) -> tuple[list[Statement], float]:
        return await ledger.statements(), node.clock.time()

    found, now = _with_ledger(place, read)
    shown = [one for one in found if past or one.account.start == period(one.account.per, now)[0]]
    if as_json:
        for one in shown:
            click.echo(msgspec.json.encode(_fields(one)).decode())
        return
    if not shown:
        click.echo("No account was opened yet: a `budget` block of a policy opens one with its first call.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("ACCOUNT", "PERIOD", "LIMIT", "SETTLED", "LEASED", "PRESUMED", "OVERRUN"):
        table.add_column(column, no_wrap=True, justify="left" if column in ("ACCOUNT", "PERIOD") else "right")
    for one in shown:
        amounts = (one.account.limit, one.settled, one.leased, one.presumed, one.overrun)
        table.add_row(one.account.label, _period(one), *(str(amount) for amount in amounts))
    Console(width=WIDEST).print(table)


@budgets.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line; money in 10⁻⁹ of the currency.")
@click.pass_obj
@plainly
def models(place: Workplace, as_json: bool) -> None:
    """List the models that billed more than their bound, and are kept from budgets."""

    async def read(node: Node, ledger: Ledger) -> list[Distrust]:
        return await ledger.list_distrusted()

    found = _with_ledger(place, read)
    if not found and not as_json:
        click.echo("No model is kept from budgets.", err=True)
    for one in found:
        if as_json:
            click.echo(
                msgspec.json.encode({**asdict(one), "bound": int(one.bound), "billed": int(one.billed)}).decode()
            )
        else:
            click.echo(
                f"{one.what}  {when(one.at)} UTC  billed {one.billed} where its bound was {one.bound} ({one.account})"
            )


@budgets.command()
@click.argument("model")
@click.pass_obj
@plainly
def trust(place: Workplace, model: str) -> None:
    """Let a model into budgets again; every node does so within a second."""
    if not _with_ledger(place, lambda node, ledger: ledger.trust(model)):
        raise click.ClickException(f"{model} is not kept from budgets: `headgate budgets models` lists those that are")
    click.echo(f"{model} is let into budgets again.", err=True)


def _with_ledger(place: Workplace, work: Callable[[Node, Ledger], Awaitable[T]]) -> T:
    async def run(node: Node) -> T:
        if node.stores.ledger is None:
            raise StoreError("no plugin keeps a ledger")
        return await work(node, node.stores.ledger)

    return place.run(run)


def _period(one: Statement) -> str:
    account = one.account
    if account.per == "total":
        return "total"
    return f"{account.per} of {datetime.fromtimestamp(account.start, UTC):%Y-%m-%d}"


def _fields(one: Statement) -> dict[str, Any]:
    account = one.account
    return {
        "account": account.label, "name": account.name, "per": account.per, "start": account.start,
        "limit": int(account.limit), "settled": int(one.settled), "leased": int(one.leased),
        "presumed": int(one.presumed), "overrun": int(one.overrun),
    }  # fmt: skip
