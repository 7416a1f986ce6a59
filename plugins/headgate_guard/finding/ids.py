"""Numbers that states give to people, as far as they can be told from other numbers by a shape and a check."""

from __future__ import annotations

import re
from typing import Final

from headgate_guard.finding.detectors import Detector, sighted
from headgate_guard.finding.shapes import Check, shaped

_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_])[0-9XYZxyz]")


def _ssn(number: str) -> bool:
    """United States: no check digit, but areas, groups and serials that are never given (SSA, 2011)."""
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _cpf(number: str) -> bool:
    """Brazil: two check digits modulo 11."""
    digits = [int(sign) for sign in number]
    if len(set(digits)) == 1:
        return False
    return all(
        sum(digit * (length + 1 - place) for place, digit in enumerate(digits[:length])) * 10 % 11 % 10
        == digits[length]
        for length in (9, 10)
    )


def _dni(number: str) -> bool:
    """Spain: a letter modulo 23; foreigners' numbers begin with X, Y or Z for 0, 1 or 2."""
    first = {"X": "0", "Y": "1", "Z": "2"}.get(number[0].upper(), number[0])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(first + number[1:-1]) % 23] == number[-1].upper()


def _nir(number: str) -> bool:
    """France: 13 signs (Corsica has a letter) and a key modulo 97."""
    body = number[:13].upper()
    bare = body.replace("2A", "19", 1) if body[5:7] == "2A" else body.replace("2B", "18", 1)
    return bare.isdigit() and body[0] in "12" and 97 - int(bare) % 97 == int(number[13:])


_TIMES: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def _aadhaar(number: str) -> bool:
    """India: never begins with 0 or 1; Verhoeff's check digit."""
    check = 0
    for place, sign in enumerate(reversed(number)):
        check = int(_TIMES[check][int(_TURNS[place % 8][int(sign)])])
    return check == 0 and number[0] not in "01"


def _id(kind: str, ahead: str, shapes: tuple[str, ...], check: Check) -> Detector:
    return Detector(kind, _STARTS, shaped(shapes, check), whole=sighted(_STARTS, ahead))


IDS: Final = (
    _id(
        "nir", "(?: ?[0-9A-Za-z]){14}",
        ("d dd dd dd ddd ddd dd", "d dd dd dl ddd ddd dd", "ddddddddddddddd", "ddddddlddddddddd"), _nir,
    ),
    _id("aadhaar", "[0-9]{3}[ -][0-9]{4}[ -]", ("dddd dddd dddd", "dddd-dddd-dddd"), _aadhaar),
    _id("cpf", r"[0-9]{2}\.[0-9]{3}\.", ("ddd.ddd.ddd-dd",), _cpf),
    _id("ssn", "[0-9]{2}[ -][0-9]{2}[ -]", ("ddd-dd-dddd", "ddd dd dddd"), _ssn),
    _id("dni", "-?[0-9]{7}", ("ddddddddl", "dddddddd-l", "ldddddddl", "l-ddddddd-l", "lddddddd-l"), _dni),
)  # fmt: skip
