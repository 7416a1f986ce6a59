"""Which operator takes which types, and what comes out: tables, read by the checker.

Units never mix: a duration plus a size is a finding, an amount of money times an int is money.
"""

from __future__ import annotations

from headgate.language import types as t

_NUMERIC = (t.INT, t.NUMBER)
_UNITS = (t.DURATION, t.SIZE, t.MONEY)

ARITHMETIC: dict[tuple[str, t.Type, t.Type], t.Type] = {}

for _unit in _UNITS:
    ARITHMETIC["+", _unit, _unit] = ARITHMETIC["-", _unit, _unit] = _unit
    ARITHMETIC["*", _unit, t.INT] = ARITHMETIC["*", t.INT, _unit] = _unit
    ARITHMETIC["/", _unit, _unit] = t.NUMBER
for _op in ("+", "-", "*"):
    ARITHMETIC[_op, t.INT, t.INT] = t.INT
    for _left, _right in ((t.INT, t.NUMBER), (t.NUMBER, t.INT), (t.NUMBER, t.NUMBER)):
        ARITHMETIC[_op, _left, _right] = t.NUMBER
for _left in _NUMERIC:
    for _right in _NUMERIC:
        ARITHMETIC["/", _left, _right] = t.NUMBER
ARITHMETIC["%", t.INT, t.INT] = t.INT
ARITHMETIC["*", t.DURATION, t.NUMBER] = ARITHMETIC["*", t.NUMBER, t.DURATION] = t.DURATION
ARITHMETIC["/", t.DURATION, t.NUMBER] = ARITHMETIC["/", t.DURATION, t.INT] = t.DURATION
ARITHMETIC["+", t.TIME, t.DURATION] = ARITHMETIC["-", t.TIME, t.DURATION] = t.TIME
ARITHMETIC["-", t.TIME, t.TIME] = t.DURATION

ORDERED = frozenset({t.INT, t.NUMBER, t.DURATION, t.SIZE, t.MONEY, t.PERCENT, t.TIME, t.STATUS})
NEGATABLE = frozenset({t.INT, t.NUMBER, t.DURATION, t.MONEY})


def base(kind: t.Type) -> t.Type:
    """The scalar behind bounds and choices."""
    if isinstance(kind, t.Bounded):
        return kind.base
    return t.TEXT if isinstance(kind, t.Choice) else kind


def arithmetic(op: str, left: t.Type, right: t.Type) -> t.Type | None:
    return ARITHMETIC.get((op, base(left), base(right)))


def ordered(left: t.Type, right: t.Type) -> bool:
    left, right = base(left), base(right)
    return left in ORDERED and right in ORDERED and (left == right or {left, right} <= {t.INT, t.NUMBER, t.STATUS})


def comparable(left: t.Type, right: t.Type) -> bool:
    """Whether two values could ever be equal."""
    left, right = base(t.strip(left)), base(t.strip(right))
    return t.unify(left, right) is not None or t.ANY in (left, right)
