"""`headgate status`, `headgate reload`, `headgate upgrade`: asking the nodes that run on a data folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from headgate.cli.group import Work
from headgate.cli.words import counted
from headgate.supervise.control import ask_all
from headgate.supervise.reloading import Result

NOBODY = 3


def _ask(work: Work, ask: str) -> list[dict[str, Any]]:
    """The answers of all nodes; ends with status 3 where there is none."""
    data = Path(work.kernel_settings.data)
    answers = ask_all(data, ask)
    if not answers:
        click.echo(f"no node that can be asked runs on {data}; say where with --data", err=True)
        sys.exit(NOBODY)
    return answers


def _tell(answers: list[dict[str, Any]], good: Callable[[dict[str, Any]], str]) -> None:
    """What came of it, for each node; exit status 1 where one could not."""
    for answer in answers:
        click.echo(good(answer) if answer["ok"] else answer["said"], err=not answer["ok"])
    if not all(answer["ok"] for answer in answers):
        sys.exit(1)


@click.command()
@click.pass_obj
def reload(work: Work) -> None:
    """Make the node read its policies again, and wait for what comes of it.

    Findings are printed on stderr, with exit status 1; what was serving then goes on serving.
    """
    _tell(_ask(work, "reload"), lambda answer: str(Result(True, answer["generation"], answer["workers"])))


@click.command()
@click.pass_obj
def upgrade(work: Work) -> None:
    """Start the program anew on the same sockets; the node that runs drains once the new one serves.

    Where the new one cannot serve, the exit status is 1 and the old one goes on.
    """
    _tell(_ask(work, "upgrade"), lambda answer: answer["said"])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object for each node.")
@click.pass_obj
def status(work: Work, as_json: bool) -> None:
    """Show the nodes that run on the data folder: their workers, and what they do. Exit status 3 where there is none."""
    for answer in _ask(work, "status"):
        if as_json:
            click.echo(msgspec.json.encode(answer).decode())
        else:
            click.echo("\n".join(lines_of(answer)))


_COLUMNS = ("worker", "pid", "state", "uptime", "generation", "connections", "active", "handled", "memory")


def lines_of(answer: dict[str, Any]) -> Iterator[str]:
    """A node as a person reads it."""
    # A node that serves still may be of a version that says less.
    probes, refused = answer.get("probes"), answer.get("reload_refused")
    also = f", probes at {', '.join(probes)}" if probes else ""
    yield (
        f"node {answer['pid']} {answer['state']} on {', '.join(answer['addresses']) or 'no address'}{also}: "
        f"up {_span(answer['uptime_s'])}, generation {answer['generation']}, "
        f"{counted(answer['handled'], 'request')} handled, {answer['active']} running, "
        f"{counted(answer['connections'], 'connection')}, {counted(answer['restarts'], 'worker')} replaced"
    )
    if refused:
        yield f"  reload refused, for {_span(refused['since_s'])} now: {refused['said']}"
    rows = [_COLUMNS, *(_row(worker) for worker in answer["workers"])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _row(worker: dict[str, Any]) -> tuple[str, ...]:
    name = f"{worker['name']}{' (leads)' if worker['leads'] else ''}"
    counts = (worker["generation"], worker["connections"], worker["active"], worker["handled"])
    memory = f"{worker['memory_bytes'] >> 20} MiB" if worker["memory_bytes"] else "-"
    return (name, str(worker["pid"]), worker["state"], _span(worker["uptime_s"]), *map(str, counts), memory)


def _span(seconds: float) -> str:
    """`3 s`, `5 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole} s"
