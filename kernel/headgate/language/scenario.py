"""Tests in the file, as data: what is given, sent and expected. `pipeline.rehearsal` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.result import Checked


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One test. `route` is made for a test of a fragment (`with standard(body=1KB)`), else the file's routes answer."""

    module: Module
    test: tree.Test
    route: tree.Route | None = None

    def __repr__(self) -> str:
        return f"<Scenario {self.module.name}: {self.test.name!r}>"

    def expressions(self) -> Iterator[tree.Expr]:
        """Every expression that the test asks for, with both sides of each comparison, for its message."""
        yield from _of_block(self.test.body)


def _of_block(block: tree.Block) -> Iterator[tree.Expr]:
    for line in block.statements:
        match line:
            case tree.Expect(condition=condition):
                yield from sides(condition)
            case tree.Given(value=value) | tree.After(duration=value):
                yield value
            case tree.Send(named=named):
                yield from (arg.value for arg in named)
            case tree.Repeat(block=inner):
                yield from _of_block(inner)


def sides(condition: tree.Expr) -> Iterator[tree.Expr]:
    """A condition, and what it compares."""
    yield condition
    inner = condition.inner if isinstance(condition, tree.Grouped) else condition
    if isinstance(inner, tree.Binary) and inner.op not in ("and", "or"):
        yield from (inner.left, inner.right)
    elif isinstance(inner, tree.Binary):
        yield from (side for part in (inner.left, inner.right) for side in sides(part))


def collect(checked: Checked, module: Module) -> Iterator[Scenario]:
    """Every test of a file, in order."""
    for item in module.file.items:
        if isinstance(item, tree.Test):
            route = checked.fragment_routes.get(item)
            yield Scenario(module, item, route)
