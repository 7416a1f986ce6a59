"""One route: its line, and the lines of its body."""

from __future__ import annotations

import re

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.expressions import Expressions
from headgate.language.check.fitting import Surroundings
from headgate.language.check.modules import Module
from headgate.language.check.result import Checked
from headgate.language.check.roots import PATH_TYPES
from headgate.language.check.statements import Lines
from headgate.language.parse.build_stmt import METHODS
from headgate.language.suggest import suggest

HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\]")

ROUTE_OPTIONS: dict[str, t.Type] = {"host": t.TEXT, "api": t.TEXT, "websocket": t.BOOL}


def check_route(checked: Checked, module: Module, route: tree.Route) -> None:
    """Everything about one route but its paths."""
    params = _path_params(checked, route)
    around = Surroundings(module, params=params)
    expressions = Expressions(checked, around)
    outer = checked.exports[module.name]
    for option in route.options:
        if option.name not in ROUTE_OPTIONS:
            guess = suggest(option.name, list(ROUTE_OPTIONS))
            help = f"did you mean `{guess}`?" if guess else f"a route takes: {', '.join(ROUTE_OPTIONS)}, public"
            checked.report("E002", f"a route takes no `{option.name}`", option.name_span, help=help)
            continue
        before = checked.mistakes
        expressions.want(option.value, outer, ROUTE_OPTIONS[option.name], f"`{option.name}`")
        if checked.mistakes > before:
            continue
        if option.value not in checked.constants:
            checked.report("E106", f"`{option.name}` must be known when the policy loads", option.value.span)
        elif option.name == "host":
            _host(checked, option)
    _twice(checked, route)
    _methods(checked, route)
    Lines(checked, around).block(route.body, outer.child())


def _twice(checked: Checked, route: tree.Route) -> None:
    twice = next((method for method in route.methods if route.methods.count(method) > 1), None)
    if twice is not None:
        checked.report("E007", f"the method {twice} stands twice", route.name_span)


def _methods(checked: Checked, route: tree.Route) -> None:
    """Any method may be one; a name that is nearly a usual one is more likely misspelt."""
    for method in route.methods:
        guess = suggest(method, METHODS) if method.isupper() and method not in METHODS else None
        if guess is not None:
            checked.report(
                "W406", f"`{method}` is no usual method", route.name_span, severity="warning", help=f"did you mean `{guess}`?"
            )  # fmt: skip


def _host(checked: Checked, option: tree.Argument) -> None:
    """A host is compared with the name that the client asked for: nothing else ever matches."""
    host = str(checked.constants[option.value])
    if not HOST.fullmatch(host.lower()):
        checked.report(
            "E404", f"`{host}` is no name of a host", option.value.span,
            note="a request's host is compared with it as a whole, without the port",
            help='write the name alone, such as "api.example.com"',
        )  # fmt: skip


def _path_params(checked: Checked, route: tree.Route) -> t.Record:
    fields: dict[str, t.Type] = {}
    for segment in route.path.segments:
        if segment.param is None:
            continue
        if segment.type not in PATH_TYPES:
            help = f"it may be: {', '.join(PATH_TYPES)}"
            checked.report("E403", f"a path has no parameters of type `{segment.type}`", segment.span, help=help)
        if segment.param in fields:
            checked.report("E403", f"the parameter `{segment.param}` stands twice in this path", segment.span)
        fields[segment.param] = PATH_TYPES.get(segment.type, t.NEVER)
    return t.Record("request.params", tuple(fields.items()))
