"""Places: expressions that name one thing, by one text, so that a test of a place can be remembered.

`request.header.x` and `request.header["X"]` are one place, and so are `m.a` and `m["a"]`: what is remembered of the
one holds of the other, and what changes the one changes the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.language import tree

Known = Mapping[tree.Expr, Any]
_MAPS = (".header", ".query", ".cookie", ".params")


def place_of(expr: tree.Expr, known: Known | None = None) -> str | None:
    """The text of a place; None for what names no one place. `known` are constants, which may be keys."""
    match expr:
        case tree.Name(name=name):
            return name
        case tree.Grouped(inner=grouped):
            return place_of(grouped, known)
        case tree.Attr(base=base, name=name):
            inner = place_of(base, known)
            return _entry(inner, name) if inner else None
        case tree.Index(base=base, key=key):
            inner, value = place_of(base, known), _key(key, known or {})
            return _entry(inner, value) if inner and value is not None else None
    return None


def _key(key: tree.Expr, known: Known) -> str | int | None:
    value = key.value if isinstance(key, tree.Literal) else known.get(key)
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _entry(base: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{base}[{key}]"
    if base.endswith(_MAPS):
        return f'{base}["{key.lower() if base.endswith(".header") else key}"]'
    return f"{base}.{key}" if key.isidentifier() else f'{base}["{key}"]'


def within(place: str, other: str) -> bool:
    """Whether `place` is `other` or a part of it: `m.user.name` is within `m.user`."""
    return place == other or (place.startswith(other) and place[len(other)] in ".[")


def present_places(expr: tree.Expr, holds: bool, known: Known | None = None) -> frozenset[str]:
    """The places that are surely present where `expr` is true (`holds`) or false."""
    match expr:
        case tree.Grouped(inner=inner):
            return present_places(inner, holds, known)
        case tree.Unary(op="not", operand=operand):
            return present_places(operand, not holds, known)
        case tree.Presence(operand=operand, present=present) if present == holds:
            place = place_of(operand, known)
            return frozenset([place]) if place else frozenset()
        case tree.Binary(op=("and" | "or") as op, left=left, right=right):
            sides = present_places(left, holds, known), present_places(right, holds, known)
            return sides[0] | sides[1] if (op == "and") == holds else sides[0] & sides[1]
        case tree.Binary(op="==", left=left, right=right) if holds:
            return frozenset(place for place in (place_of(left, known), place_of(right, known)) if place)
    return frozenset()
