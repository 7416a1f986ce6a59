"""What the lines of a block may do, wherever below it they stand, those of fragments included.

It is asked of lines that may run again, at once with others, or not to their end: there the order of the text says
nothing, so whatever may happen counts as having happened.
"""

from __future__ import annotations

from collections.abc import Iterator

from headgate.language import tree
from headgate.language.check.places import place_of
from headgate.language.check.result import Checked
from headgate.language.check.walk import lines_below
from headgate.language.vocabulary import StepSpec


def all_lines(checked: Checked, block: tree.Block) -> Iterator[tree.Stmt]:
    """The lines of a block, of the blocks below it, and of the fragments that they use."""
    seen: list[tree.Fragment] = []
    todo = [block]
    while todo:
        for line in lines_below(todo.pop()):
            yield line
            fragment = _fragment(checked, line) if isinstance(line, tree.Use) else None
            if fragment is not None and fragment not in seen:
                seen.append(fragment)
                todo.append(fragment.body)


def _fragment(checked: Checked, use: tree.Use) -> tree.Fragment | None:
    bound = checked.uses.get(use)
    return bound.fragment if bound is not None else None


def changed_places(checked: Checked, block: tree.Block) -> frozenset[str]:
    """Every place that a line of the block may set or remove; `caller` where one may authenticate."""
    found = set()
    for line in all_lines(checked, block):
        if isinstance(line, (tree.Set, tree.Remove)):
            found.add(place_of(line.place, checked.constants) or "")
        elif isinstance(line, tree.Step):
            found |= changed_by(checked, line)
    return frozenset(found)


def changed_by(checked: Checked, step: tree.Step) -> frozenset[str]:
    """The roots that are something else behind a step."""
    spec = checked.vocabulary.steps.get(step.name)
    if spec is None or step.shadow:
        return frozenset()
    return frozenset([*(["caller"] if "auth" in spec.gives else []), *(["response", "served"] if spec.hinge else [])])


def marks(checked: Checked, block: tree.Block) -> frozenset[str]:
    """The steps that may have run once the block did, as rules name them (see `State.passing`)."""
    found: set[str] = set()
    for line in all_lines(checked, block):
        spec = checked.vocabulary.steps.get(line.name) if isinstance(line, tree.Step) and not line.shadow else None
        found |= marks_of(spec) if spec is not None else set()
    return frozenset(found)


def marks_of(spec: StepSpec) -> frozenset[str]:
    """What rules may call a step that has run: its name, its family (`auth` for `auth.key`), its effect."""
    return frozenset({f"step:{spec.name}", f"step:{spec.name.partition('.')[0]}", f"step:{spec.effect}"})


def decides(checked: Checked, line: tree.Stmt) -> str:
    """What a line does, itself or below it, that has to have its place in the order; empty if nothing."""
    block = tree.Block(line.span, (line,))
    for inner in all_lines(checked, block):
        spec = checked.vocabulary.steps.get(inner.name) if isinstance(inner, tree.Step) else None
        if spec is not None and spec.hinge:
            return f"`{spec.name}` answers"
        match inner:
            case tree.Respond():
                return "`respond` answers"
            case tree.Redirect():
                return "`redirect` answers"
            case tree.Require():
                return "`require` may answer"
            case tree.Set() | tree.Remove():
                return "a place is changed"
    return ""
