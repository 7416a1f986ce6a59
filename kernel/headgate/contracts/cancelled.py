"""What being cancelled looks like to whoever stands around it."""

from __future__ import annotations

import trio


def is_cancellation(error: BaseException) -> bool:
    """Whether it is cancellation and nothing else: a nursery of which several tasks were cancelled raises a group of it."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1] is None
    return isinstance(error, trio.Cancelled)
