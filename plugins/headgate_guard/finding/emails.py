"""E-mail addresses (RFC 5321 §4.1.2, as people write them: no quoted names, no comments; letters of Latin scripts)."""

from __future__ import annotations

import re
from typing import Final

from headgate_guard.finding.detectors import NOTHING, OPEN, Detector

_WORD: Final = r"A-Za-z0-9À-ɏ"
# RFC 5321 §4.5.3.1: 64 octets before the sign; 253 characters is the longest name in the DNS.
_LOCAL_LENGTH: Final = 64
_DOMAIN_LENGTH: Final = 253
_STARTS: Final = re.compile(rf"(?<![{_WORD}_])[{_WORD}_]")
_LOCAL: Final = re.compile(rf"[{_WORD}_.%+'&~-]{{1,{_LOCAL_LENGTH}}}+")
_LABEL: Final = rf"[{_WORD}]++(?:-++[{_WORD}]++)*+"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
_MORE: Final = re.compile(r"(?:\.|-++)?")
_TOP: Final = re.compile(r"(?:xn--[A-Za-z0-9-]+|[A-Za-zÀ-ɏ]{2,63})\Z", re.IGNORECASE)


def _at(text: str, start: int, final: bool) -> int:
    sign = _LOCAL.match(text, start).end()  # type: ignore[union-attr]  # it starts where `_STARTS` matched
    if sign == len(text):
        return NOTHING if final else OPEN
    if text[sign] != "@":
        return NOTHING
    limit = sign + 1 + _DOMAIN_LENGTH
    domain = _DOMAIN.match(text, sign + 1, limit)
    if not final and len(text) < limit and _reaches_end(text, domain.end() if domain else sign + 1, domain is not None):
        return OPEN
    return _end(domain) if domain else NOTHING


def _reaches_end(text: str, end: int, named: bool) -> bool:
    """Whether all of the text from the sign on is the beginning of a domain."""
    return (_MORE.match(text, end).end() if named else end) == len(text)  # type: ignore[union-attr]  # it may be empty


def _end(domain: re.Match[str]) -> int:
    """Where the last label ends that can be a top-level domain, behind another one."""
    labels = domain.group().split(".")
    while len(labels) > 1 and not _TOP.match(labels[-1]):
        labels.pop()
    return domain.start() + len(".".join(labels)) if len(labels) > 1 else NOTHING


EMAIL: Final = Detector("email", _STARTS, _at, anchor="@", reach=_LOCAL_LENGTH)
