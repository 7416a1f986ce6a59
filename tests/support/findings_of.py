"""Every finding of some files: those of the check, and where it finds no error, those of building and of the tests."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from headgate.contracts.facts import NodeFacts
from headgate.contracts.memory import MemoryCalls
from headgate.contracts.node import Node, Stores
from headgate.errors import PolicyError
from headgate.host.plugins import Plugins, load_plugins
from headgate.host.settings import Settings
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import compile_program
from headgate.language.source import Source
from headgate.pipeline.doubts import doubts_about
from headgate.pipeline.provision import Provision
from headgate.serve import run_tests

# What examples import.
FILES = {
    "shared/edge.policy": "policy 1\n\nfragment standard(body: size) { guard.size body }\n",
    "self.policy": 'policy 1\nimport "main.policy" as main\n',
}


@functools.cache
def plugins() -> Plugins:
    return load_plugins()


class _Clock:
    def time(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return 0.0


def findings_of(
    files: Mapping[str, str], *names: str, facts: NodeFacts | None = None
) -> tuple[list[Diagnostic], dict[str, Source]]:
    """The findings of the files `names`, or of `main.policy`, with the sources for showing them; `facts` are the node's."""
    loaded = load(names or ["main.policy"], files.get)
    checked = check(loaded, plugins().vocabulary)
    if checked.errors:
        return checked.findings, loaded.sources
    program = compile_program(checked)
    node: Any = Node(_Clock(), None, None, Stores(calls=MemoryCalls()), dialects=plugins().vocabulary.dialects)  # type: ignore[arg-type]
    try:
        Provision(node).link(program)
    except PolicyError as error:
        return [*checked.findings, *error.diagnostics], loaded.sources
    shapes = plugins().settings_shapes()
    settings = Settings(plugins={name: shape() for name, shape in shapes.items()})
    found = [*run_tests(settings, plugins(), program), *doubts_about(program, facts or NodeFacts())]
    return [*checked.findings, *found], loaded.sources


def codes_of(files: Mapping[str, str], facts: NodeFacts | None = None) -> list[str]:
    return [finding.code for finding in findings_of(files, facts=facts)[0]]
