"""Tests in the file: what they give, send and expect has names and types like everything else."""

from __future__ import annotations

from ipaddress import ip_address

from headgate.contracts.fakes import FakeChat, FakeFailure, FakeReply
from headgate.language import tree
from headgate.language import types as t
from headgate.language.annotations import record_of
from headgate.language.check.calling import OBSERVING
from headgate.language.check.calls import named_arguments
from headgate.language.check.expressions import Expressions
from headgate.language.check.fitting import Surroundings
from headgate.language.check.modules import Module
from headgate.language.check.reach import all_lines
from headgate.language.check.result import Checked
from headgate.language.check.returning import returns_of_all
from headgate.language.check.roots import ROOTS
from headgate.language.check.route import check_route
from headgate.language.check.scope import Scope, Symbol
from headgate.language.suggest import suggest
from headgate.language.vocabulary import ParamSpec

__all__ = ["OBSERVING", "SENT", "check_test"]

SENT = t.Record(
    "sent",
    (
        ("method", t.TEXT), ("path", t.TEXT), ("query", t.MapType(t.TEXT)), ("header", t.MapType(t.TEXT)),
        ("body", t.BYTES), ("text", t.TEXT), ("json", t.JSON),
    ),
)  # fmt: skip
FAKE_REPLY, FAKE_CHAT, FAKE_FAILURE = (record_of(cls) for cls in (FakeReply, FakeChat, FakeFailure))
OBSERVED = t.Record(
    "response",
    (("status", t.STATUS), ("header", t.MapType(t.TEXT)), ("body", t.BYTES), ("text", t.TEXT), ("json", t.JSON)),
)

# What a test may ask for after a `send`: roots, and functions of what was observed.
TEST_ROOTS: dict[str, t.Type] = {
    "status": t.STATUS,
    "response": OBSERVED,
    "served": t.Optional(ROOTS["served"].type),
    "usage": t.Optional(ROOTS["usage"].type),
    "caller": t.Optional(ROOTS["caller"].type),
    "outcome": t.TEXT,
    "logged": t.MapType(t.JSON),
}
SEND = (
    ParamSpec("json", t.JSON, required=False),
    ParamSpec("body", t.ANY, required=False),
    ParamSpec("header", t.MapType(t.TEXT), required=False),
    ParamSpec("host", t.TEXT, required=False),
    ParamSpec("hang_up_after", t.ANY, required=False),
)

# An address is written as a text, as in `client.ip in ["10.0.0.0/8"]`.
_GIVEN_PLACES: dict[str, t.Type] = {"client.ip": t.TEXT, "split": t.PERCENT}


def check_test(checked: Checked, module: Module, test: tree.Test) -> None:
    """One test; a test of a fragment gets a route made for it."""
    expressions = Expressions(checked, Surroundings(module, testing=True))
    scope = checked.exports[module.name].child()
    if test.fragment is not None:
        route = checked.fragment_routes[test] = _route_for(test, test.fragment, answers=True)
        check_route(checked, module, route)
        if any(_is_hinge(checked, line) for line in all_lines(checked, route.body)):
            checked.fragment_routes[test] = _route_for(test, test.fragment, answers=False)
    for name, kind in TEST_ROOTS.items():
        scope.names[name] = Symbol("root", name, kind)
    _lines(checked, expressions, test.body, scope)


def _is_hinge(checked: Checked, line: tree.Stmt) -> bool:
    return isinstance(line, tree.Step) and line in checked.steps and checked.steps[line].spec.hinge


def _route_for(test: tree.Test, use: tree.Use, *, answers: bool) -> tree.Route:
    """`route … ANY /** public { use fragment(…)  respond 200 }`; a fragment that has a hinge answers itself."""
    span = test.span
    status = tree.Literal(use.span, "int", 200, "200")
    lines = (use, tree.Respond(use.span, status, ())) if answers else (use,)
    body = tree.Block(use.span, lines)
    path = tree.PathPattern(span, "/{rest:path}", (tree.PathSegment(span, param="rest", type="path", rest=True),))
    return tree.Route(span, f"test_{span.line}", test.name_span, (), path, (), True, body)


def _lines(checked: Checked, expressions: Expressions, block: tree.Block, scope: Scope) -> None:
    for line in block.statements:
        match line:
            case tree.Given():
                _given(checked, expressions, line, scope)
            case tree.Send(named=named):
                named_arguments(checked, expressions, "send", SEND, named, scope, line.span)
            case tree.Expect(condition=condition):
                expressions.condition(condition, scope)
            case tree.After(duration=duration):
                expressions.want(duration, scope, t.DURATION, "`after`")
            case tree.Repeat(block=inner):
                _lines(checked, expressions, inner, scope)


def _is_address(value: object) -> bool:
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return True


def _failure(checked: Checked, value: tree.Expr) -> None:
    """`fail("…")` names a kind that there is."""
    if not isinstance(value, tree.Call) or not isinstance(value.function, tree.Name) or value.function.name != "fail":
        return
    kind = value.args[0] if value.args else None
    known = checked.vocabulary.kinds
    if isinstance(kind, tree.Literal) and kind.kind == "text" and kind.value not in known:
        guess = suggest(str(kind.value), list(known))
        help = f"did you mean `{guess}`?" if guess else "`headgate steps NAME` prints what a step raises"
        checked.report("E016", f"nothing raises `{kind.value}`", kind.span, help=help)


def _given(checked: Checked, expressions: Expressions, line: tree.Given, scope: Scope) -> None:
    """What is faked: a place, a step (its record is type-checked), or a resource."""
    if line.target in _GIVEN_PLACES:
        expressions.want(line.value, scope, _GIVEN_PLACES[line.target], f"`{line.target}`")
        if line.target == "client.ip" and not _is_address(checked.constants.get(line.value, "::")):
            checked.report("E101", "`client.ip` is an address", line.value.span, help='e.g. "10.0.0.1"')
        return
    spec = checked.vocabulary.steps.get(line.target)
    _failure(checked, line.value)
    if spec is not None:
        kinds = returns_of_all(checked, spec.name)
        kind = expressions.infer(line.value, scope, kinds[0] if len(kinds) == 1 else None)
        fits = kind in (FAKE_FAILURE, t.NEVER) or any(one.accepts(kind) for one in kinds)
        if kinds and not fits:
            shown = " or ".join(str(one) for one in kinds)
            checked.report("E101", f"`{line.target}` gives {shown}, not {kind}", line.value.span)
        return
    head, _, rest = line.target.partition(".")
    symbol = scope.find(head)
    if rest and symbol is not None and symbol.kind == "module":
        symbol = checked.exports[symbol.ref.name].find(rest)
    if (symbol is not None and symbol.kind == "broken") or checked.is_lost(line.span.file, head):
        return
    if symbol is None or symbol.kind != "resource":
        guess = suggest(line.target, [*checked.vocabulary.steps, *scope.all_names(), *_GIVEN_PLACES])
        checked.report(
            "E702", f"there is nothing called `{line.target}` to give", line.target_span,
            help=f"did you mean `{guess}`?" if guess else "give a step, an upstream or a model of this file",
        )  # fmt: skip
        return
    kind = expressions.infer(line.value, scope)
    if kind not in (FAKE_REPLY, FAKE_CHAT, FAKE_FAILURE, t.NEVER):
        checked.report(
            "E101", f"`{line.target}` is given an answer, not {kind}", line.value.span, help="e.g. reply(200, json={…})"
        )
