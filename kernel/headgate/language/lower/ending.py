"""Which lines can end the exchange (`respond`, `redirect`, a `require` that fails): whoever calls them has to ask."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.language import tree
from headgate.language.check.result import Checked


def can_end(checked: Checked, line: tree.Stmt) -> bool:
    """Whether running this line may decide the answer for good."""
    match line:
        case tree.Respond() | tree.Redirect() | tree.Require():
            return True
        case tree.Use() if line in checked.uses:
            return any_ends(checked, checked.uses[line].fragment.body.statements)
        case tree.Step() if line in checked.steps and checked.steps[line].spec.preflight:
            return True
        case tree.Step(block=tree.Block(statements=inner)) | tree.Arm(block=tree.Block(statements=inner)):
            return any_ends(checked, inner)
        case tree.On(block=tree.Block(statements=inner)):
            return any_ends(checked, inner)
        case tree.If(branches=branches, otherwise=otherwise):
            blocks = [block for _, block in branches] + ([otherwise] if otherwise else [])
            return any(any_ends(checked, block.statements) for block in blocks)
        case tree.Match(cases=cases, otherwise=otherwise):
            blocks = [case.block for case in cases] + ([otherwise] if otherwise else [])
            return any(any_ends(checked, block.statements) for block in blocks)
    return False


def any_ends(checked: Checked, lines: Iterable[tree.Stmt]) -> bool:
    return any(can_end(checked, line) for line in lines)
