"""Where a text literal ends, and where the `{…}` in it are.

Three forms: `"…"` and `\"\"\"…\"\"\"` hold expressions in braces, `'…'` holds none. In the first two `{{` and `}}` are
the braces themselves, and an expression stays on its line; it may hold texts of its own, a few levels deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LEVELS = 4  # texts within the braces of texts; nobody can read more

_STOP = re.compile(r'\\|\{\{|\}\}|\{|"|\n')
_HOLE_STOP = re.compile(r"[\"'{}\n]")


@dataclass(frozen=True, slots=True)
class TextToken:
    """One text literal from `start` to `end`; `holes` are the insides of its braces, as offsets.

    `open_brace` is a `{` that is never closed; `closed` is False where the closing quote is missing.
    """

    start: int
    end: int
    quote: str
    holes: tuple[tuple[int, int], ...]
    open_brace: int | None = None
    closed: bool = True

    @property
    def inside(self) -> tuple[int, int]:
        return self.start + len(self.quote), self.end - (len(self.quote) if self.closed else 0)


def read_text(text: str, start: int, end: int) -> TextToken:
    """The text literal that begins with the quote at `start`; what is never closed ends with its line (or at `end`)."""
    if text[start] == "'":
        return _read_raw(text, start, end)
    if text.startswith('"""', start):
        return _read(text, start, end, '"""', 0) or _unclosed(text, start, end, '"""')
    return _read(text, start, end, '"', 0) or _unclosed(text, start, end, '"')


def _read_raw(text: str, start: int, end: int) -> TextToken:
    line_end = _line_end(text, start, end)
    close = text.find("'", start + 1, line_end)
    return TextToken(start, line_end if close < 0 else close + 1, "'", (), closed=close >= 0)


def _unclosed(text: str, start: int, end: int, quote: str) -> TextToken:
    stop = end if quote == '"""' else _line_end(text, start, end)
    return TextToken(start, stop, quote, (), closed=False)


def _line_end(text: str, start: int, end: int) -> int:
    found = text.find("\n", start, end)
    return end if found < 0 else found


def _read(text: str, start: int, end: int, quote: str, level: int) -> TextToken | None:
    """None where the text is never closed. A text inside a text fails whole on an open brace, so this stays linear."""
    holes: list[tuple[int, int]] = []
    open_brace: int | None = None
    at = start + len(quote)
    skip_holes_until = -1
    while (stop := _STOP.search(text, at, end)) is not None:
        at, found = stop.end(), stop.group()
        if found == "\\":
            at += 1 if text[at : at + 1] not in ("\n", "") else 0
        elif found == '"' and text.startswith(quote, stop.start()):
            return TextToken(start, stop.start() + len(quote), quote, tuple(holes), open_brace)
        elif found == "\n" and quote == '"':
            return None
        elif found == "{" and stop.start() >= skip_holes_until:
            close = _skip_hole(text, at, end, level)
            if close is not None:
                holes.append((at, close - 1))
                at = close
            elif level:
                return None
            else:
                open_brace = stop.start() if open_brace is None else open_brace
                skip_holes_until = _line_end(text, at, end)
    return None


def _skip_hole(text: str, at: int, end: int, level: int) -> int | None:
    """The offset behind the `}` that closes the hole whose inside begins at `at`."""
    depth = 1
    while (stop := _HOLE_STOP.search(text, at, end)) is not None:
        at, found = stop.end(), stop.group()
        if found == "\n":
            return None
        if found == "{":
            depth += 1
        elif found == "}":
            depth -= 1
            if not depth:
                return at
        else:
            inner = _inner(text, stop.start(), end, level + 1)
            if inner is None or not inner.closed:
                return None
            at = inner.end
    return None


def _inner(text: str, start: int, end: int, level: int) -> TextToken | None:
    if text[start] == "'":
        return _read_raw(text, start, end)
    return None if level >= MAX_LEVELS else _read(text, start, end, '"', level)
