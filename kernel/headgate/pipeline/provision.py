"""From a program to a Snapshot: resources built, lines prepared, routes in their table."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from headgate.errors import PolicyError
from headgate.language.check.items import head_of
from headgate.language.check.result import BoundResource, Checked
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Linked, Program, RouteProgram, Unlinked, Unprepared, Wrap
from headgate.language.resources import ResourceContext
from headgate.language.source import Span
from headgate.language.vocabulary import Site
from headgate.pipeline.faults import by_code
from headgate.pipeline.snapshot import Snapshot
from headgate.pipeline.table import Entry, RouteTable, entry_of

if TYPE_CHECKING:
    from headgate.contracts.node import Node


log = logging.getLogger("headgate")


async def parallel(*runs: Callable[[], Awaitable[Any]]) -> tuple[Any, ...]:
    """`parallel { }`: every line at once; the first that fails cancels the others, and its failure is raised."""
    values: list[Any] = [None] * len(runs)
    failed: list[BaseException] = []

    async def one(place: int, run: Callable[[], Awaitable[Any]], scope: trio.CancelScope) -> None:
        try:
            values[place] = await run()
        except Exception as error:
            failed.append(error)
            scope.cancel()

    async with trio.open_nursery() as nursery:
        for place, run in enumerate(runs):
            nursery.start_soon(one, place, run, nursery.cancel_scope)
    if failed:
        raise failed[0]
    return tuple(values)


class Provision:
    """Builds resources, and remembers which of them have to be closed."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.built: list[Any] = []

    def link(self, program: Program, wrap: Wrap | None = None) -> Linked:
        """The program with everything in place; PolicyError where an attribute or a constant cannot be used."""
        try:
            return program.link(self.build, {"parallel": parallel}, wrap)
        except Unlinked as error:
            failures = error.failures
        except Unprepared as error:
            failures = [error]
        raise PolicyError([finding for failure in failures for finding in _findings(program.checked, failure)])

    def build(self, bound: BoundResource) -> Any:
        context = ResourceContext(bound.node.name, bound.node.span, self.node)
        if bound.node.params:
            return partial(bound.spec.build, context)  # what its calls build is theirs, and needs no closing
        try:
            resource = bound.spec.build(context, **bound.values)
        except ValueError as error:
            why, *helps = error.args
            finding = Diagnostic(
                "E802", f"`{bound.node.name}` cannot be used: {why}", head_of(bound.node), helps=tuple(helps)
            )
            raise PolicyError([finding]) from error
        self.built.append(resource)
        return resource

    async def close(self) -> None:
        """Close what was built, last first. One that fails to close is logged, and takes nobody with it."""
        while self.built:
            resource = self.built.pop()
            close = getattr(resource, "aclose", None)
            if close is not None:
                try:
                    await close()
                except Exception as error:
                    log.error("%r could not be closed: %s", resource, error, exc_info=error)


def _findings(checked: Checked, failure: PolicyError | Unprepared) -> Sequence[Any]:
    if isinstance(failure, PolicyError):
        return failure.diagnostics
    why, *helps = failure.args
    message = f"`{failure.site.step}` cannot be prepared: {why}"
    return [Diagnostic("E114", message, place_of(checked, failure.site), helps=tuple(helps))]


def place_of(checked: Checked, site: Site) -> Span:
    """Where the name of the step stands in the line of a site."""
    here = (site.file, site.line, site.step)
    found = (step.name_span for step in checked.steps if (step.span.file, step.span.line, step.name) == here)
    return next(found, Span(site.file, site.line, 1, site.line, 1))


def entries(checked: Checked, programs: Iterable[RouteProgram]) -> list[Entry]:
    """Routes as the table wants them, their options worked out."""
    found = []
    for program in programs:
        options = {option.name: checked.constants[option.value] for option in program.route.options}
        found.append(entry_of(program, options))
    return found


def provision(program: Program, node: Node, generation: int) -> Snapshot:
    """A Snapshot that is ready to serve. PolicyError; nothing that was serving is touched."""
    made = Provision(node)
    linked = made.link(program)
    steps = by_code(program.pool.steps.values())
    return Snapshot(generation, RouteTable(entries(program.checked, linked.routes)), made.close, steps)
