"""From a pattern to the pattern of its beginnings.

1. A pattern is read into pieces, each with what it matches (`whole`), what its matches can begin with (`begin`, without
   the whole of it where it can go no further), and how long its matches are.
2. A row `ab` begins with a beginning of `a`, or with `a` and a beginning of `b`. An alternative begins as one of its arms
   does. `a{m,n}` begins with fewer than n times `a` and a beginning of `a`.
3. What stands between characters (`\\b`, `$`) can be true of a text that goes on; there the beginning goes on.
4. RE2 has taken the pattern before, so what is not understood here is rare, and refused by name.
"""

from __future__ import annotations

import re
from math import inf
from typing import Final, NamedTuple

_BETWEEN: Final = frozenset("bBAz")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?[a-z]+:\]|\\p\{\^?\w+\}|\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:[pP](?:\{\^?\w+\}|[A-Z])|x(?:\{[0-9A-Fa-f]+\}|[0-9A-Fa-f]{2})|[^0-9CQEpPxk])", re.DOTALL
)
_TIMES: Final = re.compile(r"(?:([*+?])|\{(\d+)(,)?(\d+)?\})\??")
_GROUP: Final = re.compile(r"\((?:\?(?:P?<\w+>|([a-zA-Z-]*):))?(?!\?)")
_FLAGS: Final = re.compile(r"\(\?([imsU]+)\)")


class Piece(NamedTuple):
    """A part of a pattern; `shortest` and `longest` count characters."""

    whole: str
    begin: str
    shortest: float
    longest: float


_EMPTY: Final = Piece("", "", 0, 0)


def read(pattern: str) -> Piece:
    """A pattern. ValueError where it holds what is not understood here."""
    flags = _FLAGS.match(pattern)
    reader = _Reader(pattern, flags.end() if flags else 0)
    piece = reader.alternatives()
    if reader.place < len(pattern):
        raise reader.strange()
    scope = f"(?{flags[1]}:" if flags else "(?:"
    return piece._replace(whole=f"{scope}{piece.whole})", begin=f"{scope}{piece.begin})")


def _row(first: Piece, then: Piece) -> Piece:
    begin = f"(?:{first.begin}|{first.whole}{then.begin})"
    return Piece(
        first.whole + then.whole, begin, first.shortest + then.shortest, first.longest + then.longest
    )  # fmt: skip


def _either(arms: list[Piece]) -> Piece:
    if len(arms) == 1:
        return arms[0]
    return Piece(
        f"(?:{'|'.join(arm.whole for arm in arms)})",
        f"(?:{'|'.join(arm.begin for arm in arms)})",
        min(arm.shortest for arm in arms),
        max(arm.longest for arm in arms),
    )


def _times(one: Piece, written: str, least: int, most: float) -> Piece:
    whole = f"(?:{one.whole}){written}"
    before = "*" if most == inf else f"{{0,{max(0, int(most) - 1)}}}"
    begin = f"(?:{one.whole}){before}{one.begin}" if most else ""
    return Piece(whole, begin, least * one.shortest, most * one.longest if one.longest else 0)


class _Reader:
    """Goes through a pattern once."""

    def __init__(self, pattern: str, place: int) -> None:
        self.pattern = pattern
        self.place = place

    def __repr__(self) -> str:
        return f"<Reader of {self.pattern!r} at {self.place}>"

    def strange(self) -> ValueError:
        """What is said of a construct that is not known here."""
        rest = self.pattern[self.place : self.place + 8]
        return ValueError(f"the pattern {self.pattern!r} holds what a guard of streams does not know: {rest!r}")

    def alternatives(self) -> Piece:
        """Up to the end of the group."""
        arms = [self._sequence()]
        while self._peek() == "|":
            self.place += 1
            arms.append(self._sequence())
        return _either(arms)

    def _peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def _sequence(self) -> Piece:
        pieces = []
        while self._peek() not in ("", "|", ")"):
            pieces.append(self._repeated(self._atom()))
        row = _EMPTY
        for piece in reversed(pieces):
            row = _row(piece, row)
        return row

    def _repeated(self, one: Piece) -> Piece:
        match = _TIMES.match(self.pattern, self.place)
        if match is None:
            return one
        self.place = match.end()
        sign, least, open_ended, most = match.groups()
        if sign is not None:
            return _times(one, match.group(), int(sign == "+"), 1 if sign == "?" else inf)
        high = float(most) if most else inf if open_ended else float(least)
        return _times(one, match.group(), int(least), high)

    def _atom(self) -> Piece:
        sign = self._peek()
        if sign == "(":
            return self._group()
        if sign in "^$":
            self.place += 1
            return Piece(sign, "", 0, 0)
        known = {"[": _CLASS, "\\": _ESCAPE}.get(sign)
        match = known.match(self.pattern, self.place) if known is not None else None
        if known is not None and match is None:
            raise self.strange()
        written = match.group() if match is not None else sign
        self.place += len(written)
        size = 0 if sign == "\\" and written[1] in _BETWEEN else 1
        return Piece(written, "", size, size)

    def _group(self) -> Piece:
        match = _GROUP.match(self.pattern, self.place)
        if match is None:
            raise self.strange()
        self.place = match.end()
        inner = self.alternatives()
        if self._peek() != ")":
            raise self.strange()
        self.place += 1
        scope = f"(?{match[1] or ''}:"
        return inner._replace(whole=f"{scope}{inner.whole})", begin=f"{scope}{inner.begin})")
