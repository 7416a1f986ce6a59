"""Where in a policy something went wrong: the innermost policy line of a traceback."""

from __future__ import annotations

import traceback


def policy_line(error: BaseException) -> str:
    """`orders.policy:13: KeyError: 'x'`; without a policy line, the error alone."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (f"{frame.filename}:{frame.lineno}: " for frame in reversed(frames) if frame.filename.endswith(".policy")), ""
    )
    return f"{place}{type(error).__name__}: {error}"
