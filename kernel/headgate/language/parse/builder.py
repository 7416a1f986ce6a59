"""From Lark's tree to ours, bottom up and without recursion: however deep a text, this does not overflow.

`Builder.build` walks the tree once; for every rule of the grammar the table of `build.py` names the function that makes
the node from its children. How deep a node is, is known when it is made: past `MAX_DEPTH` the item is given up with a
finding, so that whoever reads our tree may recurse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lark import Token
from lark import Tree as LarkTree

from headgate.language import tree
from headgate.language.diagnostics import Diagnostic
from headgate.language.parse.grammar import Tree
from headgate.language.parse.scan import Places
from headgate.language.parse.texts import TextToken
from headgate.language.source import Span

MAX_DEPTH = 100
HOLE_DEPTH = 20  # in the braces of a text, which adds to the depth around it
RESERVED = frozenset(
    {
        *("and", "or", "not", "in", "is", "matches", "present", "absent", "true", "false", "none", "as", "policy"),
        *("if", "else", "match", "let", "set", "remove", "use", "require", "respond", "redirect", "give", "parallel"),
        *("on", "finally", "shadow", "optional"),
        *("import", "const", "type", "fragment", "route", "always", "never", "test"),
        *("before", "after", "around", "except", "given", "send", "expect", "repeat"),
    }
)

Kids = list[Any]
Rule = Callable[["Builder", Span, Kids], Any]


class TooDeep(Exception):
    """Something nested past `limit` levels; `span` is the part that is."""

    def __init__(self, span: Span, limit: int) -> None:
        super().__init__(span, limit)
        self.span = span
        self.limit = limit


@dataclass(slots=True)
class Builder:
    """What the rules need beside their children: places, texts, findings, and how to read the hole of a text."""

    places: Places
    base: int  # the offset of the chunk in the file
    texts: Mapping[int, TextToken]
    rules: Mapping[str, Rule]
    expression: Callable[[int, int], tree.Expr | None]
    findings: list[Diagnostic]
    docs: Callable[[Span], str]
    limit: int = MAX_DEPTH

    def build(self, root: Tree) -> Any:
        """Our node for Lark's, or `TooDeep`."""
        done: list[tuple[Any, int]] = []
        todo: list[tuple[Tree, bool]] = [(root, False)]
        while todo:
            node, ready = todo.pop()
            if not ready:
                todo.append((node, True))
                todo.extend((kid, False) for kid in node.children if isinstance(kid, LarkTree))
                continue
            # Children stand on `done` in the order of the file: the last pushed is built first.
            count = sum(isinstance(kid, LarkTree) for kid in node.children)
            ready_kids = done[len(done) - count :][::-1] if count else []
            del done[len(done) - count :]
            done.append(self._make(node, ready_kids))
        return done[0][0]

    def _make(self, node: Tree, ready: list[tuple[Any, int]]) -> tuple[Any, int]:
        built = iter(ready)
        kids = [next(built)[0] if isinstance(kid, LarkTree) else kid for kid in node.children]
        depth = 1 + max((depth for _, depth in ready), default=0)
        span = self.span_of(node)
        if node.data in ("chain", "access"):
            depth += len(kids) // 2 if node.data == "chain" else len(kids)
        if depth > self.limit:
            raise TooDeep(span, self.limit)
        return self.rules[node.data](self, span, kids), depth

    def span_of(self, node: Tree) -> Span:
        meta = node.meta
        if meta.empty:
            return self.places.span(self.base, self.base)
        return self.places.span(self.base + meta.start_pos, self.base + meta.end_pos)

    def span(self, token: Token) -> Span:
        """Where a token stands."""
        start = self.base + (token.start_pos or 0)
        return self.places.span(start, start + len(token))

    def raw(self, token: Token) -> str:
        """A token as written in the file (the scanned text hides texts and paths)."""
        start = self.base + (token.start_pos or 0)
        return self.places.source.text[start : start + len(token)]

    def find(self, code: str, message: str, span: Span, *helps: str) -> None:
        self.findings.append(Diagnostic(code, message, span, helps=helps))

    def bound_name(self, token: Token) -> str:
        """A name that this line binds; keywords cannot be one."""
        if token in RESERVED:
            message = f"`{token}` is a word of the language and cannot be a name"
            self.find("E021", message, self.span(token), f"write `{token}_`")
        return str(token)
