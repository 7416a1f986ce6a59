"""Values that are known when the policy loads: literals, constants, and what is made of them."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from headgate.language import tree
from headgate.language.types import NEVER

if TYPE_CHECKING:
    from headgate.language.check.result import Checked

UNFOLDED: Final = object()
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}


class Folder:
    """Folds an expression whose parts were folded before it (`checked.constants` holds them)."""

    def __init__(self, checked: Checked, observing: frozenset[str] = frozenset()) -> None:
        self.checked = checked
        self.observing = observing  # functions of what a test observes

    def fold(self, expr: tree.Expr) -> Any:
        """The value of a constant expression in the form of `contracts.values`, else UNFOLDED."""
        match expr:
            case tree.Literal(kind="percent", value=value):
                return float(str(value))
            case tree.Literal(value=value):
                return value
            case tree.Grouped(inner=inner):
                return self._known(inner)
            case tree.ListOf(items=items):
                return self._all(items)
            case tree.ObjectOf(pairs=pairs):
                values = self._all(tuple(value for _, value in pairs))
                return values if values is UNFOLDED else dict(zip((key for key, _ in pairs), values, strict=True))
            case tree.Interpolation(parts=parts):
                return self._text(parts)
            case tree.Name() | tree.Attr():
                symbol = self.checked.symbols.get(expr)
                if symbol is not None and symbol.kind == "const":
                    return self._known(symbol.ref.value)
            case tree.Call() if expr in self.checked.functions:
                return self._call(expr)
            case tree.Unary(op="-", operand=operand):
                value = self._known(operand)
                known = value is not UNFOLDED and self.checked.types.get(expr, NEVER) != NEVER
                return -value if known else UNFOLDED
            case tree.Binary(op=op) if op in _ARITHMETIC:
                return self._arithmetic(expr)
        return UNFOLDED

    def _known(self, expr: tree.Expr) -> Any:
        return self.checked.constants.get(expr, UNFOLDED)

    def _all(self, exprs: tuple[tree.Expr, ...]) -> Any:
        values = [self._known(expr) for expr in exprs]
        return UNFOLDED if any(value is UNFOLDED for value in values) else values

    def _text(self, parts: tuple[str | tree.Expr, ...]) -> Any:
        pieces = [part if isinstance(part, str) else self._shown(part) for part in parts]
        return UNFOLDED if any(piece is UNFOLDED for piece in pieces) else "".join(pieces)

    def _shown(self, part: tree.Expr) -> Any:
        """A constant inside a text, where its form is plain."""
        value = self._known(part)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if type(value) in (str, int) else UNFOLDED

    def _arithmetic(self, expr: tree.Binary) -> Any:
        left, right = self._known(expr.left), self._known(expr.right)
        if left is UNFOLDED or right is UNFOLDED or self.checked.types.get(expr, NEVER) == NEVER:
            return UNFOLDED
        try:
            return _ARITHMETIC[expr.op](left, right)
        except ZeroDivisionError:
            self.checked.report("E110", "this divides by zero", expr.span)
        except OverflowError:
            self.checked.report("E110", "this is too large to be worked out", expr.span)
        return UNFOLDED

    def _call(self, expr: tree.Call) -> Any:
        bound = self.checked.functions[expr]
        if bound.spec.name in self.observing:
            return UNFOLDED
        args = {name: self._known(value) for name, value in bound.args.items()}
        if any(value is UNFOLDED for value in args.values()):
            return UNFOLDED
        positional = [param.name for param in bound.spec.params[: bound.spec.positional] if param.name in args]
        values = [args.pop(name) for name in positional]
        try:
            return bound.spec.call(*values, **args)
        except Exception as error:  # a plugin's function may raise anything
            self.checked.report("E110", f"`{bound.spec.name}` cannot be worked out: {error}", expr.span)
            return UNFOLDED
