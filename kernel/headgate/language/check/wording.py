"""Types and mends as a sentence of a finding names them."""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators

_EXAMPLES = {t.DURATION: "s", t.SIZE: "KB", t.MONEY: "$", t.RATE: "/min", t.PERCENT: "%"}

_PHRASES = {
    "text": "text", "json": "JSON", "bytes": "bytes", "money": "an amount of money", "none": "`none`", "ip": "an address",
    "failure": "a class of statuses", "word": "a word",
}  # fmt: skip


def a_type(kind: t.Type) -> str:
    """The type as a sentence names it."""
    text = str(kind)
    if text in _PHRASES:
        return _PHRASES[text]
    if isinstance(kind, (t.Choice, t.Anything, t.TypeName)):
        return text
    if isinstance(kind, t.AnyOf):
        return " or ".join(a_type(one) for one in kind.kinds)
    if isinstance(kind, t.Optional):
        return f"{a_type(kind.inner)} that may be absent"
    return f"an {text}" if text.startswith(("a", "e", "i", "o", "up")) else f"a {text}"


def fit_help(expr: tree.Expr, kind: t.Type, expected: t.Type, written: str) -> tuple[str, ...]:
    """How a value is made to fit, where that is plain."""
    if operators.base(t.strip(expected)) == t.TEXT and isinstance(kind, (t.Scalar, t.Bounded)) and kind != t.NONE:
        return (f'write it as text: `"{written if isinstance(expr, tree.Literal) else f"{{{written}}}"}"`',)
    wanted = t.strip(expected)
    if kind == t.TEXT and wanted == t.SECRET:
        # Its value is not repeated here.
        return (
            'a secret is named, and stands in the environment: `secret("NAME")`; what is written in a file is none',
        )
    if kind == t.TEXT and wanted == t.WORD and isinstance(expr, tree.Literal):
        return (f"a word is written without quotes: `{expr.value}`",)
    if isinstance(expected, t.ListType) and expected.item.accepts(kind):
        return ("a list stands in brackets: `[…]`",)
    return unit_help(expr, expected)


def both_types(left: t.Type, right: t.Type) -> str:
    """Two types as the sides of an operator."""
    return f"two values of type {left}" if left == right else f"{a_type(left)} and {a_type(right)}"


_VALUES = {
    "rate": "100/min", "size": "1MB", "duration": "2s", "int": "2", "text": '"…"', "percent": "5%", "money": "$1",
    "upstream": "orders", "model": "gpt", "bool": "true", "status": "200",
}  # fmt: skip


def example(kind: t.Type) -> str:
    """A value of that type, as it is written."""
    return _VALUES.get(str(operators.base(t.strip(kind))), "…")


def unit_help(expr: tree.Expr, expected: t.Type) -> tuple[str, ...]:
    """For a bare number where a unit is wanted: how it is written."""
    wanted = operators.base(t.strip(expected))
    if isinstance(expr, tree.Literal) and expr.kind == "text" and wanted in _EXAMPLES:
        return (f"{a_type(wanted)} is written without quotes: `{example(wanted)}`",)
    if not isinstance(expr, tree.Literal) or expr.kind not in ("int", "number") or wanted not in _EXAMPLES:
        return ()
    unit = _EXAMPLES[wanted]
    written = f"${expr.raw}" if unit == "$" else f"{expr.raw}{unit}"
    return (f"{a_type(wanted)} has a unit: `{written}`",)
