"""Short ways to write Python syntax nodes, each with a place in a policy."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from keyword import iskeyword
from typing import TypeVar

from headgate.language.source import Span

N = TypeVar("N", bound=ast.AST)


def place(node: N, span: Span) -> N:
    """Give a node and all below it that have none the place of `span`.

    What has a place got it with all that is below it, and nothing is put into it later: nobody looks there again.
    """
    line, column = span.line, span.column - 1
    end, end_column = max(span.end_line, line), max(span.end_column - 1, 0)
    left: list[ast.AST] = [node]
    while left:
        inner = left.pop()
        if inner._attributes:
            if hasattr(inner, "lineno"):
                continue
            inner.lineno, inner.col_offset = line, column  # type: ignore[attr-defined]
            inner.end_lineno, inner.end_col_offset = end, end_column  # type: ignore[attr-defined]
        for name in inner._fields:
            value = getattr(inner, name, None)
            if value.__class__ is list:
                left += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST):
                left.append(value)
    return node


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def constant(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]


def attribute(base: ast.expr, *names: str) -> ast.expr:
    for name in names:
        base = ast.Attribute(base, name, ast.Load())
    return base


def call(function: str | ast.expr, *args: ast.expr, **named: ast.expr) -> ast.Call:
    target = load(function) if isinstance(function, str) else function
    return ast.Call(
        target,
        list(args),
        [ast.keyword(f"{name}_" if iskeyword(name) else name, value) for name, value in named.items()],
    )


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([store(name)], value)


def expression(value: ast.expr) -> ast.Expr:
    return ast.Expr(value)


def returns(value: ast.expr | None = None) -> ast.Return:
    return ast.Return(value)


def branch(test: ast.expr, body: Sequence[ast.stmt], otherwise: Iterable[ast.stmt] = ()) -> ast.If:
    return ast.If(test, list(body) or [ast.Pass()], list(otherwise))


def is_none(value: ast.expr, *, negated: bool = False) -> ast.Compare:
    return ast.Compare(value, [ast.IsNot() if negated else ast.Is()], [constant(None)])


def function(
    name: str, params: Sequence[str], body: list[ast.stmt], *, waits: bool, defaults: Sequence[ast.expr] = ()
) -> ast.stmt:
    """A `def`, or an `async def` where a line in it has to wait."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(param) for param in params],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=list(defaults),
    )
    kind = ast.AsyncFunctionDef if waits else ast.FunctionDef
    node = kind(name=name, args=arguments, body=body or [ast.Pass()], decorator_list=[], returns=None)
    if "type_params" in kind._fields:
        node.type_params = []  # type: ignore[union-attr]  # Python 3.12 and later
    return node
