"""Types as they are written, made into types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.language import tree
from headgate.language import types as t
from headgate.language.suggest import suggest

if TYPE_CHECKING:
    from headgate.language.check.result import Checked
    from headgate.language.check.scope import Scope

# What other languages call the types.
_MEANT = {
    "string": "text", "str": "text", "integer": "int", "float": "number", "double": "number", "decimal": "number",
    "boolean": "bool", "array": "list[…]", "object": "map[…]", "dict": "map[…]", "any": "json", "date": "time",
}  # fmt: skip
_BOUNDABLE = frozenset({t.TEXT, t.INT, t.NUMBER, t.BYTES, t.DURATION, t.SIZE})


class TypeNames:
    """Resolves the types of one file against its names."""

    def __init__(self, checked: Checked, scope: Scope) -> None:
        self.checked = checked
        self.scope = scope

    def resolve(self, written: tree.TypeExpr) -> t.Type:
        """The type; `Never` with a finding where there is none."""
        kind = self._plain(written)
        return t.Optional(kind) if written.optional else kind

    def _plain(self, written: tree.TypeExpr) -> t.Type:
        if written.choices:
            return t.Choice(written.choices)
        name = written.name or ""
        if name in ("list", "map"):
            return self._container(written, name)
        found = self._named(name)
        if found is None and self.checked.is_lost(written.span.file, name.partition(".")[0]):
            return t.NEVER
        if found is None:
            guess = _MEANT.get(name.lower()) or suggest(name, self._names())
            self.checked.report(
                "E112", f"there is no type `{name}`", written.span, help=f"did you mean `{guess}`?" if guess else ""
            )
            return t.NEVER
        return self._bounded(written, found) if written.bounded else found

    def _names(self) -> list[str]:
        types = [name for name in self.scope.all_names() if (found := self.scope.find(name)) and found.kind == "type"]
        return [*t.NAMED, "list", "map", *types, *self.checked.vocabulary.resources]

    def _named(self, name: str) -> t.Type | None:
        if name in t.NAMED:
            return t.NAMED[name]
        head, _, rest = name.partition(".")
        symbol = self.scope.find(head)
        if symbol is not None and symbol.kind == "broken":
            return t.NEVER
        if rest and symbol is not None and symbol.kind == "module":
            symbol = self.checked.exports[symbol.ref.name].find(rest)
        if symbol is not None and symbol.kind == "type":
            return symbol.type
        return t.ResourceType(name) if name in self.checked.vocabulary.resources else None

    def _container(self, written: tree.TypeExpr, name: str) -> t.Type:
        if len(written.arguments) != 1:
            self.checked.report(
                "E112", f"`{name}` says what it holds", written.span, help=f"write `{name}[text]`"
            )  # fmt: skip
            return t.NEVER
        inner = self.resolve(written.arguments[0])
        return t.ListType(inner) if name == "list" else t.MapType(inner)

    def _bounded(self, written: tree.TypeExpr, kind: t.Type) -> t.Type:
        if not isinstance(kind, t.Scalar) or kind not in _BOUNDABLE:
            self.checked.report("E112", f"`{kind}` has no bounds", written.span)
            return kind
        low, high = (None if end is None else float(str(end.value)) for end in (written.low, written.high))
        if low is not None and high is not None and low > high:
            self.checked.report("E112", "the lower bound is above the upper one", written.span)
        return t.Bounded(kind, low, high)
