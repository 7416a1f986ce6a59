"""When a provider lets a limited key in again, in its own words.

1. `retry-after`, and what `retry-after-ms` says more exactly, is about this request, so it wins.
2. Else the lines that tell how each limit stands: the latest reset of those of which nothing remains; where none says that
   it is spent, the earliest of all, for one of them is.
3. What cannot be read is not there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from headgate.api import Headers

# Where a limit says when it is whole again, and where it says what remains of it. OpenAI, Groq, Together, Fireworks:
# https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers; Anthropic:
# https://platform.claude.com/docs/en/api/rate-limits#response-headers; OpenRouter, Hugging Face: the last.
_LIMITS: Final = (
    *((f"x-ratelimit-reset-{what}".encode(), f"x-ratelimit-remaining-{what}".encode()) for what in ("requests", "tokens")),
    *(
        (f"anthropic-ratelimit-{what}-reset".encode(), f"anthropic-ratelimit-{what}-remaining".encode())
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
    (b"x-ratelimit-reset", b"x-ratelimit-remaining"),
)  # fmt: skip
_UNITS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "ns": 1e-9}
# `6m0s`, `1.5s`, `20ms`, as Go writes a duration.
_DURATION: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|ns|[dhms]))+")
_PIECE: Final = re.compile(r"([\d.]+)(ms|us|ns|[dhms])")
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
# A number that is larger is a moment since 1970, in seconds or, larger still, in milliseconds.
_MOMENT: Final = 1e9
_MILLISECONDS: Final = 1e12


def wait_of(headers: Headers, now: float) -> float | None:
    """Seconds until it is worth trying again. None where nothing says. `now` is in seconds since 1970."""
    exact = _text(headers, b"retry-after-ms")
    if exact and _NUMBER.fullmatch(exact):
        return float(exact) / 1000
    after = _read(_text(headers, b"retry-after"), now)
    return after if after is not None else _reset(headers, now)


def _reset(headers: Headers, now: float) -> float | None:
    known = list(_known(headers, now))
    spent = [wait for wait, spent in known if spent]
    return max(spent) if spent else min((wait for wait, _ in known), default=None)


def _known(headers: Headers, now: float) -> Iterator[tuple[float, bool]]:
    for reset, remaining in _LIMITS:
        wait = _read(_text(headers, reset), now)
        if wait is not None:
            yield wait, _text(headers, remaining) == "0"


def _read(text: str, now: float) -> float | None:
    """Seconds, out of a number, a duration, a moment, or a date of HTTP or RFC 3339."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        moment = number / 1000 if number >= _MILLISECONDS else number
        return max(0.0, moment - now) if number >= _MOMENT else number
    if _DURATION.fullmatch(text):
        return math.fsum(float(amount) * _UNITS[unit] for amount, unit in _PIECE.findall(text))
    date = _date(text)
    return None if date is None else max(0.0, date.timestamp() - now)


def _date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = parse(text)
        except (ValueError, OverflowError):
            continue
        if date.tzinfo is not None:
            return date
    return None


def _text(headers: Headers, name: bytes) -> str:
    return (headers.get(name) or b"").decode("latin-1").strip()
