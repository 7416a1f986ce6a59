"""Names and what they stand for. Lexical: a scope sees its parents, and ends with its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.language.check.places import within
from headgate.language.source import Span
from headgate.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name stands for.

    `kind`: local (bound by a line or a parameter), const, resource, root (`request`, `caller`, …), type,
    fragment, module, broken (an import that cannot be used), word. `ref` is the node or module behind it; `unique`
    tells equal names of two blocks apart.
    """

    kind: str
    name: str
    type: Type
    ref: Any = None
    span: Span | None = None
    unique: str = ""


class Scope:
    """The names of one block. `narrowed` are the places that a test has shown to be present on this path.

    What a block learns is its own; what it changes is changed around it too.
    """

    __slots__ = ("names", "narrowed", "parent")

    def __init__(self, parent: Scope | None = None, narrowed: frozenset[str] | None = None) -> None:
        self.parent = parent
        self.names: dict[str, Symbol] = {}
        self.narrowed: frozenset[str] = (
            narrowed if narrowed is not None else (parent.narrowed if parent else frozenset())
        )

    def find(self, name: str) -> Symbol | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def all_names(self) -> Iterator[str]:
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent

    def learn(self, places: frozenset[str]) -> None:
        """These places are present from here on, in this block."""
        self.narrowed |= places

    def forget(self, *places: str) -> None:
        """These places may have changed: nothing is known of them and their parts, here and in all blocks around."""
        scope: Scope | None = self
        while scope is not None:
            if scope.narrowed:
                scope.narrowed = frozenset(
                    kept for kept in scope.narrowed if not any(within(kept, place) for place in places)
                )
            scope = scope.parent

    def child(self, narrowed: frozenset[str] = frozenset()) -> Scope:
        return Scope(self, self.narrowed | narrowed)
