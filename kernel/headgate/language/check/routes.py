"""Routes against each other: names that stand twice, and requests that two of them answer.

Where segments differ in kind the more special one wins (a literal, then a parameter, then a rest), from left to right,
so no order and no length decides. What is left is ambiguous, and the finding shows a request.
"""

from __future__ import annotations

from itertools import zip_longest

from headgate.language import tree
from headgate.language.check.result import Checked
from headgate.language.check.roots import PATH_TYPES

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
    routes = [route for route in routes if all(segment.type in PATH_TYPES for segment in route.path.segments)]
    buckets: dict[tuple[object, ...], list[tree.Route]] = {}
    for route in routes:
        alike = buckets.setdefault(_bucket(checked, route), [])
        if not any(_compare(checked, one, route) for one in alike):
            alike.append(route)
    by_host: dict[str | None, list[tree.Route]] = {}
    for route in routes:
        by_host.setdefault(_host(checked, route), []).append(route)
    for group in by_host.values():
        _mixed(checked, group, 0)


def _mixed(checked: Checked, routes: list[tree.Route], at: int) -> None:
    """Routes that take a segment as a number, against those that take it as text and are more special below it."""
    below: dict[str, list[tree.Route]] = {}
    for route in routes:
        if at < len(route.path.segments) and not route.path.segments[at].rest:
            segment = route.path.segments[at]
            below.setdefault(f"={segment.text}" if segment.param is None else segment.type, []).append(route)
    for one in below.get("int", ()):
        for other in below.get("text", ()):
            if _more_special(other, one, at + 1):
                _compare(checked, one, other)
    for group in below.values():
        if len(group) > 1:
            _mixed(checked, group, at + 1)


def _more_special(one: tree.Route, other: tree.Route, at: int) -> bool:
    """Whether both take some path, and `one` has the first literal where the other has none."""
    lefts, rights = one.path.segments[at:], other.path.segments[at:]
    found = ""
    for left, right in zip_longest(lefts, rights):
        if left is None or right is None or left.rest or right.rest:
            rest = left if left is not None and left.rest else right if right is not None and right.rest else None
            return rest is not None and (found or ("one" if rest is right else "other")) == "one"
        if not _meet(left, right):
            return False
        if (left.param is None) != (right.param is None):
            found = found or ("one" if left.param is None else "other")
    return found == "one"


def _meet(one: tree.PathSegment, other: tree.PathSegment) -> bool:
    """Whether some segment fits both."""
    if one.param is None and other.param is None:
        return one.text == other.text
    literal, param = (one, other) if one.param is None else (other, one)
    return literal.param is not None or param.type != "int" or literal.text.lstrip("-").isdigit()


def _bucket(checked: Checked, route: tree.Route) -> tuple[object, ...]:
    """Only routes with equal buckets can be ambiguous: host, and the pattern with its parameters unnamed."""
    return (_host(checked, route), *(_kind(segment) for segment in route.path.segments))


def _kind(segment: tree.PathSegment) -> str:
    """A literal by its text; `{x:int}` and `{x}` take the same segment, so they are one kind."""
    if segment.param is None:
        return f"={segment.text}"
    return "rest" if segment.rest else "param"


def _host(checked: Checked, route: tree.Route) -> str | None:
    for option in route.options:
        if option.name == "host":
            value = checked.constants.get(option.value)
            return value.lower() if isinstance(value, str) else None
    return None


def _methods(route: tree.Route) -> list[str]:
    """What a route answers: GET answers HEAD too."""
    return [*route.methods, *(["HEAD"] if "GET" in route.methods and "HEAD" not in route.methods else [])]


def _compare(checked: Checked, one: tree.Route, other: tree.Route) -> bool:
    """Whether both answer some request; then a finding shows it."""
    both = one.methods and other.methods
    methods = [m for m in _methods(one) if m in _methods(other)] if both else [*one.methods, *other.methods, "GET"]
    if not methods:
        return False
    path = "/" + "/".join(_sample(a, b) for a, b in zip_longest(one.path.segments, other.path.segments) if a or b)
    places = " and ".join(f"`{r.name}` ({r.span.file}:{r.span.line})" for r in (one, other))
    head = methods[0] == "HEAD"
    checked.report(
        "E402", f"two routes answer {methods[0]} {path}: {places}", other.path.span,
        related=((one.path.span, "the other one"),), note="a route for GET answers HEAD too" if head else "",
        help="give one of them a literal segment, another method, or another host",
    )  # fmt: skip
    return True


def _sample(one: tree.PathSegment | None, other: tree.PathSegment | None) -> str:
    """A segment that both take."""
    there = [segment for segment in (one, other) if segment is not None]
    for segment in there:
        if segment.param is None:
            return segment.text
    types = [segment.type for segment in there]
    return _SAMPLES["int" if "int" in types else types[0]]
