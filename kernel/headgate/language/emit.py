"""From syntax trees to functions that run.

`compile_program` turns checked policies into code, one code object a file, so that tracebacks, profilers and coverage
speak in policy lines. `Program.link` gives that code its steps, resources and constants: linking is cheap and happens
once for each Snapshot; compiling happens when the text changed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, cast

from headgate.errors import PolicyError
from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.result import BoundResource, Checked
from headgate.language.lower import nodes
from headgate.language.lower.pool import Pool, SiteUse
from headgate.language.lower.routes import LoweredRoute, lower_observation, lower_route
from headgate.language.remembered import Remembered
from headgate.language.runtime import SUPPORT
from headgate.language.scenario import Scenario, collect
from headgate.language.source import Span
from headgate.language.vocabulary import SLOW, ArmRun, Site, StepSpec

if TYPE_CHECKING:
    from headgate.contracts.ai import Speaks
    from headgate.contracts.dialect import Dialect
    from headgate.contracts.exchange import Exchange

Runner = Callable[["Exchange"], Awaitable[None]]
Wrap = Callable[[StepSpec], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class RouteProgram:
    """A route that runs: its function, the traced twin, and the policy lines that the trace numbers."""

    name: str
    route: tree.Route
    run: Runner
    traced: Runner
    lines: tuple[Span, ...]
    dialect: Dialect | None = None
    preflight: bool = False

    def __repr__(self) -> str:
        return f"<RouteProgram {self.name} {','.join(self.route.methods)} {self.route.path.raw}>"


@dataclass(frozen=True, slots=True)
class Linked:
    """A program with its steps and resources in place, ready to serve."""

    routes: tuple[RouteProgram, ...]
    scenarios: tuple[Scenario, ...]
    observe: Mapping[tree.Expr, Callable[[Any], Any]]
    scenario_routes: Mapping[Scenario, RouteProgram]


@dataclass(slots=True)
class Program:
    """Compiled policies: code, and what it needs beside itself.

    A whole set consists of `parts`, one for each file; each of them is a program too, and links for itself.
    """

    checked: Checked
    pool: Pool
    code: dict[str, CodeType]
    routes: list[LoweredRoute]
    scenarios: tuple[Scenario, ...]
    observations: dict[tree.Expr, str] = field(default_factory=dict)
    scenario_routes: dict[Scenario, LoweredRoute] = field(default_factory=dict)
    parts: dict[str, Program] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Program {len(self.routes)} routes, {len(self.parts)} files>"

    def link(
        self, build: Callable[[BoundResource], Any], support: Mapping[str, Any], wrap: Wrap | None = None
    ) -> Linked:
        """Give the code its surroundings. `build` makes a resource; `support` adds names that need a loop.

        Steps that prepare do so here, once a line; what they raise (ValueError), and what `build` raises (PolicyError),
        comes all together as `Unlinked`. `wrap` stands between the code and its steps, for tests that fake them; fast
        halves are then left out.
        """
        names: dict[str, Any] = {**SUPPORT, "ArmRun": ArmRun, "SLOW": SLOW, **support, **self.pool.constants}
        failures: list[PolicyError | Unprepared] = []
        self._build(build, names, failures)
        for name, spec in self.pool.steps.items():
            names[name] = spec.call if wrap is None else wrap(spec)
            if wrap is not None and spec.fast is not None:
                names[f"{name}_fast"] = _always_slow
        for name, use in self.pool.sites.items():
            try:
                names[name] = _prepared(use, names)
            except Unprepared as error:
                failures.append(error)
        if failures:
            raise Unlinked(failures)
        for code in self.code.values():
            exec(code, names)  # noqa: S102 - code made of checked trees, never of text
        return Linked(
            tuple(_linked(route, names, self.checked.vocabulary.dialects) for route in self.routes),
            self.scenarios,
            {expr: names[name] for expr, name in self.observations.items()},
            {
                scenario: _linked(route, names, self.checked.vocabulary.dialects)
                for scenario, route in self.scenario_routes.items()
            },
        )

    def _build(
        self, build: Callable[[BoundResource], Any], names: dict[str, Any], failures: list[PolicyError | Unprepared]
    ) -> None:
        """Every resource, once. Lines that name one that cannot be built are not looked at."""
        built: dict[tuple[str, str], Any] = {}
        for name, resource in self.pool.resources.items():
            key = (resource.module.name, resource.node.name)
            try:
                names[name] = built[key] if key in built else built.setdefault(key, build(resource))
            except PolicyError as error:
                built[key] = names[name] = _BROKEN
                failures.append(error)


_BROKEN: Final = object()
"""Stands for a resource that could not be built."""


def _always_slow(*_: Any, **__: Any) -> object:
    return SLOW


class Unprepared(Exception):
    """A step's constants cannot be used: why, and perhaps what to do. `site` says where."""

    def __init__(self, site: Site, error: ValueError) -> None:
        super().__init__(*error.args)
        self.site = site


class Unlinked(Exception):
    """All that keeps a program from its surroundings."""

    def __init__(self, failures: Sequence[PolicyError | Unprepared]) -> None:
        super().__init__(f"{len(failures)} failures, the first: {failures[0]}")
        self.failures = failures


def _prepared(use: SiteUse, names: Mapping[str, Any]) -> Site:
    """A fresh site for one Snapshot, with what the step's `prepare` makes of the line's constants and resources."""
    site = use.site.fresh()
    if use.spec.prepare is not None:
        resources = _resources(use, use.spec.prepare, names)
        if any(one is _BROKEN or (isinstance(one, list) and _BROKEN in one) for one in resources.values()):
            return site
        try:
            site.prepared = use.spec.prepare(site, **use.constants, **resources)
        except ValueError as error:
            raise Unprepared(site, error) from error
    return site


def _resources(use: SiteUse, prepare: Callable[..., Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a line as they were built, as far as `prepare` has a parameter for them."""
    params = inspect.signature(prepare).parameters
    all_of_them = any(param.kind is param.VAR_KEYWORD for param in params.values())
    return {
        name: names[given] if isinstance(given, str) else [names[one] for one in given]
        for name, given in use.resources.items()
        if all_of_them or name in params
    }


def _dialect(route: LoweredRoute, installed: Mapping[str, Speaks]) -> Dialect | None:
    """The dialect of a route: that of the first line that has one."""
    for use in route.uses:
        dialect = use.spec.dialect
        if dialect is not None and not hasattr(dialect, "error"):
            try:
                dialect = dialect(route.route.path.raw, use.constants, installed)
            except ValueError as error:
                raise Unprepared(use.site, error) from error
        if dialect is not None:
            return cast("Dialect", dialect)
    return None


def _linked(route: LoweredRoute, names: Mapping[str, Any], installed: Mapping[str, Speaks]) -> RouteProgram:
    dialect = _dialect(route, installed)
    preflight = any(use.spec.preflight for use in route.uses)
    run, traced = names[route.run], names[route.traced]
    return RouteProgram(route.route.name, route.route, run, traced, route.lines, dialect, preflight)


def compile_program(checked: Checked, remembered: Remembered | None = None) -> Program:
    """Lower and compile every route and test, file by file; what is remembered of a file that is the same is taken as it
    is. The policies must have no errors."""
    known = remembered or Remembered()
    parts = {
        name: known.part(module) or _compile_part(checked, module, known.number())
        for name, module in checked.modules.items()
    }
    known.keep(checked.modules, parts)
    return join(checked, parts)


def join(checked: Checked, parts: dict[str, Program]) -> Program:
    """The set that these parts are."""
    whole = Program(checked, Pool(), {}, [], (), parts=parts)
    for name, part in parts.items():
        whole.pool.take_in(part.pool)
        whole.code.update({f"{name}: {file}": code for file, code in part.code.items()})
        whole.routes += part.routes
        whole.scenarios += part.scenarios
        whole.observations.update(part.observations)
        whole.scenario_routes.update(part.scenario_routes)
    return whole


def _compile_part(checked: Checked, module: Module, number: int) -> Program:
    """What stands in one file. Fragments of others are lowered where they are used, so they are part of it."""
    pool = Pool(number)
    functions: dict[str, list[ast.stmt]] = {}
    routes = [_add(functions, *lower_route(checked, pool, item)) for item in _routes(module)]
    scenarios = tuple(collect(checked, module))
    program = Program(checked, pool, {}, routes, scenarios)
    for scenario in scenarios:
        for expr in scenario.expressions():
            name, made = lower_observation(checked, pool, expr)
            functions.setdefault(expr.span.file, []).append(made)
            program.observations[expr] = name
        if scenario.route is not None:
            program.scenario_routes[scenario] = _add(functions, *lower_route(checked, pool, scenario.route))
    for file, function in pool.functions:
        functions.setdefault(file, []).append(function)
    program.code = {file: _compile(file, body) for file, body in functions.items()}
    return program


def _routes(module: Module) -> list[tree.Route]:
    return [item for item in module.file.items if isinstance(item, tree.Route)]


def _add(functions: dict[str, list[ast.stmt]], route: LoweredRoute, made: list[tuple[str, ast.stmt]]) -> LoweredRoute:
    for file, function in made:
        functions.setdefault(file, []).append(function)
    return route


def _compile(file: str, body: list[ast.stmt]) -> CodeType:
    module = ast.Module(body, type_ignores=[])
    for statement in body:
        nodes.place(statement, Span(file, 1, 1, 1, 1))
    return compile(module, file, "exec", dont_inherit=True)
