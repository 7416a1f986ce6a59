"""What the checker learned, for the lowering: tables by node identity, never written into the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from headgate.language import tree
from headgate.language.check.modules import Loaded, Module
from headgate.language.check.scope import Scope, Symbol
from headgate.language.diagnostics import Diagnostic
from headgate.language.source import Span
from headgate.language.types import Type
from headgate.language.vocabulary import FunctionSpec, ResourceSpec, StepSpec, Vocabulary


@dataclass(slots=True)
class BoundStep:
    """A step line with its arguments in their places. A parameter that was not given is not in `args`."""

    spec: StepSpec
    unnamed: tree.Expr | None
    args: dict[str, tree.Expr]


@dataclass(slots=True)
class BoundUse:
    """A `use` line: the fragment, the file it stands in, and its arguments by parameter."""

    fragment: tree.Fragment
    module: Module
    args: dict[str, tree.Expr]


@dataclass(slots=True)
class BoundFunction:
    """A call of a function: arguments by parameter."""

    spec: FunctionSpec
    args: dict[str, tree.Expr]


@dataclass(slots=True)
class BoundCall:
    """A call of a resource that takes parameters: arguments by parameter."""

    resource: BoundResource
    args: dict[str, tree.Expr]


UNREAD = frozenset({"E001", "E012", "E024", "E701"})  # findings that leave a line or more out of the tree


@dataclass(frozen=True, slots=True)
class Damage:
    """What could not be read: the numbers of those lines by file, and the words in them."""

    lines: dict[str, frozenset[int]]
    words: dict[str, frozenset[str]]


def damage_of(loaded: Loaded) -> Damage:
    """The lines that findings of the parser point to."""
    lines: dict[str, set[int]] = {}
    words: dict[str, set[str]] = {}
    for finding in loaded.findings:
        source = loaded.sources.get(finding.span.file)
        if source is None or finding.code not in UNREAD:
            continue
        for number in range(finding.span.line, finding.span.end_line + 1):
            lines.setdefault(source.name, set()).add(number)
            words.setdefault(source.name, set()).update(re.findall(r"[^\W\d]\w*", source.line(number)))
    return Damage(
        {name: frozenset(found) for name, found in lines.items()},
        {name: frozenset(found) for name, found in words.items()},
    )


@dataclass(slots=True)
class Checked:
    """Every table of one check. `findings` come in the order they were found; `errors` tells whether it may serve."""

    vocabulary: Vocabulary
    modules: dict[str, Module]
    findings: list[Diagnostic] = field(default_factory=list)
    mistakes: int = 0  # errors reported by the check so far; a warning makes nothing unusable
    types: dict[tree.Expr, Type] = field(default_factory=dict)
    symbols: dict[tree.Expr, Symbol] = field(default_factory=dict)
    constants: dict[tree.Expr, Any] = field(default_factory=dict)
    steps: dict[tree.Step, BoundStep] = field(default_factory=dict)
    uses: dict[tree.Use, BoundUse] = field(default_factory=dict)
    functions: dict[tree.Call, BoundFunction] = field(default_factory=dict)
    calls: dict[tree.Call, BoundCall] = field(default_factory=dict)
    values: dict[tree.Node, Type | None] = field(default_factory=dict)
    resources: dict[tuple[str, str], BoundResource] = field(default_factory=dict)
    words: dict[tree.Expr, str] = field(default_factory=dict)
    exports: dict[str, Scope] = field(default_factory=dict)
    params: dict[tree.Node, dict[str, Type]] = field(default_factory=dict)
    locals: dict[tree.Bind, Symbol] = field(default_factory=dict)
    binds: dict[tuple[str, str], list[tree.Bind]] = field(default_factory=dict)
    open_fragments: list[tree.Fragment] = field(default_factory=list)
    fragment_routes: dict[tree.Test, tree.Route] = field(default_factory=dict)
    heights: dict[tree.Block, int] = field(default_factory=dict)
    depth: int = 0
    overgrown: bool = False
    blamed: bool = False
    damaged: Damage = field(default_factory=lambda: Damage({}, {}))

    def __repr__(self) -> str:
        return f"<Checked {len(self.modules)} files, {len(self.findings)} findings>"

    @property
    def errors(self) -> list[Diagnostic]:
        return [finding for finding in self.findings if finding.severity == "error"]

    def is_lost(self, file: str, name: str) -> bool:
        """Whether a name may have had its meaning in a line that could not be read: then its absence says nothing."""
        return name in self.damaged.words.get(file, ())

    def is_damaged(self, node: tree.Node) -> bool:
        """Whether a line inside could not be read, so that what is missing there is not known."""
        lines = self.damaged.lines.get(node.span.file, ())
        return any(node.span.line <= line <= node.span.end_line for line in lines)

    def binds_of(self, file: str, name: str) -> Iterator[tree.Bind]:
        """Where lines of a file, checked so far, bind a name."""
        return iter(self.binds.get((file, name), ()))

    def report(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> None:
        """Add a finding; `note=`, `help=` take one text, the rest are the fields of `Diagnostic`."""
        notes = tuple(more.pop("notes", ())) + ((more.pop("note"),) if more.get("note") else ())
        helps = tuple(more.pop("helps", ())) + ((more.pop("help"),) if more.get("help") else ())
        more.pop("note", None), more.pop("help", None)
        finding = Diagnostic(code, message, span, label, notes, helps, **more)
        self.findings.append(finding)
        self.mistakes += finding.severity == "error"


@dataclass(slots=True)
class BoundResource:
    """A resource with its attributes as values, ready for its builder."""

    module: Module
    node: tree.Resource
    spec: ResourceSpec
    values: dict[str, Any]
