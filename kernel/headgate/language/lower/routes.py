"""Routes and tests as functions."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.check.reach import all_lines
from headgate.language.check.result import Checked
from headgate.language.lower import nodes
from headgate.language.lower.expressions import Expressions
from headgate.language.lower.pool import Pool, SiteUse
from headgate.language.lower.roots import ObservedRoots
from headgate.language.lower.statements import Lines, Unit
from headgate.language.source import Span


@dataclass(frozen=True, slots=True)
class LoweredRoute:
    """A route's function and its traced twin, by name, and the lines that the trace counts."""

    route: tree.Route
    run: str
    traced: str
    lines: tuple[Span, ...]
    uses: tuple[SiteUse, ...]


def lower_route(checked: Checked, pool: Pool, route: tree.Route) -> tuple[LoweredRoute, list[tuple[str, ast.stmt]]]:
    """The functions of a route, each with the file it belongs to."""
    steps = (line for line in all_lines(checked, route.body) if isinstance(line, tree.Step))
    preflight = any(checked.steps[line].spec.preflight for line in steps)
    websocket = any(option.name == "websocket" and checked.constants[option.value] is True for option in route.options)
    plain, traced = (
        Unit(route.name, traced=traced, preflight=preflight, websocket=websocket) for traced in (False, True)
    )
    run = _function(checked, pool, plain, route, f"route_{route.name}")
    twin = _function(checked, pool, traced, route, f"traced_{route.name}")
    lowered = LoweredRoute(route, run, twin, tuple(traced.lines), tuple(pool.sites[name] for name in plain.uses))
    return lowered, [*plain.functions, *traced.functions]


def _function(checked: Checked, pool: Pool, unit: Unit, route: tree.Route, prefix: str) -> str:
    lines = Lines(checked, pool, unit)
    body = lines.body(route.body, hands_out=False)
    name = pool.fresh(f"{prefix}_")
    made = nodes.place(nodes.function(name, ["x"], body, waits=True), route.name_span)
    unit.functions.append((route.span.file, made))
    return name


def lower_observation(checked: Checked, pool: Pool, expr: tree.Expr) -> tuple[str, ast.stmt]:
    """An expression of a test as a function of what was observed."""
    name = pool.fresh("observe_")
    value = Expressions(checked, pool, ObservedRoots()).lower(expr)
    return name, nodes.place(nodes.function(name, ["o"], [nodes.returns(value)], waits=False), expr.span)
