"""How long to wait before another try. Pure, but for chance."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime


def pause_s(backoff_s: float, tries: int, longest_s: float, asked_for: bytes | None, now: float) -> float | None:
    """Seconds before the next try, the `tries`-th before it being over; None where that would be too long.

    Exponential with full jitter: spread evenly below a bound that doubles each time, so that clients which failed
    together do not come back together. What Retry-After says (`asked_for`) is the least it takes (RFC 9110 §10.2.3).
    """
    pause = min(longest_s, backoff_s * 2.0 ** min(tries - 1, 30)) * random.random()  # noqa: S311 - spreads load
    asked = retry_after_s(asked_for, now) if asked_for is not None else None
    if asked is None:
        return pause
    return max(asked, pause) if asked <= longest_s else None


def retry_after_s(value: bytes, now: float) -> float | None:
    """What a Retry-After asks for, in seconds from `now` (wall time); None where nobody understands it."""
    if value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value.decode("latin-1")).timestamp() - now)
    except (ValueError, OverflowError):
        return None
