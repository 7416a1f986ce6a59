"""Routes against each other: names that stand twice, and requests that two of them answer.

Where segments differ in kind the more special one wins (a literal, then a parameter, then a rest), so no order and no
length decides. What is left is ambiguous, and the finding shows a request.
"""

from __future__ import annotations

from itertools import combinations

from headgate.language import tree
from headgate.language.check.result import Checked

# What a parameter is shown as in the request of a finding.
_SAMPLES = {"int": "7", "text": "x", "path": "x/y"}


def check_routes(checked: Checked) -> None:
    """Compare every pair of routes that could meet: same length, or one with a rest."""
    routes = [item for module in checked.modules.values() for item in module.file.items if isinstance(item, tree.Route)]
    named: dict[str, tree.Route] = {}
    for route in routes:
        first = named.setdefault(route.name, route)
        if first is not route:
            checked.report(
                "E401", f"there are two routes called `{route.name}`", route.name_span,
                related=((first.name_span, "the other one"),), help="a route's name is its identity: for limits, logs and metrics",
            )  # fmt: skip
    buckets: dict[tuple[object, ...], list[tree.Route]] = {}
    for route in routes:
        buckets.setdefault(_bucket(checked, route), []).append(route)
    for alike in buckets.values():
        for one, other in combinations(alike, 2):
            _compare(checked, one, other)


def _bucket(checked: Checked, route: tree.Route) -> tuple[object, ...]:
    """Only routes with equal buckets can be ambiguous: host, and the pattern with its parameters unnamed."""
    return (_host(checked, route), *(_kind(segment) for segment in route.path.segments))


def _kind(segment: tree.PathSegment) -> str:
    """A literal by its text; `{x:int}` and `{x}` take the same segment, so they are one kind."""
    if segment.param is None:
        return f"={segment.text}"
    return "rest" if segment.rest else "param"


def _host(checked: Checked, route: tree.Route) -> object:
    for option in route.options:
        if option.name == "host":
            value = checked.constants.get(option.value)
            return value.lower() if isinstance(value, str) else value
    return None


def _compare(checked: Checked, one: tree.Route, other: tree.Route) -> None:
    methods = (
        [m for m in one.methods if m in other.methods]
        if one.methods and other.methods
        else [*one.methods, *other.methods, "GET"]
    )
    if not methods:
        return
    path = "/" + "/".join(_sample(a, b) for a, b in zip(one.path.segments, other.path.segments, strict=True))
    places = " and ".join(f"`{r.name}` ({r.span.file}:{r.span.line})" for r in (one, other))
    checked.report(
        "E402", f"two routes answer {methods[0]} {path}: {places}", other.path.span,
        related=((one.path.span, "the other one"),), help="give one of them a literal segment, another method, or another host",
    )  # fmt: skip


def _sample(one: tree.PathSegment, other: tree.PathSegment) -> str:
    """A segment that both take."""
    if one.param is None:
        return one.text
    return _SAMPLES["int" if "int" in (one.type, other.type) else one.type]
