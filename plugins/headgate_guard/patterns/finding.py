"""Finders of an operator's patterns; see `Finder`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, Final

import re2

from headgate_guard.finding import OPEN, Hit
from headgate_guard.patterns.beginnings import read

# RE2's own bound for `{n}`. What is longer would be held back for longer than anybody wants to wait.
LONGEST: Final = 1000
KIND: Final = "pattern"


def compiled(pattern: str) -> Any:
    """A pattern as RE2 has it. ValueError."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        raise ValueError(f"{pattern!r} is no pattern: {said.decode() if isinstance(said, bytes) else said}") from None


class Patterns:
    """All matches of some patterns. `streams`: texts may come in pieces."""

    __slots__ = ("_longest", "_opening", "_pattern")

    def __init__(self, patterns: Sequence[str], *, streams: bool) -> None:
        for one in patterns:
            compiled(one)
        self._pattern = compiled("|".join(f"(?:{one})" for one in patterns))
        self._opening: Any = None
        self._longest = 0
        if streams:
            self._prepare(patterns)

    def __repr__(self) -> str:
        return f"<Patterns {self._pattern.pattern}>"

    def _prepare(self, patterns: Sequence[str]) -> None:
        pieces = [(one, read(one)) for one in patterns]
        for one, piece in pieces:
            if piece.shortest == 0:
                raise ValueError(f"{one!r} matches a text of no length, so everything")
            if piece.longest == inf or piece.longest > LONGEST:
                raise ValueError(
                    f"{one!r} has no bound of {LONGEST} characters, so a stream could be held back without end: "
                    "write {0,200} in place of `*`"
                )
        self._longest = int(max(piece.longest for _, piece in pieces))
        self._opening = compiled("(?:" + "|".join(f"{one.begin}|{one.whole}" for _, one in pieces) + r")\z")

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """See `Finder`."""
        opening = None if final else self._open(text, pos)
        for match in self._pattern.finditer(text, pos):
            start, end = match.span()
            if opening is not None and opening <= start:
                break
            if end > start:
                yield Hit(start, end, KIND)
            if opening is not None and opening < end:
                opening = self._open(text, end)
        if opening is not None:
            yield Hit(opening, OPEN, KIND)

    def _open(self, text: str, pos: int) -> int | None:
        """Where what may become a match begins, at the end of the text."""
        match = self._opening.search(text, max(pos, len(text) - self._longest))
        return match.start() if match is not None and match.start() < len(text) else None


class Outside:
    """Whole texts that no pattern matches as a whole."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [compiled(one) for one in patterns]

    def __repr__(self) -> str:
        return f"<Outside {[one.pattern for one in self._patterns]}>"

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """See `Finder`."""
        if not any(one.fullmatch(text) for one in self._patterns):
            yield Hit(0, len(text), KIND)
