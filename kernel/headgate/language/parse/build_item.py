"""Items, what stands at the top level of a file: a function a rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headgate.language import tree
from headgate.language.parse.build_expr import numeral, options, plain
from headgate.language.parse.build_stmt import method

if TYPE_CHECKING:
    from lark import Token

    from headgate.language.parse.builder import Builder, Kids
    from headgate.language.source import Span

_PARAM = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z_][A-Za-z0-9_]*))?\}")


def edition(b: Builder, span: Span, kids: Kids) -> tree.Literal:
    return numeral(b, kids[0])


def import_(b: Builder, span: Span, kids: Kids) -> tree.Import:
    return tree.Import(span, plain(b, kids[0]), b.span(kids[0]), b.bound_name(kids[1]))


def const(b: Builder, span: Span, kids: Kids) -> tree.Const:
    return tree.Const(span, b.bound_name(kids[0]), kids[1])


def typedef(b: Builder, span: Span, kids: Kids) -> tree.TypeDef:
    fields = tuple(kid for kid in kids[1:] if kid is not None)
    return tree.TypeDef(span, b.bound_name(kids[0]), fields, b.docs(span))


def field(b: Builder, span: Span, kids: Kids) -> tree.FieldDef:
    return tree.FieldDef(span, str(kids[0]), kids[1], b.docs(span))


def resource(b: Builder, span: Span, kids: Kids) -> tree.Resource:
    kind, name, params, *attrs = kids
    named = tuple(kid for kid in attrs if kid is not None)
    return tree.Resource(span, str(kind), b.span(kind), b.bound_name(name), params or (), named, b.docs(span))


def fragment(b: Builder, span: Span, kids: Kids) -> tree.Fragment:
    return tree.Fragment(span, b.bound_name(kids[0]), kids[1], kids[2], b.docs(span))


def params(b: Builder, span: Span, kids: Kids) -> tuple[tree.Param, ...]:
    return tuple(kid for kid in kids if kid is not None)


def param(b: Builder, span: Span, kids: Kids) -> tree.Param:
    return tree.Param(span, b.bound_name(kids[0]), kids[1], kids[2])


def methods(b: Builder, span: Span, kids: Kids) -> tuple[str, ...]:
    return tuple(method(b, token) for token in kids)


def route(b: Builder, span: Span, kids: Kids) -> tree.Route:
    name, verbs, path, *rest, body = kids
    named = options(b, rest)
    public = len(named) < len(rest)
    return tree.Route(
        span, b.bound_name(name), b.span(name), verbs, path_pattern(b, path), named, public, body, b.docs(span)
    )


def path_pattern(b: Builder, token: Token) -> tree.PathPattern:
    """`/orders/{id:int}` in segments; a segment is text or one parameter, and `{rest:path}` comes last."""
    raw, at = b.raw(token), b.base + (token.start_pos or 0)
    whole = b.places.span(at, at + len(raw))
    if "?" in raw:
        b.find("E403", "a route's path has no query", whole, 'read one with `request.query["x"]`')
    segments: list[tree.PathSegment] = []
    for text in raw[1:].split("/") if raw != "/" else []:
        at += 1
        segments.append(_segment(b, text, b.places.span(at, at + len(text))))
        at += len(text)
    _check_segments(b, segments)
    return tree.PathPattern(whole, raw, tuple(segments))


def _segment(b: Builder, text: str, span: Span) -> tree.PathSegment:
    found = _PARAM.fullmatch(text)
    if found is not None:
        kind = found[2] or "text"
        return tree.PathSegment(span, param=found[1], type=kind, rest=kind == "path")
    if "{" in text or "}" in text:
        help_ = "a parameter fills its segment: `/orders/{id:int}/items`"
        b.find("E403", f"`{text}` is no segment of a path", span, help_)
    return tree.PathSegment(span, text=text)


def _check_segments(b: Builder, segments: list[tree.PathSegment]) -> None:
    for place, segment in enumerate(segments):
        if segment.rest and place < len(segments) - 1:
            b.find("E403", "a parameter of type `path` takes all that is left, so it comes last", segment.span)
        if not segment.text and segment.param is None and place < len(segments) - 1:
            b.find("E403", "two `/` stand side by side: no request has such a path", segment.span, "remove one")


def always(b: Builder, span: Span, kids: Kids) -> tree.Always:
    word, (subject, _), relation, (target, _), unless = kids
    return tree.Always(span, word == "never", subject, str(relation), target, unless)


def test(b: Builder, span: Span, kids: Kids) -> tree.Test:
    name, invoked, body = kids
    used = None
    if invoked is not None:
        fragment_span, named = invoked[1], invoked[3]
        last = (named or invoked[2] or (None,))[-1]
        end = last.span if last is not None else fragment_span
        used = tree.Use(fragment_span.to(end), *invoked)
    return tree.Test(span, plain(b, name), b.span(name), used, body)
