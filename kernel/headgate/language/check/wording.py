"""Types and mends as a sentence of a finding names them."""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators
from headgate.language.check.places import place_of

_EXAMPLES = {t.DURATION: "s", t.SIZE: "KB", t.MONEY: "$", t.RATE: "/min", t.PERCENT: "%"}

_PHRASES = {
    "text": "text", "json": "JSON", "bytes": "bytes", "money": "an amount of money", "none": "nothing", "ip": "an address",
    "failure": "a class of statuses", "word": "a word",
}  # fmt: skip


def a_type(kind: t.Type) -> str:
    """The type as a sentence names it."""
    text = str(kind)
    if text in _PHRASES:
        return _PHRASES[text]
    if isinstance(kind, (t.Choice, t.Anything, t.TypeName)):
        return text
    if isinstance(kind, t.Optional):
        return f"{a_type(kind.inner)} that may be absent"
    return f"an {text}" if text.startswith(("a", "e", "i", "o", "up")) else f"a {text}"


def fit_help(expr: tree.Expr, kind: t.Type, expected: t.Type) -> tuple[str, ...]:
    """How a value is made to fit, where that is plain."""
    if expected in (t.TEXT, t.Optional(t.TEXT)) and isinstance(kind, (t.Scalar, t.Bounded)):
        shown = place_of(expr) or (expr.raw if isinstance(expr, tree.Literal) else "…")
        return (f'write it into a text: `"{shown}"`' if isinstance(expr, tree.Literal) else f'write `"{{{shown}}}"`',)
    if isinstance(expected, t.ListType) and expected.item.accepts(kind):
        return ("a list stands in brackets: `[…]`",)
    return unit_help(expr, expected)


def both_types(left: t.Type, right: t.Type) -> str:
    """Two types as the sides of an operator."""
    return f"two values of type {left}" if left == right else f"{a_type(left)} and {a_type(right)}"


def unit_help(expr: tree.Expr, expected: t.Type) -> tuple[str, ...]:
    """For a bare number where a unit is wanted: how it is written."""
    wanted = operators.base(t.strip(expected))
    if not isinstance(expr, tree.Literal) or expr.kind not in ("int", "number") or wanted not in _EXAMPLES:
        return ()
    unit = _EXAMPLES[wanted]
    written = f"${expr.raw}" if unit == "$" else f"{expr.raw}{unit}"
    return (f"a {wanted} has a unit: `{written}`",)
