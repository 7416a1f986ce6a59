"""Ids of tool calls: Mistral takes nine letters and digits, and nothing else.

1. An id that is one already, as all that Mistral gives are, stays. So what it gave comes back to it as it was.
2. Any other becomes the start of its hash: the same id is the same in every request, and a result finds its call.
3. Two ids of one request never become the same: the later one is hashed again.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_FITS: Final = re.compile(r"[a-zA-Z0-9]{9}")
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 9


class Idents:
    """The ids of one request."""

    __slots__ = ("_known", "_taken")

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def __repr__(self) -> str:
        return f"<Idents {len(self._known)} known>"

    def __call__(self, ident: str) -> str:
        """As Mistral takes it."""
        found = self._known.get(ident)
        if found is None:
            found = ident if _FITS.fullmatch(ident) else _hashed(ident)
            while found in self._taken:
                found = _hashed(f"{ident} {found}")
            self._known[ident] = found
            self._taken.add(found)
        return found


def _hashed(ident: str) -> str:
    number = int.from_bytes(hashlib.sha256(ident.encode()).digest())
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)
