"""Places: expressions that name one thing, by one text, so that a test of a place can be remembered."""

from __future__ import annotations

from headgate.language import tree


def place_of(expr: tree.Expr) -> str | None:
    """`request.header["x"]` for that place however it is spaced; None for what names no one place."""
    match expr:
        case tree.Name(name=name):
            return name
        case tree.Grouped(inner=grouped):
            return place_of(grouped)
        case tree.Attr(base=base, name=name):
            inner = place_of(base)
            return f"{inner}.{name}" if inner else None
        case tree.Index(base=base, key=tree.Literal(kind="text", value=key)):
            inner = place_of(base)
            return f'{inner}["{str(key).lower() if inner and inner.endswith(".header") else key}"]' if inner else None
    return None


def present_places(expr: tree.Expr, holds: bool) -> frozenset[str]:
    """The places that are surely present where `expr` is true (`holds`) or false."""
    match expr:
        case tree.Grouped(inner=inner):
            return present_places(inner, holds)
        case tree.Unary(op="not", operand=operand):
            return present_places(operand, not holds)
        case tree.Presence(operand=operand, present=present) if present == holds:
            place = place_of(operand)
            return frozenset([place]) if place else frozenset()
        case tree.Binary(op="and", left=left, right=right) if holds:
            return present_places(left, True) | present_places(right, True)
        case tree.Binary(op="or", left=left, right=right) if not holds:
            return present_places(left, False) | present_places(right, False)
        case tree.Binary(op="==", left=left, right=right) if holds:
            return frozenset(place for place in (place_of(left), place_of(right)) if place)
    return frozenset()
