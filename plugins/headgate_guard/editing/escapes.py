"""What a piece of JSON text says, and which characters say it (RFC 8259 §7)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

_ESCAPE: Final = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|(["\\/bfnrt]))')
# An escape that the end of a piece may have cut.
_CUT: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3}+)?\Z")
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(slots=True)
class View:
    """A text as it is written (`raw`) and what it `said`. `places` are where each character of the one begins in the
    other, and where the last ends; None where both are the same. `marks` are the quotes that are no escapes."""

    raw: str
    said: str
    places: list[int] | None = None
    marks: Sequence[int] = ()

    def _at(self, place: int) -> int:
        return place if self.places is None else self.places[place]

    def written(self, start: int, stop: int) -> str:
        """How a part of what is said is written."""
        return self.raw[self._at(start) : self._at(stop)]

    def rest(self, start: int) -> str:
        """Everything from there on, with an escape that was cut."""
        return self.raw[self._at(start) :]

    def quotes(self, start: int, stop: int) -> int:
        """How many texts begin or end there."""
        if self.places is None:
            return self.raw.count('"', start, stop)
        return bisect_left(self.marks, stop) - bisect_left(self.marks, start)


def view(raw: str, *, escaped: bool, final: bool) -> View:
    """What a piece says; an escape that is not whole is left out, unless nothing more comes."""
    if not escaped or "\\" not in raw:
        return View(raw, raw)
    said: list[str] = []
    lengths: list[int] = []
    marks: list[int] = []
    place, end = 0, _whole(raw, final)
    while place < end:
        match = _ESCAPE.match(raw, place) if raw[place] == "\\" else None
        if match is None and raw[place] == '"':
            marks.append(len(said))
        said.append(_meant(match) if match else raw[place])
        lengths.append(match.end() - place if match else 1)
        place += lengths[-1]
    return View(raw, "".join(said), list(accumulate(lengths, initial=0)), marks)


def _whole(raw: str, final: bool) -> int:
    """Where the last whole escape ends, or the text."""
    cut = None if final else _CUT.search(raw, max(0, len(raw) - 5))
    if cut is None:
        return len(raw)
    # A backslash behind another one is that one's.
    before = cut.start() - len(raw[: cut.start()].rstrip("\\"))
    return len(raw) if before % 2 else cut.start()


def _meant(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _SHORT.get(match[2], match[2])
