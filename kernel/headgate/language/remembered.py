"""What a compiler keeps from one time to the next, so that only what has changed is done again.

1. A file whose text is the same has the same tree; the very same, for all else goes by the identity of nodes.
2. Whether policies may serve is checked anew each time: a finding may concern two files that do not import one another.
3. What a file was compiled to holds as long as its tree and those of all files that it imports are the same.
4. A test that passed passes again while that holds: it sees nothing but its file, on a clock and stores of its own.
5. A warning that was said is not said again while it holds.
6. What the last set did not need is forgotten.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from headgate.language import tree
from headgate.language.check.modules import Module, Parsed
from headgate.language.diagnostics import Diagnostic

if TYPE_CHECKING:
    from headgate.language.emit import Program


class Remembered:
    """One compiler's memory. Not for several threads at a time."""

    def __init__(self) -> None:
        self.parsed: dict[str, Parsed] = {}
        self._parts: dict[str, tuple[frozenset[tree.File], Program]] = {}
        self._passed: dict[str, Program] = {}
        self._told: set[tuple[object, ...]] = set()
        self._numbers = itertools.count(1)

    def __repr__(self) -> str:
        return f"<Remembered {len(self.parsed)} files, {len(self._parts)} compiled, {len(self._passed)} tested>"

    def number(self) -> int:
        """One that no part has."""
        return next(self._numbers)

    def part(self, module: Module) -> Program | None:
        """What this file was compiled to, where that still holds."""
        known = self._parts.get(module.name)
        return known[1] if known is not None and known[0] == files_of(module) else None

    def keep(self, modules: dict[str, Module], parts: dict[str, Program]) -> None:
        """These are the parts of today."""
        self._parts = {name: (files_of(modules[name]), part) for name, part in parts.items()}
        self._passed = {name: part for name, part in self._passed.items() if parts.get(name) is part}

    def has_passed(self, name: str, part: Program) -> bool:
        """Whether the tests of this part have all passed."""
        return self._passed.get(name) is part

    def passed(self, parts: dict[str, Program]) -> None:
        """The tests of all these have passed."""
        self._passed = dict(parts)

    def new(self, warnings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Those that were not there the last time. One that has only moved within its file was."""
        keyed = [((one.span.file, one.code, one.message, one.notes, one.helps), one) for one in warnings]
        told, self._told = self._told, {key for key, _ in keyed}
        return [one for key, one in keyed if key not in told]


def files_of(module: Module) -> frozenset[tree.File]:
    """The trees of a file and of all that it imports, however far."""
    found: dict[str, Module] = {}
    left = [module]
    while left:
        one = left.pop()
        if one.name not in found:
            found[one.name] = one
            left += one.imports.values()
    return frozenset(one.file for one in found.values())
