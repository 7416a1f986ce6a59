"""Lines and resources that are right in themselves, and cannot do their work on the node that loads them.

What they need is in its settings or in its environment, which the policies do not show; so their own declaration says it
(`doubts=` of `@step` and `@resource`), and here it gets its place. It keeps nothing from serving, a bug in it neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headgate.contracts.facts import NodeFacts
from headgate.language.check.items import head_of
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Program
from headgate.language.lower.pool import SiteUse
from headgate.language.source import Span
from headgate.language.vocabulary import ResourceSpec, StepSpec
from headgate.pipeline.provision import place_of

CODE = "W115"
Said = tuple[str, ...]
Found = dict[tuple[Span, Said], set[str]]


def doubts_about(program: Program, facts: NodeFacts) -> list[Diagnostic]:
    """A warning for each place and each doubt, in the order of the places, with the routes that it concerns."""
    found: Found = {}
    routes = {lowered.route.name for lowered in program.routes}
    uses = [
        use for use in program.pool.sites.values() if use.site.route in routes
    ]  # and not those of tests of fragments
    for use in uses:
        for said in _asked(use.spec, facts, **use.constants):
            found.setdefault((place_of(program.checked, use.site), said), set()).add(use.site.route)
    for name, bound in program.pool.resources.items():
        if not bound.node.params:
            for said in _asked(bound.spec, facts, bound.node.name, **bound.values):
                found.setdefault((head_of(bound.node), said), set()).update(_routes_with(name, uses))
    return [_finding(*one, sorted(needed)) for one, needed in sorted(found.items())]


def _asked(spec: StepSpec | ResourceSpec, facts: NodeFacts, /, *given: Any, **constants: Any) -> list[Said]:
    """What a declaration doubts; of one that fails, that."""
    if spec.doubts is None:
        return []
    try:
        return [_checked(said) for said in spec.doubts(facts, *given, **constants)]
    except Exception as error:
        named = f"the step `{spec.name}`" if isinstance(spec, StepSpec) else f"the resource kind `{spec.kind}`"
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return [(f"the plugin `{spec.plugin}` failed in `doubts` of {named}, so nobody knows whether it works: {why}",)]


def _checked(said: Sequence[str]) -> Said:
    if isinstance(said, str) or not said or not all(isinstance(part, str) for part in said):
        raise TypeError(f"{said!r} is not what is wrong, and then what helps")
    return tuple(said)


def _routes_with(resource: str, uses: Iterable[SiteUse]) -> set[str]:
    """The routes with a line that names the resource."""
    return {
        use.site.route
        for use in uses
        if any(resource == given or (isinstance(given, list) and resource in given) for given in use.resources.values())
    }


def _finding(place: Span, said: Sequence[str], routes: Sequence[str]) -> Diagnostic:
    what, *helps = said
    word = "the route that needs it: " if len(routes) == 1 else "the routes that need it: "
    notes = (word + ", ".join(f"`{route}`" for route in routes),) if routes else ()
    return Diagnostic(CODE, what, place, notes=notes, helps=tuple(helps), severity="warning")


def in_a_line(finding: Diagnostic) -> str:
    """A finding as a line of the log."""
    return "; ".join([f"{finding.span.file}:{finding.span.line}: {finding.message}", *finding.helps, *finding.notes])
