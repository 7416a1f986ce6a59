"""Walking over expressions: those of one line, and the names in them."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.language import tree


def expressions_of(line: tree.Stmt) -> Iterator[tree.Expr]:
    """The expressions of a line itself, not those of the lines in its blocks."""
    match line:
        case tree.Step(args=args, named=named) | tree.Use(args=args, named=named):
            yield from args
            yield from (arg.value for arg in named)
        case tree.Let(value=value) | tree.Give(value=value):
            yield value
        case tree.Set(place=place, value=value):
            yield from (place, value)
        case tree.Remove(place=place):
            yield place
        case tree.If(branches=branches):
            yield from (condition for condition, _ in branches)
        case tree.Match(subject=subject):
            yield subject
        case tree.Require(condition=condition, why=why):
            yield from (condition, why)
        case tree.Respond(status=first, named=named) | tree.Redirect(location=first, named=named):
            yield first
            yield from (arg.value for arg in named)


def children(expr: tree.Expr) -> Iterator[tree.Expr]:
    """The expressions right inside one."""
    match expr:
        case tree.Interpolation(parts=parts):
            yield from (part for part in parts if isinstance(part, tree.Expr))
        case (
            tree.Attr(base=inner) | tree.Unary(operand=inner) | tree.Presence(operand=inner) | tree.Grouped(inner=inner)
        ):
            yield inner
        case tree.Index(base=left, key=right) | tree.Binary(left=left, right=right):
            yield from (left, right)
        case tree.Call(args=args, named=named):
            yield from args
            yield from (arg.value for arg in named)
        case tree.ListOf(items=items):
            yield from items
        case tree.ObjectOf(pairs=pairs):
            yield from (value for _, value in pairs)


def names_in(node: tree.Expr | tree.Block) -> Iterator[tree.Name]:
    """Every name in an expression, or in the lines of a block and the blocks below it."""
    if isinstance(node, tree.Name):
        yield node
    elif isinstance(node, tree.Expr):
        for child in children(node):
            yield from names_in(child)
    else:
        for line in node.statements:
            for expr in expressions_of(line):
                yield from names_in(expr)
            for block in blocks_of(line):
                yield from names_in(block)


def lines_below(block: tree.Block) -> Iterator[tree.Stmt]:
    """Every line of a block and of the blocks below it."""
    for line in block.statements:
        yield line
        for inner in blocks_of(line):
            yield from lines_below(inner)


def bound_by(line: tree.Stmt) -> tree.Bind | None:
    """The name that a line binds, if it binds one."""
    match line:
        case tree.Step(bind=bind) | tree.Use(bind=bind) | tree.Let(bind=bind):
            return bind
    return None


def binds_of(line: tree.Stmt) -> Iterator[tree.Bind]:
    """The names that hold below a line: its own, and those of the lines that it runs at once."""
    for one in line.block.statements if isinstance(line, tree.Parallel) else (line,):
        bind = bound_by(one)
        if bind is not None:
            yield bind


def blocks_of(line: tree.Stmt) -> Iterator[tree.Block]:
    """The blocks right inside a line."""
    match line:
        case tree.Step(block=tree.Block() as block):
            yield block
        case tree.Arm(block=block) | tree.Parallel(block=block) | tree.On(block=block) | tree.Finally(block=block):
            yield block
        case tree.If(branches=branches, otherwise=otherwise):
            yield from (block for _, block in branches)
            if otherwise is not None:
                yield otherwise
        case tree.Match(cases=cases, otherwise=otherwise):
            yield from (case.block for case in cases)
            if otherwise is not None:
                yield otherwise
