"""`headgate routes`: which route answers what."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from headgate.cli.errors import show_findings
from headgate.cli.group import Work
from headgate.host.policies import read_policies
from headgate.language import tree
from headgate.language.check.result import Checked


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.pass_obj
def routes(work: Work, policies: Path | None) -> None:
    """The table of routes of POLICIES: method, path, host, name, who may call, and where it stands."""
    reading = read_policies(policies or Path(work.settings.policies), work.plugins.vocabulary)
    if reading.checked.errors:
        show_findings(reading.checked.findings, reading.sources)
        sys.exit(1)
    table = Table("route", "methods", "path", "host", "open to", "steps", "stands at", box=None, pad_edge=False)
    for route in all_routes(reading.checked):
        host = next((option.value for option in route.options if option.name == "host"), None)
        table.add_row(
            route.name,
            ",".join(route.methods) or "any",
            route.path.raw,
            str(reading.checked.constants[host]) if host is not None else "any",
            "everyone" if route.public else ", ".join(authentication(reading.checked, route.body)) or "no one",
            " ".join(dict.fromkeys(step_names(reading.checked, route.body))),
            f"{route.span.file}:{route.span.line}",
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def all_routes(checked: Checked) -> list[tree.Route]:
    return [item for module in checked.modules.values() for item in module.file.items if isinstance(item, tree.Route)]


def step_names(checked: Checked, block: tree.Block) -> list[str]:
    """Every step of a block and of the fragments it uses, in the order of the lines."""
    names: list[str] = []
    for line in block.statements:
        match line:
            case tree.Step():
                names.append(line.name)
                names += step_names(checked, line.block) if line.block is not None else []
            case tree.Use():
                names += step_names(checked, checked.uses[line].fragment.body)
            case tree.If(branches=branches, otherwise=otherwise):
                for inner in [block for _, block in branches] + ([otherwise] if otherwise else []):
                    names += step_names(checked, inner)
            case tree.Match(cases=cases, otherwise=otherwise):
                for inner in [case.block for case in cases] + ([otherwise] if otherwise else []):
                    names += step_names(checked, inner)
            case tree.Arm(block=inner) | tree.Parallel(block=inner) | tree.On(block=inner) | tree.Finally(block=inner):
                names += step_names(checked, inner)
    return names


def authentication(checked: Checked, block: tree.Block) -> list[str]:
    """The steps that say who is asking."""
    steps = checked.vocabulary.steps
    return list(dict.fromkeys(name for name in step_names(checked, block) if "auth" in steps[name].gives))
