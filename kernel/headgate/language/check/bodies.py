"""How a block ends, and what it gives: read off its lines alone."""

from __future__ import annotations

from headgate.language import tree


def last_line(block: tree.Block) -> tree.Stmt | None:
    """The last line that is not a handler: the one whose value is the block's."""
    lines = [line for line in block.statements if not isinstance(line, (tree.On, tree.Finally))]
    return lines[-1] if lines else None


def ends(block: tree.Block) -> bool:
    """Whether no path leads out of a block at its end: each answers or gives."""
    match last_line(block):
        case tree.Respond() | tree.Redirect() | tree.Give():
            return True
        case tree.If(branches=branches, otherwise=tree.Block() as otherwise):
            return ends(otherwise) and all(ends(inner) for _, inner in branches)
        case tree.Match(cases=cases, otherwise=tree.Block() as otherwise):
            return ends(otherwise) and all(ends(case.block) for case in cases)
    return False


def gives_of(line: tree.Stmt) -> list[tree.Give]:
    """Every `give` that stands in this line and speaks for the block around it."""
    match line:
        case tree.Give():
            return [line]
        case tree.On(block=block):
            blocks = [block]
        case tree.If(branches=branches, otherwise=otherwise):
            blocks = [block for _, block in branches] + ([otherwise] if otherwise else [])
        case tree.Match(cases=cases, otherwise=otherwise):
            blocks = [case.block for case in cases] + ([otherwise] if otherwise else [])
        case _:
            return []
    return [give for block in blocks for inner in block.statements for give in gives_of(inner)]
