"""Addresses of machines: IPv4 in four decimal numbers, IPv6 in any of its forms (RFC 4291 §2.2)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from headgate_guard.finding.detectors import NOTHING, OPEN, Detector, goes_on, sighted

_STARTS: Final = re.compile(r"(?<![0-9A-Za-z_:.])[0-9A-Fa-f:]")
# The longest is an IPv6 address that ends in an IPv4 address.
_LENGTH: Final = 45
_RUN: Final = re.compile(rf"[0-9A-Fa-f:.]{{1,{_LENGTH}}}+")
_V4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")


def _at(text: str, start: int, final: bool) -> int:
    end = _RUN.match(text, start).end()  # type: ignore[union-attr]  # it starts where `_STARTS` matched
    if end == len(text) and not final:
        return OPEN
    if goes_on(text, end):
        return NOTHING
    found = text[start:end].rstrip(".")
    if not found.endswith("::"):
        found = found.rstrip(":")
    # What follows an IPv4 address behind a colon is its port.
    for one in (found, found.partition(":")[0]):
        if _is_address(one):
            return start + len(one)
    return NOTHING


def _is_address(found: str) -> bool:
    if not _V4.match(found) and (found.count(":") < 2 or len(found) < 3):
        return False
    try:
        ip_address(found)
    except ValueError:
        return False
    return True


IPS: Final = (Detector("ip", _STARTS, _at, whole=sighted(_STARTS, "[0-9A-Fa-f]{0,3}[:.]")),)
