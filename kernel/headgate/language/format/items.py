"""Items, and the file as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.language import tree
from headgate.language.format.expressions import Group, Show, Shown
from headgate.language.format.page import Part, begin, end
from headgate.language.format.statements import Piece, Row, Segment, Statements
from headgate.language.source import Span


class Items(Statements):
    """Printing of a file."""

    def file(self) -> str:
        """The whole file, with a newline at its end."""
        parts = [Part(self._edition(), lambda indent: f"policy {self.tree.edition}")]
        parts += [Part(item.span, self._item(item)) for item in self.tree.items]
        last = len(self.source.lines) + 1
        return self.sequence(parts, (0, 0), (last, 1), 0) + "\n"

    def _edition(self) -> Span:
        """Where the first line stands that is no comment."""
        number = next(
            number
            for number, line in enumerate(self.source.lines, 1)
            if line.lstrip("\ufeff \t\f\v\xa0\r")[:1] not in ("", "#")
        )
        return Span(self.source.name, number, 1, number, len(self.source.line(number).partition("#")[0]) + 1)

    def _item(self, item: tree.Item) -> Show:
        return lambda indent: self.line(item.span, self._segments(item), indent)

    def _segments(self, item: tree.Item) -> list[Segment]:
        match item:
            case tree.Import(path_span=path, name=name):
                return [Row((f"import {self.slice(path)} as {name}",))]
            case tree.Const(name=name, value=value):
                return [Row((f"const {name} =", value))]
            case tree.Resource():
                return self._resource(item)
            case tree.TypeDef(name=name, fields=fields):
                return [Row((f"type {name}", self._braces(item.span, fields)))]
            case tree.Fragment(name=name, params=params, body=body):
                return [Row((self._params(f"fragment {name}", item.span, params),)), body]
            case tree.Route():
                head = f"route {item.name} {', '.join(item.methods)} {item.path.raw}"
                public = ("public",) if item.public else ()
                return [Row((head, *item.options, *public)), item.body]
            case tree.Always():
                return self._always(item)
            case tree.Test(name_span=name, fragment=fragment, body=body):
                called = () if fragment is None else ("with", self.use_call(fragment))
                return [Row(("test", self.slice(name), *called)), body]
        raise TypeError(f"{type(item).__name__} is no item")

    def _resource(self, item: tree.Resource) -> list[Segment]:
        head: Piece = f"{item.kind} {item.name}"
        if item.params:
            head = self._params(str(head), item.span, item.params)
        return [Row((head, self._braces(item.span, item.attrs)))]

    def _always(self, item: tree.Always) -> list[Segment]:
        word = "never" if item.never else "always"
        rule = f"{word} {item.subject} {item.relation} {item.object}"
        return [Row((rule,) if item.unless is None else (rule, "except", item.unless))]

    def _braces(self, span: Span, parts: Sequence[tree.FieldDef] | Sequence[tree.Argument]) -> Group:
        """The `{ … }` of a resource or a type: on one line if the item was."""
        shown: list[tuple[Span, Shown]] = [
            (part.span, (f"{part.name} = ", part.value) if isinstance(part, tree.Argument) else part) for part in parts
        ]
        broken = span.line != span.end_line
        return Group("{", "}", shown, begin(span), end(span), broken, comma="", pad=" ")

    def _params(self, head: str, span: Span, params: tuple[tree.Param, ...]) -> Group:
        shown: list[tuple[Span, Shown]] = [(param.span, param) for param in params]
        start = (span.line, self.source.line(span.line).find("(", span.column) + 2)
        broken = bool(params) and params[0].span.line > span.line
        stop = end(params[-1].span) if params else start
        return Group(f"{head}(", ")", shown, start, stop, broken)
