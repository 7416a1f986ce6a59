"""Expressions and types: a function a rule, from the rule's children to the node."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from headgate.language import tree
from headgate.language.parse.literals import Wrong, number, pieces

if TYPE_CHECKING:
    from lark import Token

    from headgate.language.parse.builder import Builder, Kids
    from headgate.language.source import Span

CONSTANTS = {"true": True, "false": False, "none": None}


def hole(b: Builder, span: Span, kids: Kids) -> tree.Expr:
    return kids[0]  # type: ignore[no-any-return]


def name(b: Builder, span: Span, kids: Kids) -> tree.Name:
    return tree.Name(span, str(kids[0]))


def word(b: Builder, span: Span, kids: Kids) -> tree.Literal:
    raw = str(kids[0])
    return tree.Literal(span, "none" if raw == "none" else "bool", CONSTANTS[raw], raw)


def number_(b: Builder, span: Span, kids: Kids) -> tree.Literal:
    return numeral(b, kids[0])


def numeral(b: Builder, token: Token) -> tree.Literal:
    """A number with its unit; one that means nothing is a finding, and fits everywhere."""
    raw, span = str(token), b.span(token)
    found = number(raw)
    if isinstance(found, Wrong):
        b.find("E001", found.message, span, *filter(None, [found.help]))
        found = ("wrong", 0)
    return tree.Literal(span, found[0], found[1], raw)


def text(b: Builder, span: Span, kids: Kids) -> tree.Literal | tree.Interpolation:
    """A text: a Literal, or an Interpolation if it has holes."""
    token = b.texts[b.base + kids[0].start_pos]
    found, wrong = pieces(b.places.source.text, token)
    for one in wrong if token.closed else ():
        at = token.start + one.at
        b.find("E001", one.message, b.places.span(at, at + (one.size or 1)), *filter(None, [one.help]))
    if not token.holes:
        return tree.Literal(span, "text", found[0], b.raw(kids[0]))
    parts = [part if isinstance(part, str) else b.expression(*part) for part in found]
    kept = tuple(part for part in parts if part is not None and part != "")
    return tree.Interpolation(span, kept, triple=token.quote == '"""')


def plain(b: Builder, token: Token) -> str:
    """A text that must be known as it stands: a path, a name, a key."""
    value = text(b, b.span(token), [token])
    if isinstance(value, tree.Literal):
        return str(value.value)
    b.find("E022", "this text must be known as it stands, so it holds no `{…}`", value.span, "write `{{` for a brace")
    return ""


def grouped(b: Builder, span: Span, kids: Kids) -> tree.Grouped:
    return tree.Grouped(span, kids[0])


def list_(b: Builder, span: Span, kids: Kids) -> tree.ListOf:
    return tree.ListOf(span, tuple(kid for kid in kids if kid is not None))


def pair(b: Builder, span: Span, kids: Kids) -> tuple[str, tree.Expr, Span]:
    key = str(kids[0]) if kids[0].type == "NAME" else plain(b, kids[0])
    return key, kids[1], b.span(kids[0])


def object_(b: Builder, span: Span, kids: Kids) -> tree.ObjectOf:
    seen: set[str] = set()
    pairs = [kid for kid in kids if isinstance(kid, tuple)]
    for key, _, where in pairs:
        if key in seen:
            b.find("E007", f"`{key}` is given twice", where, "remove one of the two")
        seen.add(key)
    return tree.ObjectOf(span, tuple((key, value) for key, value, _ in pairs))


def unary(b: Builder, span: Span, kids: Kids) -> tree.Unary:
    return tree.Unary(span, str(kids[0]), kids[1])


def chain(b: Builder, span: Span, kids: Kids) -> tree.Expr:
    """`a + b - c`, to the left."""
    if str(kids[1]) == "or":
        _refuse_mixed(b, kids)
    left: tree.Expr = kids[0]
    for sign, right in zip(kids[1::2], kids[2::2], strict=True):
        left = tree.Binary(left.span.to(right.span), str(sign), left, right, b.span(sign))
    return left


def _refuse_mixed(b: Builder, kids: Kids) -> None:
    for kid in kids[::2]:
        if isinstance(kid, tree.Binary) and kid.op == "and":
            message = "`and` and `or` are mixed: which is meant first?"
            b.find("E020", message, kid.op_span, "put parentheses around one of the two")
            return


def not_in(b: Builder, span: Span, kids: Kids) -> tree.Binary:
    left, first, second, right = kids
    return tree.Binary(span, "not in", left, right, b.span(first).to(b.span(second)))


def presence(b: Builder, span: Span, kids: Kids) -> tree.Presence:
    return tree.Presence(span, kids[0], str(kids[1]) == "present")


def attr(b: Builder, span: Span, kids: Kids) -> tuple[str, Span, Kids]:
    return "attr", span, kids


def index(b: Builder, span: Span, kids: Kids) -> tuple[str, Span, Kids]:
    return "index", span, kids


def call(b: Builder, span: Span, kids: Kids) -> tuple[str, Span, Kids]:
    return "call", span, kids


def access(b: Builder, span: Span, kids: Kids) -> tree.Expr:
    """`a.b["c"](d)`: what follows the first, one after the other."""

    def follow(base: tree.Expr, step: tuple[str, Span, Kids]) -> tree.Expr:
        kind, where, inner = step
        whole = base.span.to(where)
        if kind == "attr":
            return tree.Attr(whole, base, str(inner[0]), b.span(inner[0]))
        if kind == "index":
            return tree.Index(whole, base, inner[0])
        args, named = split_args(b, inner)
        if not _is_dotted(base):
            b.find("E001", "only a name can be called", base.span)
        return tree.Call(whole, base, args, named)

    first: tree.Expr = kids[0]
    return reduce(follow, kids[1:], first)


def _is_dotted(node: tree.Expr) -> bool:
    while isinstance(node, tree.Attr):
        node = node.base
    return isinstance(node, tree.Name)


def split_args(b: Builder, kids: Kids) -> tuple[tuple[tree.Expr, ...], tuple[tree.Argument, ...]]:
    """Unnamed and named arguments; the unnamed stand first."""
    args = tuple(kid for kid in kids if isinstance(kid, tree.Expr))
    named = tuple(kid for kid in kids if isinstance(kid, tree.Argument))
    kinds = [isinstance(kid, tree.Argument) for kid in kids if kid is not None]
    if kinds != sorted(kinds):
        late = next(kid for kid in kids[kinds.index(True) :] if isinstance(kid, tree.Expr))
        b.find("E001", "an unnamed value stands behind a named one", late.span, "put the unnamed values first")
    return args, named


def options(b: Builder, kids: Kids) -> tuple[tree.Argument, ...]:
    """The named arguments of a line that is no step, no name twice (of steps and calls the checker says so)."""
    named = tuple(kid for kid in kids if isinstance(kid, tree.Argument))
    seen: set[str] = set()
    for argument in named:
        if argument.name in seen:
            b.find("E007", f"`{argument.name}` is given twice", argument.name_span, "remove one of the two")
        seen.add(argument.name)
    return named


def kwarg(b: Builder, span: Span, kids: Kids) -> tree.Argument:
    return tree.Argument(span, str(kids[0]), kids[1], b.span(kids[0]))


def named_type(b: Builder, span: Span, kids: Kids) -> tree.TypeExpr:
    head, arguments, bounds, optional = kids
    low, high = bounds or (None, None)
    return tree.TypeExpr(
        span, str(head), tuple(arguments or ()), low, high, bounded=bounds is not None, optional=optional is not None
    )


def typeargs(b: Builder, span: Span, kids: Kids) -> list[tree.TypeExpr]:
    return list(kids)


def choice_type(b: Builder, span: Span, kids: Kids) -> tree.TypeExpr:
    *texts, optional = kids
    return tree.TypeExpr(span, choices=tuple(plain(b, token) for token in texts), optional=optional is not None)


def bounds(b: Builder, span: Span, kids: Kids) -> tuple[tree.Literal | None, tree.Literal | None]:
    return kids[0], kids[1]


def bound(b: Builder, span: Span, kids: Kids) -> tree.Literal:
    minus, token = kids
    found = numeral(b, token)
    if minus is None:
        return found
    value = -found.value if isinstance(found.value, int | float) else found.value
    return tree.Literal(span, found.kind, value, "-" + found.raw)
