"""Files and their imports, read once each.

`load` follows imports from the given files, depth first, and names circles and missing files where the
import stands. It reads through a function, so that tests and reloads bring their own files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from headgate.language import tree
from headgate.language.diagnostics import Diagnostic
from headgate.language.parse import parse
from headgate.language.source import Source

Read = Callable[[str], str | None]
# A file as it was parsed: its text, its tree, and what was wrong with it.
Parsed = tuple[Source, tree.File | None, list[Diagnostic]]


@dataclass(slots=True, eq=False)
class Module:
    """One file: its tree, and the modules it imports by the names it gives them."""

    name: str
    source: Source
    file: tree.File
    imports: dict[str, Module] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Module {self.name} [{len(self.file.items)} items]>"


@dataclass(slots=True)
class Loaded:
    """Every file that was reached, by name, and what was wrong while reading."""

    modules: dict[str, Module]
    sources: dict[str, Source]
    findings: list[Diagnostic]


def load(names: Iterable[str], read: Read, known: dict[str, Parsed] | None = None) -> Loaded:
    """Read the files and all that they import. Never raises for what stands in them.

    `known` are files as they were parsed before; a text that is the same is not parsed again. It is left with the files
    of now.
    """
    loader = _Loader(read, known if known is not None else {})
    for name in names:
        loader.module(name, ())
    if known is not None:
        for name in known.keys() - loader.sources.keys():
            del known[name]
    return Loaded(loader.modules, loader.sources, loader.findings)


class _Loader:
    def __init__(self, read: Read, known: dict[str, Parsed]) -> None:
        self.read = read
        self.known = known
        self.modules: dict[str, Module] = {}
        self.sources: dict[str, Source] = {}
        self.findings: list[Diagnostic] = []

    def module(self, name: str, chain: tuple[str, ...]) -> Module | None:
        if name in self.modules:
            return self.modules[name]
        if name in self.sources:
            return None
        text = self.read(name)
        if text is None:
            return None
        known = self.known.get(name)
        if known is None or known[0].text != text:
            source = Source(name, text)
            known = self.known[name] = (source, *parse(source))
        source, file, findings = known
        self.sources[name] = source
        self.findings.extend(findings)
        if file is None:
            return None
        module = Module(name, source, file)
        self._imports(module, (*chain, name))
        self.modules[name] = module
        return module

    def _imports(self, module: Module, chain: tuple[str, ...]) -> None:
        for item in module.file.items:
            if isinstance(item, tree.Import):
                if not item.path and any(finding.span == item.path_span for finding in self.findings):
                    continue  # what it should be is not known
                target = posixpath.normpath(posixpath.join(posixpath.dirname(module.name), item.path))
                if target.startswith(("/", "../")):
                    self._outside(item)
                elif target in chain:
                    self._circle(item, target, chain)
                elif (found := self.module(target, chain)) is not None:
                    module.imports[item.name] = found
                elif target not in self.sources:
                    self._missing(item, target)

    def _missing(self, item: tree.Import, target: str) -> None:
        self.findings.append(
            Diagnostic(
                "E601",
                f"the file {item.path!r} cannot be read",
                item.path_span,
                notes=(f"looked for it at {target}",),
                helps=("an import is relative to the file it stands in",),
            )
        )

    def _outside(self, item: tree.Import) -> None:
        self.findings.append(
            Diagnostic(
                "E601",
                f"the file {item.path!r} is outside the folder of the policies",
                item.path_span,
                helps=("an import stays inside the folder; move the file into it",),
            )
        )

    def _circle(self, item: tree.Import, target: str, chain: tuple[str, ...]) -> None:
        way = " -> ".join((*chain[chain.index(target) :], target))
        self.findings.append(
            Diagnostic(
                "E602",
                "files import each other in a circle",
                item.path_span,
                notes=(way,),
                helps=("move what both need into a third file",),
            )
        )
