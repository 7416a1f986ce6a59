"""Telephone numbers: international (E.164: a plus sign or 00, at most 15 digits), and national ones as far as their form
tells them from other numbers: North America's (212) 555-0199, and those behind a 0 (030 1234567, 01 42 68 53 00).

Ten digits in a row without anything between them are no telephone number here: more often they are something else.
"""

from __future__ import annotations

import re
from typing import Final

from headgate_guard.finding.detectors import DIGITS, NOTHING, OPEN, Detector, goes_on, sighted
from headgate_guard.finding.shapes import shaped

_BETWEEN: Final = frozenset(" \u00a0\u202f.-/()")
# E.164 §6: fifteen digits; two signs may stand together between them, `) ` or ` (`.
_MOST: Final = 15
_TOGETHER: Final = 2

_INTERNATIONAL: Final = re.compile(r"\+[1-9][^+]*|00[1-9][0-9]{0,2}[ .\-/(\u00a0\u202f][^+]*")
_AMERICAN: Final = ("nddsnddsdddd", "(ndd) nddsdddd", "(ndd)nddsdddd")
_AFTER_ZERO: Final = re.compile(
    r"(?:\(0[1-9][0-9]{1,4}\)|0[1-9][0-9]{1,4})[ /-][0-9]{3,8}(?:[ -][0-9]{2,5}){0,3}"
    r"|0[1-9](?:[ .-][0-9]{2}){4}"
    r"|(?:\(0[2-9]\)|0[2-9]) [0-9]{4} [0-9]{4}"
    r"|0[1-9][0-9]{8,9}"
)
_BEGINS: Final = re.compile(r"\+(?:[1-9]|\Z)|\((?:0|\Z)|0(?:[0-9]|\Z)")
_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_+])[+(0]")
_DIGITS_FOLLOW: Final = r"(?:[ \u00a0\u202f.\-/()]{0,2}[0-9]){%d}"
_AMERICAN_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_+])[(1-9]")


def _at(text: str, start: int, final: bool) -> int:
    if not _BEGINS.match(text, start):
        return NOTHING
    ends, stop = _run(text, start)
    if stop == len(text) and not final:
        return OPEN
    for count in range(len(ends), 6, -1):
        end = ends[count - 1]
        if not goes_on(text, end) and _is_number(text[start:end], count):
            return end
    return NOTHING


def _run(text: str, start: int) -> tuple[list[int], int]:
    """Where the digits end, and where the number can go no further."""
    ends: list[int] = []
    place, between = start + (text[start] == "+"), 0
    while place < len(text) and len(ends) < _MOST:
        if text[place] in DIGITS:
            ends.append(place + 1)
            between = 0
        elif text[place] not in _BETWEEN or between == _TOGETHER:
            break
        else:
            between += 1
        place += 1
    return ends, place


def _is_number(found: str, digits: int) -> bool:
    if _INTERNATIONAL.fullmatch(found):
        return 8 <= digits - 2 * found.startswith("00") <= _MOST
    return 9 <= digits <= 12 and _AFTER_ZERO.fullmatch(found) is not None


def _anything(number: str) -> bool:
    return True


PHONES: Final = (
    Detector("phone", _STARTS, _at, whole=sighted(_STARTS, _DIGITS_FOLLOW % 7)),
    Detector(
        "phone",
        _AMERICAN_STARTS,
        shaped(tuple(f"1s{one}" for one in _AMERICAN) + _AMERICAN, _anything),
        whole=sighted(_AMERICAN_STARTS, _DIGITS_FOLLOW % 9),
    ),
)
