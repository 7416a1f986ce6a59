"""The comments of a file, and which of them describe what."""

from __future__ import annotations

from headgate.language import tree
from headgate.language.parse.scan import Places
from headgate.language.source import Span


class Comments:
    """`nodes` in the order of the file. A description is a run of `##` lines, with or without `#` lines among them; it
    belongs to what stands below it."""

    def __init__(self, places: Places, offsets: list[tuple[int, int]]) -> None:
        text = places.source.text
        self._source = places.source
        self.nodes = [tree.Comment(places.span(start, end), text[start:end]) for start, end in offsets]
        self._described = {
            node.span.line: node.text[2:].strip()
            for node in self.nodes
            if node.text.startswith("##") and self._leads(node.span)
        }

        self._remarks = {
            node.span.line for node in self.nodes if not node.text.startswith("##") and self._leads(node.span)
        }

    def above(self, span: Span) -> str:
        """The description of what stands at `span`; "" if there is none."""
        if not self._leads(span):
            return ""
        first = span.line
        while first - 1 in self._described or first - 1 in self._remarks:
            first -= 1
        return "\n".join(self._described[line] for line in range(first, span.line) if line in self._described)

    def file_doc(self, first: tree.Item | None) -> str:
        """The first description of the file, unless it is that of the first item."""
        end = len(self._source.lines) + 1 if first is None else first.span.line
        line = next((line for line in self._described if line < end), None)
        if line is None:
            return ""
        last = line
        while last in self._described:
            last += 1
        if last == end and getattr(first, "doc", None):
            return ""
        return "\n".join(self._described[number] for number in range(line, last))

    def _leads(self, span: Span) -> bool:
        """Whether nothing stands before it on its line."""
        return not self._source.line(span.line)[: span.column - 1].strip("\ufeff \t")
