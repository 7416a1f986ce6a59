"""Statements, those of routes and those of tests: a function a rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headgate.language import tree
from headgate.language.parse.build_expr import numeral, options, split_args

if TYPE_CHECKING:
    from lark import Token

    from headgate.language.parse.builder import Builder, Kids
    from headgate.language.source import Span

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
Dotted = tuple[str, "Span"]
Invoke = tuple[str, "Span", tuple[tree.Expr, ...], tuple[tree.Argument, ...]]


def dotted(b: Builder, span: Span, kids: Kids) -> Dotted:
    return ".".join(map(str, kids)), span


def bind(b: Builder, span: Span, kids: Kids) -> tree.Bind:
    return bind_of(b, kids[0])


def bind_of(b: Builder, token: Token) -> tree.Bind:
    return tree.Bind(b.span(token), b.bound_name(token))


def block(b: Builder, span: Span, kids: Kids) -> tree.Block:
    return tree.Block(span, tuple(kids))


def arm(b: Builder, span: Span, kids: Kids) -> tree.Arm:
    share = None if kids[0] is None else numeral(b, kids[0])
    if share is not None and share.kind not in ("percent", "wrong"):
        message = f"`{share.raw}` is no share of the calls"
        b.find("E001", message, share.span, "a share is written in percent: `95% { … }`")
    return tree.Arm(span, share, kids[1])


def step(b: Builder, span: Span, kids: Kids) -> tree.Step:
    prefix, (name, name_span), (args, named), body, bound = kids
    return tree.Step(
        span, name, name_span, args, named, body, bound, shadow=prefix == "shadow", optional=prefix == "optional"
    )


def args(b: Builder, span: Span, kids: Kids) -> tuple[tuple[tree.Expr, ...], tuple[tree.Argument, ...]]:
    return split_args(b, [kid for kid in kids if isinstance(kid, tree.Node)])


def invoke(b: Builder, span: Span, kids: Kids) -> Invoke:
    name, name_span = kids[0]
    return name, name_span, *split_args(b, [kid for kid in kids[1:] if kid is not None])


def use(b: Builder, span: Span, kids: Kids) -> tree.Use:
    name, name_span, args, named = kids[0]
    return tree.Use(span, name, name_span, args, named, kids[1])


def let(b: Builder, span: Span, kids: Kids) -> tree.Let:
    return tree.Let(span, bind_of(b, kids[0]), kids[1])


def set_(b: Builder, span: Span, kids: Kids) -> tree.Set:
    return tree.Set(span, _place(b, kids[0]), kids[1])


def remove(b: Builder, span: Span, kids: Kids) -> tree.Remove:
    return tree.Remove(span, _place(b, kids[0]))


def _place(b: Builder, place: tree.Expr) -> tree.Expr:
    if isinstance(place, tree.Name):
        message = f"`{place.name}` is no place that can be set"
        b.find("E001", message, place.span, f"a new name is bound with `let {place.name} = …`")
    return place


def if_(b: Builder, span: Span, kids: Kids) -> tree.If:
    *rest, otherwise = kids
    return tree.If(span, tuple(zip(rest[::2], rest[1::2], strict=True)), otherwise)


def match_(b: Builder, span: Span, kids: Kids) -> tree.Match:
    subject, *cases, otherwise = kids
    return tree.Match(span, subject, tuple(cases), otherwise)


def otherwise(b: Builder, span: Span, kids: Kids) -> tree.Block:
    return kids[0]  # type: ignore[no-any-return]


def case(b: Builder, span: Span, kids: Kids) -> tree.Case:
    return tree.Case(span, tuple(kids[:-1]), kids[-1])


def require(b: Builder, span: Span, kids: Kids) -> tree.Require:
    condition, status, why = kids
    literal = numeral(b, status)
    if literal.kind not in ("int", "wrong"):
        b.find("E001", f"`{literal.raw}` is no status", literal.span, 'write one from 400 to 599: `else 403 "…"`')
    return tree.Require(span, condition, literal, why)


def respond(b: Builder, span: Span, kids: Kids) -> tree.Respond:
    return tree.Respond(span, kids[0], options(b, kids[1:]))


def redirect(b: Builder, span: Span, kids: Kids) -> tree.Redirect:
    return tree.Redirect(span, kids[0], options(b, kids[1:]))


def give(b: Builder, span: Span, kids: Kids) -> tree.Give:
    return tree.Give(span, kids[0])


def parallel(b: Builder, span: Span, kids: Kids) -> tree.Parallel:
    return tree.Parallel(span, kids[0])


def on(b: Builder, span: Span, kids: Kids) -> tree.On:
    return tree.On(span, tuple(kids[:-1]), kids[-1])


def pattern(b: Builder, span: Span, kids: Kids) -> tree.Pattern:
    return tree.Pattern(span, kids[0][0], wild=kids[1] is not None)


def finally_(b: Builder, span: Span, kids: Kids) -> tree.Finally:
    return tree.Finally(span, kids[0])


# --- tests ---


def given(b: Builder, span: Span, kids: Kids) -> tree.Given:
    (target, target_span), value = kids
    return tree.Given(span, target, target_span, value)


def send(b: Builder, span: Span, kids: Kids) -> tree.Send:
    return tree.Send(span, method(b, kids[0]), b.raw(kids[1]), options(b, kids[2:]))


def method(b: Builder, token: Token) -> str:
    """The name of an HTTP method; the usual ones in capitals, others in capitals too."""
    if not re.fullmatch("[A-Z]+", token):
        upper = token.upper()
        help_ = f"write `{upper}`" if upper in METHODS else "methods are written in capitals: `GET`, `POST`"
        b.find("E405", f"`{token}` is no method", b.span(token), help_)
    return str(token)


def expect(b: Builder, span: Span, kids: Kids) -> tree.Expect:
    return tree.Expect(span, kids[0])


def after(b: Builder, span: Span, kids: Kids) -> tree.After:
    duration = kids[0]
    if isinstance(duration, tree.Literal) and duration.kind in ("int", "number"):
        b.find("E001", f"`{duration.raw}` has no unit", duration.span, f"a duration is written `{duration.raw}s`")
    return tree.After(span, duration)


def repeat(b: Builder, span: Span, kids: Kids) -> tree.Repeat:
    times = numeral(b, kids[0])
    if times.kind not in ("int", "wrong"):
        b.find("E001", f"`{times.raw}` is no whole number of times", times.span, "write `repeat 3 { … }`")
    return tree.Repeat(span, times, kids[1])
