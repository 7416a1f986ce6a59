"""How one detector goes through a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

NOTHING: Final = 0
OPEN: Final = -1

# A number or a name that goes on to the left or right of a find is something else.
JOINED: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
DIGITS: Final = frozenset("0123456789")
# Between groups of digits: a space (plain, unbroken, narrow) or a hyphen.
GAPS: Final = frozenset(" \u00a0\u202f-")


class Hit(NamedTuple):
    """A find. Its end is OPEN where the text that is there does not decide."""

    start: int
    end: int
    kind: str


At = Callable[[str, int, bool], int]
"""`at(text, start, final)`: the end of a find that begins at `start`, NOTHING, or, where the text is not final, OPEN."""


class Detector(NamedTuple):
    """`starts` matches where a find may begin; in a text that is final, `whole` may too, which sees more of what follows.

    With an `anchor`, a find has that character at most `reach` after its start, so that a text without one need not be
    looked at.
    """

    kind: str
    starts: re.Pattern[str]
    at: At
    anchor: str | None = None
    reach: int = 0
    whole: re.Pattern[str] | None = None

    def next(self, text: str, pos: int, *, final: bool) -> Hit | None:
        """The first find from `pos` on."""
        if self.anchor is None:
            return self._between(text, pos, len(text), final)
        while (there := text.find(self.anchor, pos)) >= 0:
            hit = self._between(text, max(pos, there - self.reach), there, final)
            if hit is not None:
                return hit
            pos = there + 1
        return None if final else self._between(text, max(pos, len(text) - self.reach), len(text), final)

    def _between(self, text: str, begin: int, stop: int, final: bool) -> Hit | None:
        starts = self.whole if final and self.whole is not None else self.starts
        for match in starts.finditer(text, begin, stop):
            end = self.at(text, match.start(), final)
            if end != NOTHING:
                return Hit(match.start(), end, self.kind)
        return None


def sighted(starts: re.Pattern[str], ahead: str) -> re.Pattern[str]:
    """`starts`, where this follows."""
    return re.compile(f"{starts.pattern}(?={ahead})")


def goes_on(text: str, end: int) -> bool:
    """Whether what ends here is part of a longer word."""
    return end < len(text) and text[end] in JOINED
