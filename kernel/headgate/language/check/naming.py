"""What names, fields and entries stand for.

Roots such as `request` are made of places: a part of one is a value, the whole is none.
"""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.fitting import Fitting, Surroundings
from headgate.language.check.modules import Module
from headgate.language.check.result import Checked
from headgate.language.check.roots import ROOTS, VALUES
from headgate.language.check.scope import Scope, Symbol
from headgate.language.check.wording import a_type
from headgate.language.source import Span
from headgate.language.suggest import suggest

# What has a name, but is no value; and what to do with it.
NO_VALUES = {"module": "an import", "type": "a type", "fragment": "a fragment"}
_USES = {
    "module": "name something of it: `edge.trusted`",
    "type": "it says what a value looks like, and stands where a step or a parameter takes a type",
    "fragment": "a fragment is called by a line of its own: `use standard()`",
}

# Roots and parts of them that are made of places, each with a place for the help.
WHOLE = {
    "request": "request.path",
    "request.header": 'request.header["x-name"]',
    "request.query": 'request.query["name"]',
    "request.cookie": 'request.cookie["name"]',
    "response": "response.status",
    "response.header": 'response.header["x-name"]',
    "route": "route.name",
    "err": "err.message",
}


class Naming(Fitting):
    """Types for names, `a.b` and `a["b"]`."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        super().__init__(checked, around)
        self.bases: set[tree.Expr] = set()

    def settle(self, place: tree.Expr, scope: Scope) -> None:
        """Type a place that a line sets: all of it may stand there, but no whole that is made of places."""
        self.base(place, scope)

    def _name(self, expr: tree.Name, scope: Scope) -> t.Type:
        symbol = scope.find(expr.name) or self._root(expr.name)
        if symbol is None:
            self._unknown(expr, scope)
            return t.NEVER
        self.checked.symbols[expr] = symbol
        return symbol.type

    def base(self, expr: tree.Expr, scope: Scope) -> t.Type:
        """The type of what a field or an entry is asked of: there, `request` and an import may stand too."""
        if isinstance(expr, (tree.Name, tree.Attr)):
            self.bases.add(expr)
        return self.infer(expr, scope)

    def _whole(self, expr: tree.Name | tree.Attr, kind: t.Type) -> t.Type:
        """What is no value by itself: an import, a type, a fragment; and roots, which are made of places."""
        symbol = self.checked.symbols.get(expr)
        if expr in self.bases:
            return kind
        node = symbol.ref.node if symbol is not None and symbol.kind == "resource" and symbol.ref is not None else None
        if isinstance(node, tree.Resource) and node.params and not self.around.testing:
            self.checked.report(
                "E103", f"`{node.name}` takes values, and this gives it none", expr.span,
                help=f"write `{self.written(expr)}({', '.join(f'{param.name}=…' for param in node.params)})`",
            )  # fmt: skip
            return t.NEVER
        if symbol is not None and symbol.kind in NO_VALUES:
            message = f"`{symbol.name}` is {NO_VALUES[symbol.kind]}, not a value"
            self.checked.report("E103", message, expr.span, help=_USES.get(symbol.kind, ""))
            return t.NEVER
        place = None if self.around.testing or isinstance(kind, t.Never) else self._root_place(expr, symbol)
        if place is None or isinstance(t.strip(kind), t.Never):
            return kind
        self.checked.report(
            "E101", f"`{place}` is not one value", expr.span, help=f"name a part of it: `{WHOLE[place]}`"
        )
        return t.NEVER

    def _root_place(self, expr: tree.Name | tree.Attr, symbol: Symbol | None) -> str | None:
        name = expr if isinstance(expr, tree.Name) else expr.base
        symbol = symbol if name is expr else self.checked.symbols.get(name)
        place = self.place(expr)
        return place if symbol is not None and symbol.kind == "root" and place in WHOLE else None

    def _root(self, name: str) -> Symbol | None:
        around = self.around
        if name == "err" and around.err is not None:
            return Symbol("root", "err", around.err)
        if around.testing or around.apart:
            return None
        if name == "request" and around.params is not None:
            fields = tuple((key, around.params if key == "params" else kind) for key, kind in ROOTS[name].type.fields)
            return Symbol("root", name, t.Record("request", fields))
        if name in ROOTS:
            root = ROOTS[name]
            maybe = around.closing and root.needs in ("auth", "response")
            return Symbol("root", name, t.Optional(root.type) if maybe else root.type, root)
        if name in VALUES:
            return Symbol("root", name, VALUES[name][0], VALUES[name])
        return None

    def _unknown(self, expr: tree.Name, scope: Scope) -> None:
        if self.checked.is_lost(self.around.module.name, expr.name):
            return
        roots = [] if self.around.testing or self.around.apart else [*ROOTS, *VALUES]
        guess = suggest(expr.name, [*scope.all_names(), *roots])
        elsewhere = self._elsewhere(expr)
        self.checked.report(
            "E003",
            f"there is no `{expr.name}` here",
            expr.span,
            note=self._why_unknown(expr.name),
            help=f"did you mean `{guess}`?" if guess and not elsewhere else "",
            related=elsewhere,
        )

    def _why_unknown(self, name: str) -> str:
        if name == "err":
            return "`err` exists inside `on … { }`"
        if self.around.testing and (name in ROOTS or name in VALUES):
            return "a test sees what came back: status, response, served, usage, caller, outcome, logged, sent(…)"
        if self.around.apart and (name in ROOTS or name in VALUES):
            return "a resource sees its parameters only: give it one more, and pass the value where it is called"
        return "a function is called: `" + name + "(…)`" if name in self.checked.vocabulary.functions else ""

    def _elsewhere(self, expr: tree.Name) -> tuple[tuple[Span, str], ...]:
        """Where the name does have a meaning in this file, if it has one."""
        for item in self.around.module.file.items:
            if isinstance(item, (tree.Const, tree.Resource)) and item.name == expr.name:
                return ((item.span, "it is declared here, below the line that uses it"),)
        for bind in self.checked.binds_of(self.around.module.name, expr.name):
            if (bind.span.line, bind.span.column) < (expr.span.line, expr.span.column):
                return (
                    (
                        bind.span,
                        "it was bound here, and is gone at the end of that block; `} as …` binds what a step's block gives",
                    ),
                )
        return ()

    def _attr(self, expr: tree.Attr, scope: Scope) -> t.Type:
        base = self.base(expr.base, scope)
        symbol = self.checked.symbols.get(expr.base)
        if symbol is not None and symbol.kind in ("type", "fragment"):
            self.bases.discard(expr.base)
            return self._whole(expr.base, base) if isinstance(expr.base, (tree.Name, tree.Attr)) else t.NEVER
        if symbol is not None and symbol.kind == "module":
            return self._member(expr, symbol.ref)
        if isinstance(base, t.Optional):
            inner = self._field(expr, base.inner)
            return inner if isinstance(inner, (t.Optional, t.Never)) else t.Optional(inner)
        return self._field(expr, base)

    def _member(self, expr: tree.Attr, module: Module) -> t.Type:
        symbol = self.checked.exports[module.name].find(expr.name)
        if symbol is None and self.checked.is_lost(module.name, expr.name):
            return t.NEVER
        if symbol is None:
            guess = suggest(expr.name, list(self.checked.exports[module.name].names))
            self.checked.report(
                "E003",
                f"{module.name} has no `{expr.name}`",
                expr.name_span,
                help=f"did you mean `{guess}`?" if guess else "",
            )
            return t.NEVER
        self.checked.symbols[expr] = symbol
        return symbol.type

    def _field(self, expr: tree.Attr, base: t.Type) -> t.Type:
        if isinstance(base, t.Never):
            return t.NEVER
        if isinstance(base, t.Record):
            found = base.field(expr.name)
            if found is not None:
                return found
            if base.open:
                return t.Optional(t.JSON)
            names = [name for name, _ in base.fields]
            guess = suggest(expr.name, names)
            help = f"did you mean `{guess}`?" if guess else f"it has: {', '.join(names) or 'no fields'}"
            if base is self.around.params and not guess:
                help = f"the path of the route names its parameters: `/{{{expr.name}}}`"
            self.checked.report("E105", f"`{self.written(expr.base)}` has no `{expr.name}`", expr.name_span, help=help)
            return t.NEVER
        if isinstance(base, t.MapType):
            return t.Optional(base.value)
        if base == t.JSON:
            return t.Optional(t.JSON)
        self.checked.report("E105", f"{a_type(base)} has no fields", expr.name_span, f"`.{expr.name}` asks for one")
        return t.NEVER

    def _index(self, expr: tree.Index, scope: Scope) -> t.Type:
        base = t.strip(self.base(expr.base, scope))
        if isinstance(base, t.ListType):
            self.want(expr.key, scope, t.INT, "the place in a list")
            return t.Optional(t.strip(base.item))
        if isinstance(base, t.MapType):
            self.want(expr.key, scope, t.TEXT, "the key")
            return t.Optional(t.strip(base.value))
        key = self.present(expr.key, scope, "nothing can be looked up by it")
        if base == t.JSON:
            if not any(kind.accepts(key) for kind in (t.TEXT, t.INT, t.JSON)):
                self.checked.report("E101", f"the key is text or a number, not {a_type(key)}", expr.key.span)
            return t.Optional(t.JSON)
        if not isinstance(base, t.Never):
            self.checked.report("E105", f"{a_type(base)} has no entries to look up", expr.span)
        return t.NEVER
