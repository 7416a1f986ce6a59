"""Expressions and types, flat and broken.

`flat` is the text on one line. `show` is the text at an indentation: flat if it may be and fits, else broken behind its
bracket, one element a line. `must_break` says whether the author broke it, or a comment or a triple-quoted text does.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.format.page import STEP, WIDTH, Page, Part, Place, begin, end
from headgate.language.source import Span

Shown = tree.Node | tuple[str, tree.Expr]  # the tuple is a value with what stands in front of it: `key: x`, `name = x`
Show = Callable[[int], str]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Group:
    """What stands in brackets: between `start` (behind the opener) and `stop`, broken by the author or not.

    `comma` separates the broken elements; flat ones are always separated by one. `pad` stands inside the flat brackets.
    """

    opener: str
    closer: str
    parts: list[tuple[Span, Shown]]
    start: Place
    stop: Place
    broken: bool
    comma: str = ","
    pad: str = ""


def quote(text: str) -> str:
    """A text as a literal without holes."""
    for plain, written in (
        ("\\", "\\\\"),
        ('"', '\\"'),
        ("\n", "\\n"),
        ("\t", "\\t"),
        ("\r", "\\r"),
        ("{", "{{"),
        ("}", "}}"),
    ):
        text = text.replace(plain, written)
    return f'"{text}"'


def key(text: str) -> str:
    """A key of an object: bare where it can be."""
    return text if _NAME.match(text) else quote(text)


def children(node: tree.Node) -> Iterator[tree.Node]:
    """The nodes directly below, whatever their depth in tuples."""
    stack: list[object] = [getattr(node, field.name) for field in dataclasses.fields(node)]
    while stack:
        value = stack.pop()
        if isinstance(value, tree.Node):
            yield value
        elif isinstance(value, tuple) and not isinstance(value, Span):
            stack.extend(value)


class Expressions(Page):
    """Printing of what gives a value."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._flat: dict[tree.Node, str] = {}
        self._must: dict[tree.Node, bool] = {}

    # --- flat ---

    def flat(self, node: Shown) -> str:
        if isinstance(node, tuple):
            return node[0] + self.flat(node[1])
        found = self._flat.get(node)
        if found is None:
            found = self._flat[node] = self._flatten(node)
        return found

    def _flatten(self, node: tree.Node) -> str:
        match node:
            case tree.Literal() | tree.Interpolation():
                return node.raw if isinstance(node, tree.Literal) and node.kind != "text" else self.slice(node.span)
            case tree.Name(name=name) | tree.Bind(name=name):
                return name
            case tree.Attr(base=base, name=name):
                return f"{self.flat(base)}.{name}"
            case tree.Index(base=base, key=place):
                return f"{self.flat(base)}[{self.flat(place)}]"
            case tree.Unary(op=op, operand=operand):
                return ("not " if op == "not" else op) + self.flat(operand)
            case tree.Binary(op=op, left=left, right=right):
                return f"{self.flat(left)} {op} {self.flat(right)}"
            case tree.Presence(operand=operand, present=present):
                return f"{self.flat(operand)} is {'present' if present else 'absent'}"
            case tree.Grouped(inner=inner):
                return f"({self.flat(inner)})"
            case tree.Argument(name=name, value=value):
                return f"{name}={self.flat(value)}"
            case tree.Param(name=name, type=kind, default=default):
                return f"{name}: {self.type(kind)}" + (f" = {self.flat(default)}" if default is not None else "")
            case tree.FieldDef(name=name, type=kind):
                return f"{name}: {self.type(kind)}"
        group = self.group(node)
        head = self.flat(node.function) if isinstance(node, tree.Call) else ""
        return head + self.flat_group(group)

    def flat_group(self, group: Group) -> str:
        if not group.parts:
            return group.opener + (" " if group.pad else "") + group.closer
        inner = ", ".join(self.flat(part) for _, part in group.parts)
        return f"{group.opener}{group.pad}{inner}{group.pad}{group.closer}"

    def type(self, kind: tree.TypeExpr) -> str:
        if kind.choices:
            text = " | ".join(quote(choice) for choice in kind.choices)
        else:
            text = kind.name or ""
            if kind.arguments:
                text += f"[{', '.join(self.type(argument) for argument in kind.arguments)}]"
            if kind.bounded:
                text += f"({kind.low.raw if kind.low else ''}..{kind.high.raw if kind.high else ''})"
        return text + ("?" if kind.optional else "")

    # --- brackets ---

    def group(self, node: tree.Node) -> Group:
        match node:
            case tree.Call(function=function, args=args, named=named, span=span):
                line, column = end(function.span)
                opening = self.source.line(line).find("(", column - 1)
                start = (line, opening + 2) if opening >= 0 else (line, column)
                parts: list[tuple[Span, Shown]] = [(one.span, one) for one in (*args, *named)]
                return Group("(", ")", parts, start, end(span), self.breaks_behind(start))
            case tree.ListOf(items=items, span=span):
                start = _behind(span)
                return Group(
                    "[", "]", [(item.span, item) for item in items], start, end(span), self.breaks_behind(start)
                )
            case tree.ObjectOf(pairs=pairs, span=span):
                start = _behind(span)
                shown: list[tuple[Span, Shown]] = [(value.span, (f"{key(name)}: ", value)) for name, value in pairs]
                return Group("{", "}", shown, start, end(span), self.breaks_behind(start))
        raise TypeError(f"{type(node).__name__} has no brackets")

    def must_break(self, node: Shown) -> bool:
        if isinstance(node, tuple):
            return self.must_break(node[1])
        found = self._must.get(node)
        if found is None:
            found = self._must[node] = self._breaks(node)
        return found

    def _breaks(self, node: tree.Node) -> bool:
        if isinstance(node, tree.Literal | tree.Interpolation):
            return node.span.line != node.span.end_line
        if isinstance(node, tree.Call | tree.ListOf | tree.ObjectOf):
            group = self.group(node)
            if group.parts and (group.broken or self.commented(node.span)):
                return True
        if isinstance(node, tree.Grouped) and self._group_breaks(node):
            return True
        return any(self.must_break(child) for child in children(node))

    def _group_breaks(self, node: tree.Grouped) -> bool:
        return self.breaks_behind(_behind(node.span))

    # --- broken ---

    def show(self, node: Shown, indent: int, *, force: bool = False) -> str:
        """The text at an indentation; with `force` the outermost brackets are broken, though they would fit."""
        if self.must_break(node) or force:
            return self._show(node, indent, force)
        text = self.flat(node)
        return text if indent + len(text) <= WIDTH else self._show(node, indent, force=True)

    def _show(self, node: Shown, indent: int, force: bool) -> str:
        if isinstance(node, tuple):
            return node[0] + self._inner(node[1], indent, force)
        match node:
            case tree.Literal() | tree.Interpolation():
                return self._text(node, indent)
            case tree.Attr(base=base, name=name):
                return f"{self._inner(base, indent, force)}.{name}"
            case tree.Index(base=base, key=place):
                return f"{self._inner(base, indent, force)}[{self._inner(place, indent, force)}]"
            case tree.Unary(op=op, operand=operand):
                return ("not " if op == "not" else op) + self._inner(operand, indent, force)
            case tree.Binary(op=op, left=left, right=right):
                return f"{self._inner(left, indent, force)} {op} {self._inner(right, indent, force)}"
            case tree.Presence(operand=operand, present=present):
                return f"{self._inner(operand, indent, force)} is {'present' if present else 'absent'}"
            case tree.Argument(name=name, value=value):
                return f"{name}={self._inner(value, indent, force)}"
            case tree.Param(name=name, type=kind, default=default) if default is not None:
                return f"{name}: {self.type(kind)} = {self._inner(default, indent, force)}"
            case tree.Grouped(inner=inner) if force or self._group_breaks(node):
                return self._chain(inner, indent)
            case tree.Grouped(inner=inner):
                return f"({self._inner(inner, indent, force)})"
            case tree.Call() | tree.ListOf() | tree.ObjectOf():
                return self._bracketed(node, indent, force)
        return self.flat(node)

    def _inner(self, node: Shown, indent: int, force: bool) -> str:
        """A part of an expression: how long it is, is known to the whole only."""
        return self._show(node, indent, force) if force or self.must_break(node) else self.flat(node)

    def _bracketed(self, node: tree.Call | tree.ListOf | tree.ObjectOf, indent: int, force: bool) -> str:
        head = self.flat(node.function) if isinstance(node, tree.Call) else ""
        group = self.group(node)
        if not (group.parts and (force or group.broken or self.commented(node.span))):
            if not self.must_break(node):
                return head + self.flat_group(group)
            inner = ", ".join(self._inner(part, indent, False) for _, part in group.parts)
            return f"{head}{group.opener}{inner}{group.closer}"
        return head + self.show_group(group, indent)

    def show_group(self, group: Group, indent: int) -> str:
        """One element a line."""
        opener = group.opener + self.take_on_line(group.start, _first(group))
        parts = [Part(span, self._element(shown, group.comma)) for span, shown in group.parts]
        body = self.sequence(parts, group.start, group.stop, indent + STEP)
        return f"{opener}\n{body}\n{' ' * indent}{group.closer}"

    def _element(self, shown: Shown, comma: str) -> Show:
        return lambda indent: self.show(shown, indent) + comma

    def _chain(self, inner: tree.Expr, indent: int) -> str:
        """What stands in parentheses, an operand of `and` or `or` a line."""
        operands: list[tuple[str, tree.Expr]] = []
        node = inner
        while (
            isinstance(node, tree.Binary) and node.op in ("and", "or") and (not operands or node.op == operands[-1][0])
        ):
            operands.append((node.op, node.right))
            node = node.left
        lines = [self.show(node, indent + STEP)]
        lines += [f"{op} {self.show(operand, indent + STEP)}" for op, operand in reversed(operands)]
        pad = " " * (indent + STEP)
        return "(\n" + "".join(f"{pad}{line}\n" for line in lines) + " " * indent + ")"

    def _text(self, node: tree.Literal | tree.Interpolation, indent: int) -> str:
        """A text as written; the lines of a triple-quoted one that begins with a line break are indented anew."""
        raw = self.slice(node.span)
        if not re.match(r'"""[ \t]*\n', raw):
            return raw
        first, *lines = raw[:-3].split("\n")
        last = lines.pop() if not lines[-1].strip(" \t") else None
        margin = _margin([line for line in lines if line.strip(" \t")])
        pad = " " * (indent + STEP)
        moved = [pad + line[len(margin) :] if line.strip(" \t") else "" for line in lines]
        closing = "" if last is None else "\n" + pad
        return "\n".join([first.rstrip(" \t"), *moved]) + closing + '"""'


def _behind(span: Span) -> Place:
    return span.line, span.column + 1


def _first(group: Group) -> Place:
    return begin(group.parts[0][0]) if group.parts else group.stop


def _margin(lines: list[str]) -> str:
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines]
    if not margins:
        return ""
    low, high = min(margins), max(margins)
    size = 0
    while size < len(low) and low[size] == high[size : size + 1]:
        size += 1
    return low[:size]
