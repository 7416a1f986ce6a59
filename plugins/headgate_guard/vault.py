"""What was taken out of one exchange, and the names that stand for it.

1. A value has one name as long as the exchange lasts: `<EMAIL_1>`. Names are numbered in the order in which values appear,
   so a conversation that comes again with one more turn has the same names for its first turns.
2. No name is given that some text already holds. A name begins with `<` and ends with the first `>`, so putting it between
   any two texts makes no other name.
3. Only a value that is to come back is kept with its name. Nothing of this outlives the exchange or reaches a log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from headgate.api import Exchange
from headgate_guard.finding import OPEN, Hit

_KEPT: Final = "guard.vault"
# `<`, twelve letters, `_`, nine digits, `>`.
_LONGEST: Final = 24
_NAME: Final = re.compile(r"<[A-Z]{1,12}+_[0-9]{1,9}+>")


class Vault:
    """The names of one exchange."""

    __slots__ = ("_counts", "_names", "_taken", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Vault {len(self._names)} names, {len(self.values)} to come back>"

    @classmethod
    def of(cls, ctx: Exchange) -> Vault:
        """The one of this exchange."""
        vault: Vault | None = ctx.recall(_KEPT)
        if vault is None:
            vault = cls()
            ctx.remember(_KEPT, vault)
        return vault

    def avoid(self, text: str) -> None:
        """Give no name that stands in this text."""
        self._taken.update(_NAME.findall(text))

    def name(self, kind: str, value: str) -> str:
        """The name of a value; a new one where it has none."""
        name = self._names.get((kind, value))
        while name is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"<{kind.upper()}_{number}>"
            if name in self._taken:
                name = None
        self._names[kind, value] = name
        return name

    def keep(self, kind: str, value: str) -> str:
        """The name of a value that is to come back."""
        name = self.name(kind, value)
        self.values[name] = value
        return name

    def known(self, kind: str, value: str) -> str:
        """The name of a value that has one, else the value."""
        return self._names.get((kind, value), value)

    def hide(self, kind: str, value: str) -> str:
        """The name of a value that the model brought up; one that is the client's own comes back anyway."""
        name = self._names.get((kind, value))
        return value if name is not None and name in self.values else self.name(kind, value)

    def counts(self) -> dict[str, int]:
        """How many values of each kind have names."""
        counts: dict[str, int] = {}
        for kind, _ in self._names:
            counts[kind] = counts.get(kind, 0) + 1
        return counts

    def key(self) -> bytes:
        """A digest of what comes back."""
        return hashlib.sha256(msgspec.json.encode(self.values, order="sorted")).digest() if self.values else b""

    # --- names that come back ------------------------------------------------------------------------------------------

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """See `Finder`: finds names whose values come back. Open is what may become one of these, and nothing else."""
        while (start := text.find("<", pos)) >= 0:
            match = _NAME.match(text, start)
            pos = start + 1
            if match is not None and match.group() in self.values:
                pos = match.end()
                yield Hit(start, pos, "name")
            elif not final and self._begins(text, start):
                yield Hit(start, OPEN, "name")
                return

    def _begins(self, text: str, start: int) -> bool:
        """Whether the rest of the text is the beginning of a name."""
        if len(text) - start >= _LONGEST:
            return False
        rest = text[start:]
        return any(len(rest) < len(name) and name.startswith(rest) for name in self.values)

    def restored(self, kind: str, name: str) -> str:
        """The value of a name."""
        return self.values[name]


class Names:
    """A finder that finds nothing, and has a vault avoid the names that it sees."""

    __slots__ = ("_vault",)

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """See `Finder`."""
        self._vault.avoid(text)
        yield from ()
