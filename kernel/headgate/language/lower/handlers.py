"""`on … { }` as an except clause: the most specific kind first, and never twice."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from headgate.language import tree
from headgate.language.lower import nodes

LowerBlock = Callable[[tree.Block], list[ast.stmt]]


def guard(body: list[ast.stmt], handlers: Sequence[tree.On], lower: LowerBlock) -> list[ast.stmt]:
    """The body inside a `try`, with each handler under the kinds that it names.

    A handler gives up an answer that was found since the body began (`before`), and raises the failure again where it
    neither answers nor gives. One that fails itself raises HandlerFault, which no `on` catches.
    """
    if not handlers:
        return body
    chosen = [nodes.assign("which", _choose(handlers)), *_arms(handlers, lower)]
    clause = ast.ExceptHandler(nodes.load("Failure"), "failure", chosen)
    before = nodes.assign("before", nodes.attribute(nodes.load("x"), "response"))
    return [nodes.place(made, handlers[0].span) for made in (before, ast.Try(body, [clause], [], []))]


def _is(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [ast.Is()], [right])


def _choose(handlers: Sequence[tree.On]) -> ast.expr:
    """An expression for the number of the handler, -1 for none: exact kinds first, then the longest `kind.*`."""
    patterns = [(pattern, number) for number, handler in enumerate(handlers) for pattern in handler.patterns]
    patterns.sort(key=lambda pair: (pair[0].wild, -len(pair[0].kind)))
    choice: ast.expr = nodes.constant(-1)
    kind = nodes.attribute(nodes.load("failure"), "kind")
    for pattern, number in reversed(patterns):
        if pattern.wild:
            test: ast.expr = nodes.call(nodes.attribute(kind, "startswith"), nodes.constant(f"{pattern.kind}."))
        else:
            test = ast.Compare(kind, [ast.Eq()], [nodes.constant(pattern.kind)])
        choice = ast.IfExp(test, nodes.constant(number), choice)
    return choice


def _arms(handlers: Sequence[tree.On], lower: LowerBlock) -> list[ast.stmt]:
    chain: list[ast.stmt] = [ast.Raise()]
    for number, handler in reversed(list(enumerate(handlers))):
        again = ast.Raise(nodes.call("handler_failed", nodes.load("second")), nodes.load("second"))
        body = [
            nodes.assign("err", nodes.call("recover", nodes.load("x"), nodes.load("failure"), nodes.load("before"))),
            ast.Try(
                lower(handler.block) or [ast.Pass()],
                [ast.ExceptHandler(nodes.load("Failure"), "second", [again])],
                [],
                [],
            ),
            nodes.branch(_is(nodes.attribute(nodes.load("x"), "response"), nodes.load("before")), [ast.Raise()]),
        ]
        test = ast.Compare(nodes.load("which"), [ast.Eq()], [nodes.constant(number)])
        chain = [nodes.place(nodes.branch(test, body, chain), handler.span)]
    return chain
