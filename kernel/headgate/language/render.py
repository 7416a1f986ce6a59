"""Findings as a person reads them, and as a program does.

    error[E501]: a request can reach `forward orders_v1` without `auth`
      --> orders.policy:13:5
       |
    13 |     forward orders_v1 timeout=2s
       |     ^^^^^^^ `auth` does not hold on every path to here
       = note: a request that gets here: GET /orders/7
       = help: put an `auth.*` step above it

Carets stand under the columns that a terminal shows: tabs are four columns wide, CJK letters and emoji two, combining
marks none. Of a place over several lines the first and the last are shown.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from headgate.language.diagnostics import Diagnostic
from headgate.language.source import Source, Span

Painter = Callable[[str, str], str]
TAB = 4
_BOLD, _RED, _YELLOW, _BLUE, _RESET = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[0m"
_SHORTEN = 160  # columns; longer lines are cut around the place


def render(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], color: bool = False) -> str:
    """All findings as text, a blank line between them; `sources` by the file name of the spans."""
    return "\n\n".join(_one(diagnostic, sources, color) for diagnostic in diagnostics)


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The findings as a JSON array, for editors and CI."""
    return json.dumps([as_data(diagnostic) for diagnostic in diagnostics], ensure_ascii=False, indent=2)


def as_data(diagnostic: Diagnostic) -> dict[str, object]:
    """One finding as plain data; lines and columns from 1, the end is exclusive."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "label": diagnostic.label,
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
        "related": [{**_place(span), "message": word} for span, word in diagnostic.related],
    }


def _place(span: Span) -> dict[str, object]:
    return dict(zip(Span._fields, span, strict=True))


def _one(diagnostic: Diagnostic, sources: Mapping[str, Source], color: bool) -> str:
    paint = _paint if color else _plain
    tone = _RED if diagnostic.severity == "error" else _YELLOW
    spans = [diagnostic.span, *(span for span, _ in diagnostic.related)]
    gutter = max(len(str(span.end_line)) for span in spans)
    lines = [
        paint(tone, f"{diagnostic.severity}[{diagnostic.code}]") + paint(_BOLD, f": {diagnostic.message}"),
        *_excerpt(diagnostic.span, diagnostic.label, sources, gutter, "-->", "^", tone, paint),
    ]
    for span, word in diagnostic.related:
        lines += _excerpt(span, word, sources, gutter, ":::", "-", _BLUE, paint)
    margin = " " * gutter
    for kind, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        for text in texts:
            first, *more = text.split("\n")
            lines.append(f"{margin} {paint(_BLUE, '=')} {paint(_BOLD, kind)}: {first}")
            lines += [f"{margin}         {line}" for line in more]
    return "\n".join(lines)


def _excerpt(
    span: Span, label: str, sources: Mapping[str, Source], gutter: int, arrow: str, mark: str, tone: str, paint: Painter
) -> list[str]:
    margin = " " * gutter
    lines = [f"{margin}{paint(_BLUE, arrow)} {span}"]
    source = sources.get(span.file)
    if source is None:
        return lines
    lines.append(f"{margin} {paint(_BLUE, '|')}")
    whole = span.end_line == span.line
    first = source.line(span.line)
    end = span.end_column if whole else len(first) + 1
    lines += _marked(first, span.line, span.column, end, label if whole else "", gutter, mark, tone, paint)
    if not whole:
        if span.end_line > span.line + 1:
            lines.append(paint(_BLUE, "." * 3))
        last = source.line(span.end_line)
        start = len(last) - len(last.lstrip()) + 1
        lines += _marked(last, span.end_line, start, span.end_column, label, gutter, mark, tone, paint)
    return lines


def _marked(
    text: str, number: int, start: int, end: int, label: str, gutter: int, mark: str, tone: str, paint: Painter
) -> list[str]:
    """A line of the file and the line of carets below it."""
    text, start, end = _shorten(text, start, end)
    before, within = text[: start - 1], text[start - 1 : max(end, start) - 1]
    carets = mark * max(width(within, width(before)), 1)
    margin = " " * gutter
    under = " " * width(before) + paint(tone, carets + (f" {label}" if label else ""))
    return [
        f"{paint(_BLUE, f'{number:>{gutter}} |')} {shown(text)}".rstrip(),
        f"{margin} {paint(_BLUE, '|')} {under}",
    ]


def _shorten(text: str, start: int, end: int) -> tuple[str, int, int]:
    if len(text) <= _SHORTEN:
        return text, start, end
    cut = max(0, start - 1 - _SHORTEN // 4)
    part = text[cut : cut + _SHORTEN]
    head, tail = "…" if cut else "", "…" if cut + _SHORTEN < len(text) else ""
    shift = len(head) - cut
    return head + part + tail, start + shift, min(end + shift, len(head) + len(part) + 1)


def shown(text: str) -> str:
    """A line as a terminal may print it: tabs as spaces, and nothing that would move the cursor."""
    out: list[str] = []
    column = 0
    for letter in text:
        size = _width(letter, column)
        out.append(" " * size if letter == "\t" else letter if letter.isprintable() or not size else "\ufffd")
        column += size
    return "".join(out)


def width(text: str, column: int = 0) -> int:
    """How many columns a text takes on a terminal when it begins at `column`."""
    begin = column
    for letter in text:
        column += _width(letter, column)
    return column - begin


def _width(letter: str, column: int) -> int:
    if letter == "\t":
        return TAB - column % TAB
    if unicodedata.combining(letter) or letter in "\u200b\u200d\ufe0f\ufeff":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _paint(tone: str, text: str) -> str:
    return f"{tone}{text}{_RESET}"


def _plain(tone: str, text: str) -> str:
    return text
