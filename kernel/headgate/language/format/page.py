"""The page: comments and blank lines, and sequences of things one below the other.

Places are (line, column) from 1. A comment is taken once, by whoever prints the place where it stood; what nobody took
within a statement is printed in front of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.source import Source, Span

WIDTH = 120
STEP = 4
Place = tuple[int, int]

_OPENED = re.compile(r"[ \t\r]*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing in a sequence: where it stood, and how it is printed at an indentation."""

    span: Span
    show: Callable[[int], str]


def begin(span: Span) -> Place:
    return span.line, span.column


def end(span: Span) -> Place:
    return span.end_line, span.end_column


class Page:
    """A file being printed."""

    def __init__(self, source: Source, file: tree.File) -> None:
        self.source = source
        self.tree = file
        self._comments = sorted(file.comments, key=lambda one: begin(one.span))
        self._places = [begin(one.span) for one in self._comments]
        self._taken: set[int] = set()

    def slice(self, span: Span) -> str:
        """The source at a span, with plain line ends."""
        lines = self.source.lines[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "\n".join(line.removesuffix("\r") for line in lines[:-1]) + "\n" * (len(lines) > 1) + lines[-1]

    def breaks_behind(self, place: Place) -> bool:
        """Whether nothing but a comment stands behind a bracket on its line."""
        line, column = place
        return _OPENED.match(self.source.line(line), column - 1) is not None

    # --- comments ---

    def comments_within(self, start: Place, stop: Place) -> list[int]:
        """The comments between two places that nobody has taken."""
        found = range(bisect_left(self._places, start), bisect_left(self._places, stop))
        return [number for number in found if number not in self._taken]

    def take(self, start: Place, stop: Place) -> list[tree.Comment]:
        numbers = self.comments_within(start, stop)
        self._taken.update(numbers)
        return [self._comments[number] for number in numbers]

    def take_on_line(self, start: Place, stop: Place) -> str:
        """The comment behind `start` on its line, as it is printed there; "" if there is none."""
        line_end = (start[0] + 1, 0)
        return "".join(f"  {comment.text}" for comment in self.take(start, min(stop, line_end)))

    def commented(self, span: Span) -> bool:
        return bool(self.comments_within(begin(span), end(span)))

    # --- one below the other ---

    def sequence(
        self, parts: Sequence[Part], start: Place, stop: Place, indent: int, *, first_blank: bool = False
    ) -> str:
        """The parts between two places with their comments, a blank line where there was one."""
        entries: list[tuple[int, int, str]] = []  # first and last line in the source, the text
        at = start
        for part in parts:
            entries += [self._own_line(comment) for comment in self.take(at, begin(part.span))]
            text = part.show(indent)
            entries += [
                (part.span.line, part.span.line, _no_description(comment.text))
                for comment in self.take(begin(part.span), end(part.span))
            ]
            at = end(part.span)
            entries.append((part.span.line, part.span.end_line, text + self.take_on_line(at, stop)))
        entries += [self._own_line(comment) for comment in self.take(at, stop)]
        return _join(entries, " " * indent, start[0] if first_blank else None)

    def _own_line(self, comment: tree.Comment) -> tuple[int, int, str]:
        return comment.span.line, comment.span.line, comment.text


def _join(entries: list[tuple[int, int, str]], pad: str, above: int | None) -> str:
    lines: list[str] = []
    for first, last, text in entries:
        if above is not None and first - above > 1:
            lines.append("")
        lines.append(pad + text)
        above = last
    return "\n".join(lines)


def _no_description(text: str) -> str:
    """A comment that moves above a line must not become its description."""
    return "#" + text.lstrip("#") if text.startswith("##") else text
