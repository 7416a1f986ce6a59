"""What stands at the door: `guard.size` bounds bodies, `cors` says which sites' pages may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.api import hookimpl
from headgate_guard.cors import cors
from headgate_guard.size import size

__all__ = ["Guard"]


class Guard:
    """The plugin. It keeps nothing."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (size, cors)
