"""Numbers of a fixed shape: `ddd-dd-dddd`.

`d` is a digit, `n` one from 2 to 9, `l` a letter, `s` a space, a dot or a hyphen, anything else itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headgate_guard.finding.detectors import DIGITS, JOINED, NOTHING, OPEN, At, goes_on

Check = Callable[[str], bool]
_CLASSES: Final = {
    "d": DIGITS, "n": DIGITS - {"0", "1"}, "l": JOINED - DIGITS - {"_"}, "s": frozenset(" .-"),
}  # fmt: skip


def shaped(shapes: tuple[str, ...], check: Check) -> At:
    """What has one of these shapes, and passes the check, which is given its letters and digits alone."""

    def at(text: str, start: int, final: bool) -> int:
        for shape in shapes:
            end = _fits(text, start, shape)
            if end == OPEN and not final:
                return OPEN
            if end <= 0 or goes_on(text, end):
                continue
            if end == len(text) and not final:
                return OPEN
            if check("".join(sign for sign in text[start:end] if sign in JOINED)):
                return end
        return NOTHING

    return at


def _fits(text: str, start: int, shape: str) -> int:
    """The end of the shape; OPEN where the text ends in it."""
    for place, wanted in enumerate(shape, start):
        if place == len(text):
            return OPEN
        if text[place] not in _CLASSES.get(wanted, wanted):
            return NOTHING
    return start + len(shape)
