"""Which plugins are installed, by name, without loading any."""

from __future__ import annotations

import importlib.metadata
from typing import Final

GROUP: Final = "headgate"


def installed() -> list[importlib.metadata.EntryPoint]:
    """The entry points of all plugins, in the order of their names."""
    return sorted(importlib.metadata.entry_points(group=GROUP))
