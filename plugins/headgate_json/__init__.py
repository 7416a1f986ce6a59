"""JSON bodies: `read.json Message as m` reads one, holds it against a type of the policy, and binds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.api import hookimpl
from headgate_json.reading import read_json

__all__ = ["Json"]


class Json:
    """The plugin."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (read_json,)
