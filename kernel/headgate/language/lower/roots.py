"""Where `request`, `caller`, `response` and the other roots are found: one table for routes, one for tests.

A field that may be absent because its root may be (in `finally`, in tests) is asked for with care.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

from headgate.language.lower import nodes

if TYPE_CHECKING:
    from headgate.language.check.scope import Symbol
    from headgate.language.lower.pool import Pool

_ROOTS: dict[str, tuple[str, ...]] = {
    "caller": ("caller",),
    "served": ("served",),
    "outcome": ("outcome",),
    "duration": ("duration",),
    "client": ("client",),
    "route": ("route",),
    "request": ("request",),
    "response": ("response",),
}
_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("request", "params"): ("params",),
    ("request", "header"): ("request", "headers"),
    ("response", "header"): ("response", "headers"),
    ("response", "bytes"): ("bytes_out",),
    ("err", "kind"): ("failure", "kind"),
    ("err", "status"): ("failure", "status_hint"),
    ("err", "message"): ("failure", "message"),
}


class Roots(Protocol):
    """Finds roots, their fields (`request.method`) and entries (`request.header["x"]`), and a resource's value."""

    def root(self, name: str) -> ast.expr: ...
    def field(self, root: str, name: str, maybe: bool) -> ast.expr | None: ...
    def entry(self, root: str, field: str, key: ast.expr, maybe: bool) -> ast.expr | None: ...
    def function(self, name: str) -> ast.expr | None: ...
    def resource(self, symbol: Symbol, pool: Pool) -> ast.expr: ...


class ExchangeRoots:
    """Roots of a running exchange: everything hangs on `x`."""

    def root(self, name: str) -> ast.expr:
        if name == "now":
            return nodes.call(nodes.attribute(nodes.load("x"), "node", "clock", "time"))
        if name == "usage":
            return ast.BoolOp(ast.Or(), [nodes.attribute(nodes.load("x"), "usage"), nodes.call("no_usage")])
        if name == "err":
            return nodes.load("err")
        return nodes.attribute(nodes.load("x"), *_ROOTS[name])

    def field(self, root: str, name: str, maybe: bool) -> ast.expr | None:
        if root == "err":
            known = _FIELDS.get(("err", name))
            base = nodes.load("err")
            if known is None:
                return nodes.call(nodes.attribute(base, "field"), nodes.constant(name))
            return nodes.attribute(base, *known)
        value = nodes.attribute(nodes.load("x"), *_FIELDS[root, name]) if (root, name) in _FIELDS else None
        if value is None:
            value = nodes.attribute(self.root(root), name)
        return self._careful(root, value) if maybe else value

    def entry(self, root: str, field: str, key: ast.expr, maybe: bool) -> ast.expr | None:
        base = nodes.load("x")
        if field == "header":
            value: ast.expr = nodes.call(nodes.attribute(base, root, "headers", "text"), key)
        elif root == "request" and field in ("query", "cookie"):
            method = "query_value" if field == "query" else "cookie"
            value = nodes.call(nodes.attribute(base, "request", method), key)
        elif root == "request" and field == "params":
            value = nodes.call(nodes.attribute(base, "params", "get"), key)
        else:
            return None
        return self._careful(root, value) if maybe else value

    def function(self, name: str) -> ast.expr | None:
        return None

    def resource(self, symbol: Symbol, pool: Pool) -> ast.expr:
        return nodes.load(pool.resource(symbol.ref))

    def _careful(self, root: str, value: ast.expr) -> ast.expr:
        return ast.IfExp(nodes.is_none(self.root(root)), nodes.constant(None), value)


class ObservedRoots:
    """Roots of a test: what was observed of the last `send` hangs on `o`. A resource is its own name."""

    def root(self, name: str) -> ast.expr:
        return nodes.attribute(nodes.load("o"), name)

    def field(self, root: str, name: str, maybe: bool) -> ast.expr | None:
        value = nodes.attribute(self.root(root), name)
        return ast.IfExp(nodes.is_none(self.root(root)), nodes.constant(None), value) if maybe else value

    def entry(self, root: str, field: str, key: ast.expr, maybe: bool) -> ast.expr | None:
        return None

    def function(self, name: str) -> ast.expr | None:
        from headgate.language.check.scenarios import OBSERVING

        return nodes.attribute(nodes.load("o"), name) if name in OBSERVING else None

    def resource(self, symbol: Symbol, pool: Pool) -> ast.expr:
        return nodes.constant(symbol.name)
