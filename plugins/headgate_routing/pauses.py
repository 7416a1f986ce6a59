"""How long to wait before another try. Pure, but for chance."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from headgate.api import Response


def pause_s(backoff_s: float, tries: int, longest_s: float, response: Response | None, now: float) -> float | None:
    """Seconds before the next try, the `tries`-th before it being over; None where that would be too long.

    Exponential with full jitter: spread evenly below a bound that doubles each time, so that clients which failed
    together do not come back together. An answer's Retry-After is the least it takes (RFC 9110 §10.2.3).
    """
    pause = min(longest_s, backoff_s * 2.0 ** min(tries - 1, 30)) * random.random()  # noqa: S311 - spreads load
    asked = retry_after_s(response, now) if response is not None else None
    if asked is None:
        return pause
    return max(asked, pause) if asked <= longest_s else None


def retry_after_s(response: Response, now: float) -> float | None:
    """What Retry-After asks for, in seconds from `now` (wall time), or None."""
    value = response.headers.get(b"retry-after")
    if value is None:
        return None
    if value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value.decode("latin-1")).timestamp() - now)
    except (ValueError, OverflowError):
        return None
