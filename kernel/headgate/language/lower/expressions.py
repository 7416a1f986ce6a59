"""Expressions as Python expressions. They never wait, so none of them is awaited."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from headgate.contracts.values import StatusClass
from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators
from headgate.language.check.result import Checked
from headgate.language.check.scope import Symbol
from headgate.language.lower import nodes
from headgate.language.lower.pool import Pool
from headgate.language.lower.resources import lower_resource_call
from headgate.language.lower.roots import Roots
from headgate.language.runtime import NetworkSet, compile_pattern

_COMPARE: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "in": ast.In, "not in": ast.NotIn,
}  # fmt: skip
_ARITHMETIC: dict[str, type[ast.operator]] = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "%": ast.Mod,
}  # fmt: skip
_SHOW: dict[t.Type, str] = {t.TIME: "show_time", t.DURATION: "show_duration", t.PERCENT: "show_percent"}
_LITERAL = (bool, int, float, str, bytes, type(None))


class Expressions:
    """Lowers the expressions of one place. `roots` says where `request`, `caller` and the others are found."""

    def __init__(self, checked: Checked, pool: Pool, roots: Roots) -> None:
        self.checked = checked
        self.pool = pool
        self.roots = roots

    def lower(self, expr: tree.Expr) -> ast.expr:
        """The Python expression for `expr`, placed where it stands."""
        return nodes.place(self._lower(expr), expr.span)

    def constant(self, value: Any) -> ast.expr:
        """A value that is known now: a literal where Python has one, else an entry of the pool."""
        if type(value) in _LITERAL:
            return nodes.constant(value)
        return nodes.load(self.pool.constant(value))

    def _lower(self, expr: tree.Expr) -> ast.expr:
        if expr in self.checked.constants:
            return self.constant(self.checked.constants[expr])
        match expr:
            case tree.Grouped(inner=inner):
                return self._lower(inner)
            case tree.Name():
                return self._symbol(self.checked.symbols[expr])
            case tree.Attr():
                return self._attr(expr)
            case tree.Index():
                return self._index(expr)
            case tree.Interpolation():
                return self.text(expr)
            case tree.Call():
                return self._call(expr)
            case tree.ListOf(items=items):
                return ast.List([self.lower(item) for item in items], ast.Load())
            case tree.ObjectOf(pairs=pairs):
                keys: list[ast.expr | None] = [nodes.constant(key) for key, _ in pairs]
                return ast.Dict(keys, [self.lower(value) for _, value in pairs])
            case tree.Presence(operand=operand, present=present):
                return nodes.is_none(self.lower(operand), negated=present)
            case tree.Unary(op=op, operand=operand):
                return ast.UnaryOp(ast.Not() if op == "not" else ast.USub(), self.lower(operand))
            case tree.Binary():
                return self._binary(expr)
        raise AssertionError(f"no lowering for {type(expr).__name__}")

    def _symbol(self, symbol: Symbol) -> ast.expr:
        if symbol.kind == "local":
            return nodes.load(f"v_{symbol.name}")
        if symbol.kind == "resource":
            return self.roots.resource(symbol, self.pool)
        if symbol.kind == "const":
            return self.constant(self.checked.constants[symbol.ref.value])
        return self.roots.root(symbol.name)

    # --- fields and places -------------------------------------------------------------------------------------------

    def _attr(self, expr: tree.Attr) -> ast.expr:
        symbol = self.checked.symbols.get(expr)
        if symbol is not None:
            return self._symbol(symbol)
        special = self._rooted(expr, expr.name)
        if special is not None:
            return special
        base = self.checked.types[expr.base]
        return self._through(expr.base, base, lambda value: self._field(value, t.strip(base), expr.name))

    def _index(self, expr: tree.Index) -> ast.expr:
        key = self.lower(expr.key)
        special = self._rooted(expr, None, key)
        if special is not None:
            return special
        base = self.checked.types[expr.base]
        return self._through(expr.base, base, lambda value: self._item(value, t.strip(base), key))

    def _rooted(self, expr: tree.Attr | tree.Index, name: str | None, key: ast.expr | None = None) -> ast.expr | None:
        """`request.method`, `request.header["x"]`, `err.wait`: fields that roots find in their own way."""
        base = expr.base
        if isinstance(base, tree.Name) and name is not None and self._is_root(base):
            return self.roots.field(base.name, name, self._maybe(base))
        if isinstance(base, tree.Attr) and isinstance(base.base, tree.Name) and self._is_root(base.base):
            place = key if key is not None else nodes.constant(name)
            return self.roots.entry(base.base.name, base.name, place, self._maybe(base.base))
        return None

    def _is_root(self, name: tree.Name) -> bool:
        symbol = self.checked.symbols.get(name)
        return symbol is not None and symbol.kind == "root"

    def _maybe(self, base: tree.Expr) -> bool:
        return isinstance(self.checked.types.get(base), t.Optional)

    def _through(self, base: tree.Expr, kind: t.Type, use: Callable[[ast.expr], ast.expr]) -> ast.expr:
        """`use` of the base, or None where the base is absent."""
        if not isinstance(kind, t.Optional):
            return use(self.lower(base))
        name = self.pool.fresh("_t")
        bound = ast.NamedExpr(nodes.store(name), self.lower(base))
        return ast.IfExp(nodes.is_none(bound), nodes.constant(None), use(nodes.load(name)))

    def _field(self, value: ast.expr, kind: t.Type, name: str) -> ast.expr:
        if isinstance(kind, t.Record) and not kind.mapping:
            return nodes.attribute(value, name)
        if isinstance(kind, t.Record) and kind.field(name) is not None and not isinstance(kind.field(name), t.Optional):
            return ast.Subscript(value, nodes.constant(name), ast.Load())
        return self._item(value, kind, nodes.constant(name))

    def _item(self, value: ast.expr, kind: t.Type, key: ast.expr) -> ast.expr:
        if isinstance(kind, t.ListType):
            return nodes.call("item", value, key)
        if isinstance(kind, (t.MapType, t.Record)):
            return nodes.call(nodes.attribute(value, "get"), key)
        return nodes.call("json_field", value, key)

    # --- text --------------------------------------------------------------------------------------------------------

    def text(self, expr: tree.Expr, place: str = "") -> ast.expr:
        """A text. In a `url` each interpolated value is one encoded component, in a `path` it stays in its segment."""
        if not isinstance(expr, tree.Interpolation) or expr in self.checked.constants:
            return self.lower(expr)
        parts: list[ast.expr] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(nodes.constant(part))
            else:
                parts.append(ast.FormattedValue(self._shown(part, place), -1, None))
        return nodes.place(ast.JoinedStr(parts), expr.span)

    def _shown(self, part: tree.Expr, place: str) -> ast.expr:
        value, kind = self.lower(part), self.checked.types[part]
        if place == "url":
            return nodes.call("url_path" if self._is_path(part) else "url_part", value)
        if place == "path" and not self._is_path(part):
            return nodes.call("path_part", value)
        if operators.base(kind) in (t.TEXT, t.IP):
            return value
        return nodes.call(_SHOW.get(kind, "show"), value)

    def _is_path(self, part: tree.Expr) -> bool:
        """`request.path`, or a parameter of the route's path: parts of the one canonical path."""
        base = part.base if isinstance(part, tree.Attr) else None
        if isinstance(base, tree.Attr) and base.name == "params":
            base = base.base
        elif not (isinstance(part, tree.Attr) and part.name == "path"):
            return False
        return isinstance(base, tree.Name) and base.name == "request" and self._is_root(base)

    def _call(self, expr: tree.Call) -> ast.expr:
        if expr in self.checked.calls:
            return lower_resource_call(self, self.checked.calls[expr])
        bound = self.checked.functions[expr]
        positional = [param.name for param in bound.spec.params[: bound.spec.positional] if param.name in bound.args]
        args = [self.lower(bound.args[name]) for name in positional]
        named = {name: self.lower(value) for name, value in bound.args.items() if name not in positional}
        observed = self.roots.function(bound.spec.name)
        target = observed if observed is not None else nodes.load(self.pool.constant(bound.spec.call))
        return nodes.call(target, *args, **named)

    # --- operators ---------------------------------------------------------------------------------------------------

    def _binary(self, expr: tree.Binary) -> ast.expr:
        op = expr.op
        if op in ("and", "or"):
            kind: ast.boolop = ast.And() if op == "and" else ast.Or()
            return ast.BoolOp(kind, [self.lower(expr.left), self.lower(expr.right)])
        if op == "??":
            name = self.pool.fresh("_t")
            left = ast.NamedExpr(nodes.store(name), self.lower(expr.left))
            return ast.IfExp(nodes.is_none(left), self.lower(expr.right), nodes.load(name))
        if op == "matches":
            pattern = self.constant(compile_pattern(self.checked.constants[expr.right]))
            return nodes.call("full_match", pattern, self.lower(expr.left))
        if op in _ARITHMETIC:
            return ast.BinOp(self.lower(expr.left), _ARITHMETIC[op](), self.lower(expr.right))
        if op in ("==", "!="):
            return self._equality(expr)
        if op in ("in", "not in"):
            return self._membership(expr)
        return ast.Compare(self.lower(expr.left), [_COMPARE[op]()], [self.lower(expr.right)])

    def _equality(self, expr: tree.Binary) -> ast.expr:
        left, right = self.lower(expr.left), self.lower(expr.right)
        if isinstance(self.checked.constants.get(expr.right), StatusClass):
            return ast.Compare(left, [ast.In() if expr.op == "==" else ast.NotIn()], [right])
        kinds = (self.checked.types.get(expr.left), self.checked.types.get(expr.right))
        if expr.op == "==" and all(isinstance(kind, t.Optional) or kind in (t.NONE, t.JSON) for kind in kinds):
            return nodes.call("equal", left, right)
        return ast.Compare(left, [_COMPARE[expr.op]()], [right])

    def _membership(self, expr: tree.Binary) -> ast.expr:
        left, right = self.lower(expr.left), self.lower(expr.right)
        value = self.checked.constants.get(expr.right)
        of_ip = t.strip(self.checked.types[expr.left]) == t.IP
        if of_ip and isinstance(value, list):
            right = nodes.load(self.pool.constant(NetworkSet(value)))
        elif of_ip and isinstance(self.checked.types[expr.right], t.ListType):
            right = nodes.call("NetworkSet", right)
        elif isinstance(value, list) and all(isinstance(item, (str, int, float, bool)) for item in value):
            right = nodes.load(self.pool.constant(frozenset(value)))
        if self.checked.types[expr.right] == t.JSON:
            found: ast.expr = nodes.call("within", left, right)
            return found if expr.op == "in" else ast.UnaryOp(ast.Not(), found)
        return ast.Compare(left, [_COMPARE[expr.op]()], [right])
