"""Payment cards (ISO/IEC 7812: 13 to 19 digits, Luhn) and bank accounts (ISO 13616: IBAN, modulo 97)."""

from __future__ import annotations

import re
from typing import Final

from headgate_guard.finding.detectors import DIGITS, GAPS, JOINED, NOTHING, OPEN, Detector, goes_on, sighted

# --- cards -----------------------------------------------------------------------------------------------------------

_LEAST, _MOST = 13, 19
_CARD_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_])[1-9]")
_RUN: Final = re.compile(r"[0-9](?:[ \u00a0\u202f-]?[0-9]){0,18}+")


def luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _card_at(text: str, start: int, final: bool) -> int:
    run = _RUN.match(text, start)
    assert run is not None
    ends = [place + 1 for place in range(start, run.end()) if text[place] in DIGITS]
    if not final and _may_grow(text, ends[-1], len(ends)):
        return OPEN
    digits = [int(text[end - 1]) for end in ends]
    for count in range(len(ends), _LEAST - 1, -1):
        if not goes_on(text, ends[count - 1]) and _issued(digits[:count]):
            return ends[count - 1]
    return NOTHING


def _may_grow(text: str, end: int, count: int) -> bool:
    """Whether the text ends in the run, or in a gap behind it."""
    left = len(text) - end
    return left == 0 or (left == 1 and count < _MOST and text[end] in GAPS)


def _issued(digits: list[int]) -> bool:
    """Numbers that begin with 1 are an airline's, of 15 digits: others are times in milliseconds."""
    return luhn(digits) and (digits[0] > 1 or len(digits) == 15)


CARD: Final = Detector("card", _CARD_STARTS, _card_at, whole=sighted(_CARD_STARTS, r"(?:[ \u00a0\u202f-]?[0-9]){12}"))

# --- accounts --------------------------------------------------------------------------------------------------------

# The IBAN registry of SWIFT, release 99: how long a number is, by country.
_LENGTHS: Final[dict[str, int]] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO NI",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "LC MT SC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_LENGTHS["NI"] = 28
_COUNTRIES: Final = frozenset(country[0] for country in _LENGTHS)
_IBAN_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_])[A-Za-z]")
_LETTERS_OR_DIGITS: Final = JOINED - {"_"}


def _iban_at(text: str, start: int, final: bool) -> int:
    code = text[start : start + 2].upper()
    if len(code) < 2:
        return NOTHING if final or code not in _COUNTRIES else OPEN
    length = _LENGTHS.get(code)
    if length is None:
        return NOTHING
    signs, place = _signs(text, start, length)
    if place == len(text) and not final:
        return OPEN
    if len(signs) < length or goes_on(text, place):
        return NOTHING
    return place if _modulo_97(signs) else NOTHING


def _signs(text: str, start: int, length: int) -> tuple[str, int]:
    """Letters and digits as far as they can be an account's, and where they end."""
    signs, place = "", start
    while len(signs) < length and place < len(text):
        sign = text[place]
        if sign in _LETTERS_OR_DIGITS and not (2 <= len(signs) < 4 and sign not in DIGITS):
            signs += sign
        elif sign not in GAPS or len(signs) < 4 or text[place - 1] in GAPS:
            break
        place += 1
    return signs, place


def _modulo_97(signs: str) -> bool:
    """ISO 7064, MOD 97-10."""
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


IBAN: Final = Detector("iban", _IBAN_STARTS, _iban_at, whole=sighted(_IBAN_STARTS, "[A-Za-z][0-9]{2}"))
