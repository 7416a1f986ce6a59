"""What stands at the door: of bodies (`guard.size`), of pages (`cors`), and of what clients and models say (`pii.*`, `guard.*`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.api import hookimpl
from headgate_guard.asking import ask
from headgate_guard.cors import cors
from headgate_guard.fitting import json, schema
from headgate_guard.patterns import answer, pattern
from headgate_guard.pii import answers, mask, redact
from headgate_guard.size import size

__all__ = ["Guard"]


class Guard:
    """The plugin. It keeps nothing."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (size, cors, redact, answers, mask, pattern, answer, ask, json, schema)
