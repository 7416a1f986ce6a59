r"""What a literal is worth: numbers with their units, and the pieces of a text.

Texts: `\n \t \r \" \\ \uXXXX` are the escapes, `{{` and `}}` the braces themselves. A triple-quoted text that begins
with a line break loses it, the indentation that its lines share, and the last line break with what indents the quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from headgate.contracts.values import NANO, Money, Rate, StatusClass
from headgate.language.parse.texts import TextToken

DURATIONS: Final = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
SIZES: Final = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
PERIODS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}
COUNTS: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}

_NUMBER = re.compile(
    r"(?P<money>\$)?(?P<digits>\d+(?:\.\d+)?)(?P<unit>[A-Za-z]\w*|%)?(?:/(?P<period>[a-z]+))?", re.ASCII
)
_MEANT: Final = {"milli": "ms", "msec": "ms", "sec": "s", "min": "m", "hour": "h", "hr": "h", "day": "d"}
_SPECIAL = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[^\n])?|\{\{?|\}\}?")
MAX_DIGITS: Final = 30


@dataclass(frozen=True, slots=True)
class Wrong:
    """A literal that means nothing: the reason, and what to write instead. `at` and `size` within the literal."""

    message: str
    help: str = ""
    at: int = 0
    size: int | None = None


def number(raw: str) -> tuple[str, object] | Wrong:
    """The kind and the value of `250ms 1.5s 256KB 100/min 200k/min $0.25 5% 5xx 7 1.5`."""
    found = _NUMBER.fullmatch(raw)
    if found is None or len(found["digits"]) > MAX_DIGITS:
        return Wrong(f"`{raw[:40]}` is no number that can be used", "numbers have at most 30 digits")
    digits, unit, period = found["digits"], found["unit"] or "", found["period"]
    if found["money"]:
        return _money(raw, digits, unit, period)
    if period is not None:
        return _rate(raw, digits, unit, period)
    if unit == "%":
        return "percent", Decimal(digits) / 100
    if unit == "xx" and digits in ("1", "2", "3", "4", "5"):
        return "statusclass", StatusClass(int(digits))
    if unit in DURATIONS:
        return "duration", float(Decimal(digits) * DURATIONS[unit])
    if unit in SIZES:
        size = Decimal(digits) * SIZES[unit]
        return ("size", int(size)) if size == int(size) else Wrong(f"`{raw}` is no whole number of bytes")
    if unit:
        return Wrong(f"`{unit}` is no unit", _unit_help(digits, unit))
    return ("number", float(digits)) if "." in digits else ("int", int(digits))


def _money(raw: str, digits: str, unit: str, period: str | None) -> tuple[str, object] | Wrong:
    amount = Decimal(digits) * NANO
    if unit or period:
        return Wrong(f"`{raw}` is no amount of money", f"write `${digits}`; a period stands beside it: `per=month`")
    if amount != int(amount):
        return Wrong(f"`{raw}` is finer than money is counted", "amounts have at most nine decimals")
    return "money", Money(int(amount))


def _rate(raw: str, digits: str, unit: str, period: str) -> tuple[str, object] | Wrong:
    if period not in PERIODS or unit not in COUNTS:
        return Wrong(f"`{raw}` is no rate", "a rate is written `100/min` or `200k/min`; per `s`, `min`, `h` or `day`")
    count = Decimal(digits) * COUNTS[unit]
    if count != int(count):
        return Wrong(f"`{raw}` is no whole count")
    return "rate", Rate(int(count), PERIODS[period])


def _unit_help(digits: str, unit: str) -> str:
    lower = unit.lower()
    for right in SIZES:
        if lower in (right.lower(), right.lower().replace("b", "ib"), right[0].lower()) and lower not in ("b", "m"):
            return f"a size is written `{digits}{right}`; the units are B, KB, MB and GB"
    for word, right in _MEANT.items():
        if lower.startswith(word):
            return f"a duration is written `{digits}{right}`; the units are ms, s, m, h and d"
    return "durations end in ms, s, m, h or d; sizes in B, KB, MB or GB; rates read `100/min`; shares end in %"


Piece = str | tuple[int, int]


def pieces(source: str, token: TextToken) -> tuple[list[Piece], list[Wrong]]:
    """The text and the holes of a literal in turn (a hole as the offsets of its inside), and what is wrong in it."""
    start, end = token.inside
    if token.quote == "'":
        return [source[start:end]], []
    raw: list[Piece] = []
    at = start
    for hole in token.holes:
        raw += [source[at : hole[0] - 1], hole]
        at = hole[1] + 1
    raw.append(source[at:end])
    wrong: list[Wrong] = []
    offsets = [start, *(hole[1] + 1 for hole in token.holes)]
    for offset, piece in zip(offsets, raw[::2], strict=True):
        wrong += _mistakes(str(piece), offset - token.start)
    if token.quote == '"""':
        raw = dedent(raw)
    return [_unescape(piece) if isinstance(piece, str) else piece for piece in raw], wrong


def dedent(raw: list[Piece]) -> list[Piece]:
    """The pieces of a triple-quoted text without their first line break, shared indentation and last line."""
    raw = [piece.replace("\r\n", "\n") if isinstance(piece, str) else piece for piece in raw]
    raw[0] = re.sub(r"\A[ \t]*\n", "\n", str(raw[0]))
    opened = str(raw[0]).startswith("\n")
    raw[-1] = re.sub(r"\n[ \t]*\Z", "", str(raw[-1])) if len(raw) > 1 or str(raw[0]).count("\n") > 1 else raw[-1]
    if len(raw) == 1 and opened and not str(raw[0]).strip():
        return [""]
    shown = "".join(piece if isinstance(piece, str) else "\0" for piece in raw)
    margin = _common(re.findall(r"\n([ \t]*)(?=[^ \t\n])", shown)) if opened else ""
    raw = [re.sub(r"\n" + re.escape(margin), "\n", piece) if isinstance(piece, str) else piece for piece in raw]
    last = len(raw) - 1
    for number_, piece in enumerate(raw):
        if isinstance(piece, str):
            raw[number_] = re.sub(r"\n[ \t]+(?=\n|\Z)" if number_ == last else r"\n[ \t]+(?=\n)", "\n", piece)
    if opened:
        raw[0] = str(raw[0])[1:]
    return raw


def _common(margins: list[str]) -> str:
    """The longest beginning that all share."""
    if not margins:
        return ""
    low, high = min(margins), max(margins)
    size = 0
    while size < len(low) and low[size] == high[size : size + 1]:
        size += 1
    return low[:size]


def _mistakes(piece: str, offset: int) -> list[Wrong]:
    found: list[Wrong] = []
    for one in _SPECIAL.finditer(piece):
        mark, at = one.group(), offset + one.start()
        if mark == "}":
            found.append(Wrong("this `}` closes nothing in the string", "a brace itself is written `}}`", at, 1))
        elif mark == "{":
            found.append(Wrong("this `{` is never closed in the string", "a brace itself is written `{{`", at, 1))
        elif mark in ("\\{", "\\}"):
            found.append(Wrong(f"`{mark}` is no escape", f"a brace itself is written `{mark[1] * 2}`", at, 2))
        elif len(mark) == 6 and "d800" <= mark[2:].lower() <= "dfff":
            found.append(Wrong(f"`{mark}` is half a character", "write the character itself", at, 6))
        elif mark[0] == "\\" and len(mark) < 6 and mark[1:] not in _ESCAPES:
            found.append(Wrong(f"`{mark}` is no escape", r"the escapes are \n \t \r \" \\ and \uXXXX", at, len(mark)))
    return found


def _unescape(piece: str) -> str:
    def plain(found: re.Match[str]) -> str:
        mark = found.group()
        if mark[0] in "{}":
            return mark[0]
        if len(mark) == 6:
            return chr(int(mark[2:], 16))
        return _ESCAPES.get(mark[1:], mark)

    return _SPECIAL.sub(plain, piece)
