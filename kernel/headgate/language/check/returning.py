"""What a step line binds: what its function returns, or the type that the line itself names."""

from __future__ import annotations

from headgate.language import types as t
from headgate.language.check.result import BoundStep, Checked
from headgate.language.shapes import Shape


def returns_of(checked: Checked, bound: BoundStep) -> t.Type | None:
    """The type of the value; `read.json Message` gives a Message (`returns_type_of`)."""
    spec = bound.spec
    if spec.returns_type_of is None:
        return spec.returns
    of_unnamed = spec.unnamed is not None and spec.unnamed.name == spec.returns_type_of
    value = bound.unnamed if of_unnamed else bound.args.get(spec.returns_type_of)
    if value is None:
        return spec.returns
    shape = checked.constants.get(value)
    return shape.record if isinstance(shape, Shape) else t.NEVER


def returns_of_all(checked: Checked, name: str) -> list[t.Type]:
    """What lines of one step give, each type once; for a test that gives the step's value."""
    spec = checked.vocabulary.steps[name]
    if spec.returns_type_of is None:
        return [spec.returns] if spec.returns is not None else []
    found = (returns_of(checked, bound) for bound in checked.steps.values() if bound.spec.name == name)
    return list(dict.fromkeys(kind for kind in found if kind is not None)) or [t.JSON]
