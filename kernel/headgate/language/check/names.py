"""Binding names: once in all the scopes that see them, and never a name of the language."""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.result import Checked
from headgate.language.check.roots import ROOTS, VALUES
from headgate.language.check.scope import Scope, Symbol
from headgate.language.source import Span

RESERVED = frozenset({*ROOTS, *VALUES, "err"})


def bind(checked: Checked, scope: Scope, name: str, span: Span, symbol: Symbol) -> bool:
    """Give a name its meaning; a name is bound once in all the scopes that see it."""
    before = scope.find(name)
    if before is not None and before.span is not None:
        checked.report(
            "E006", f"`{name}` has a meaning already", span,
            related=((before.span, "it was bound here"),), help="choose another name; a name is bound once",
        )  # fmt: skip
    elif name in RESERVED:
        checked.report("E006", f"`{name}` is a name of the language", span, help="choose another name")
    else:
        scope.names[name] = Symbol(symbol.kind, name, symbol.type, symbol.ref, span)
        scope.forget(name)
        return True
    return False


def bind_name(checked: Checked, scope: Scope, name: tree.Bind, kind: t.Type, ref: object) -> None:
    """Bind the name of an `as` or a `let`."""
    symbol = Symbol("local", name.name, kind, ref, name.span)
    if bind(checked, scope, name.name, name.span, symbol):
        checked.locals[name] = symbol
        checked.binds.setdefault((name.span.file, name.name), []).append(name)
