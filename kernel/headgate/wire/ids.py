"""The ids of requests: 26 hexadecimal digits, unique among all workers, in order within one."""

from __future__ import annotations

import secrets
import time


class Ids:
    """Counts for one worker."""

    __slots__ = ("_prefix", "given")

    def __init__(self) -> None:
        self._prefix = f"{int(time.time()):08x}{secrets.token_hex(4)}"
        self.given = 0

    def __repr__(self) -> str:
        return f"<Ids {self._prefix} [{self.given} given]>"

    def next(self) -> str:
        """The next one."""
        self.given += 1
        return f"{self._prefix}{self.given:010x}"
