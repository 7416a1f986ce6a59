"""`headgate logs`: the call log, while nodes run and when none does."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from headgate.api import Workplace
from headgate_sqlite.lines import attempt_lines, line_of
from headgate_sqlite.reading import Filter, Tail, last_calls
from headgate_sqlite.verbs import Span, plainly

FOLLOW_S = 0.25


class Statuses(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """`404`, or a class such as `5xx`: the lowest and the highest status."""

    name = "status"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"([1-9])(\d\d|xx)", str(value))
        if match is None:
            self.fail(f"{value!r} is no status: write 404 or 5xx", param, ctx)
        low = int(match[1]) * 100
        return (low, low + 99) if match[2] == "xx" else (low + int(match[2]), low + int(match[2]))


@click.command()
@click.option("--since", type=Span(), help="How far to look back: 15min, 1h, 7d. One hour; with --id, everything.")
@click.option("--route", help="Only calls of this route.")
@click.option("--status", "statuses", type=Statuses(), help="Only this status, 404, or this class, 5xx.")
@click.option("--team", help="Only calls of this team.")
@click.option("--outcome", type=click.Choice(["ok", "refused", "failed", "client_gone", "cut"]), help="How they ended.")
@click.option("--id", "request_id", help="The call with this request id.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many, the last.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.pass_obj
@plainly
def logs(
    place: Workplace, since: float | None, route: str | None, statuses: tuple[int, int] | None, team: str | None,
    outcome: str | None, request_id: str | None, limit: int, follow: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show calls: who asked what, what became of it, and what it cost."""
    given = {"route": route, "team": team, "outcome": outcome, "id": request_id}
    equal = {column: value for column, value in given.items() if value is not None}
    back = since if since is not None else None if request_id is not None else 3600.0
    wanted = Filter(0.0 if back is None else time.time() - back, equal, statuses)
    if not place.data.is_dir():
        raise click.ClickException(f"there is no data folder {place.data}: nothing was ever logged there")
    show = _shower(as_json)
    tail = Tail(place.data, wanted) if follow else None
    found = last_calls(place.data, wanted, limit)
    for row in found:
        show(row)
    if tail is not None:
        _follow(tail, show)
    elif not found and not as_json:
        click.echo(_nothing(place.data, back), err=True)


def _shower(as_json: bool) -> Any:
    if as_json:
        return lambda row: click.echo(msgspec.json.encode(row).decode())
    console = Console(highlight=False, soft_wrap=True)

    def show(row: dict[str, Any]) -> None:
        for line in (line_of(row), *attempt_lines(row)):
            console.print(line)

    return show


def _follow(tail: Tail, show: Any) -> None:
    try:
        while True:
            for row in tail.next():
                show(row)
            time.sleep(FOLLOW_S)
    except KeyboardInterrupt:
        return


def _nothing(data: Path, back: float | None) -> str:
    where = f"in {data}" if back is None else f"in {data} in the last {back:g} s; --since looks back further"
    return f"No such calls {where}."
