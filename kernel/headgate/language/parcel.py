"""A program as bytes, for another process that has loaded the same plugins.

1. What only the check, the tests in the files and the trace of a test need stays behind: trees of bodies, tables, tests.
   What comes out links and runs as the program that went in.
2. What plugins declare does not travel, only its name: a step here is that step there.
3. Secrets travel. A parcel goes from one process of a node to another and nowhere else; never write one to a file.
"""

from __future__ import annotations

import io
import marshal
import pickle
from collections.abc import Mapping
from dataclasses import replace
from types import CodeType, MappingProxyType
from typing import Any

from headgate.contracts.values import Secret
from headgate.errors import InternalError
from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.result import BoundResource, Checked
from headgate.language.emit import Program
from headgate.language.lower.pool import Pool
from headgate.language.lower.routes import LoweredRoute
from headgate.language.source import Source, Span
from headgate.language.vocabulary import Vocabulary


def pack(program: Program, sources: Mapping[str, Source]) -> bytes:
    """The program, and the texts in which findings about it are shown. InternalError where a value cannot travel."""
    out = io.BytesIO()
    try:
        _Packer(out, program.checked.vocabulary).dump((_lean(program), dict(sources)))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise InternalError(f"a value of the policies cannot be handed to the workers: {error}") from error
    return out.getvalue()


def unpack(parcel: bytes, vocabulary: Vocabulary) -> tuple[Program, dict[str, Source]]:
    """What was packed. Only ever give it what a process of this node has packed."""
    found: tuple[Program, dict[str, Source]] = _Unpacker(io.BytesIO(parcel), vocabulary).load()
    return found


def _lean(program: Program) -> Program:
    pool = Pool()
    pool.constants, pool.steps, pool.sites = program.pool.constants, program.pool.steps, program.pool.sites
    pool.resources = {name: _bare_resource(bound) for name, bound in program.pool.resources.items()}
    routes = [_bare_route(lowered) for lowered in program.routes]
    checked = Checked(program.checked.vocabulary, {})
    for lowered in routes:
        for option in lowered.route.options:
            checked.constants[option.value] = program.checked.constants[option.value]
    return Program(checked, pool, program.code, routes, ())


def _bare_route(lowered: LoweredRoute) -> LoweredRoute:
    route = lowered.route
    return replace(lowered, route=replace(route, body=tree.Block(route.body.span, ())))


def _bare_resource(bound: BoundResource) -> BoundResource:
    name = bound.module.name
    module = Module(name, Source(name, ""), tree.File(Span(name, 1, 1, 1, 1), name, 1, ()))
    return replace(bound, module=module)


def _declared(vocabulary: Vocabulary) -> dict[tuple[str, ...], Any]:
    """All that has the same name in every process with these plugins."""
    named: dict[tuple[str, ...], Any] = {("vocabulary",): vocabulary}
    for step in vocabulary.steps.values():
        named["step", step.name] = step
        named["fast", step.name] = step.fast
    for function in vocabulary.functions.values():
        named["function", function.name] = function
        named["call", function.name] = function.call
    named.update({("resource", kind): spec for kind, spec in vocabulary.resources.items()})
    named.update({("dialect", name): dialect for name, dialect in vocabulary.dialects.items()})
    return {name: one for name, one in named.items() if one is not None}


class _Packer(pickle.Pickler):
    def __init__(self, out: io.BytesIO, vocabulary: Vocabulary) -> None:
        super().__init__(out, protocol=5)
        self._names = {id(one): name for name, one in _declared(vocabulary).items()}

    def persistent_id(self, obj: Any) -> tuple[str, ...] | None:
        return self._names.get(id(obj))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, CodeType):
            return marshal.loads, (marshal.dumps(obj),)
        if isinstance(obj, MappingProxyType):
            return MappingProxyType, (dict(obj),)
        if isinstance(obj, Secret):
            return Secret, (obj.name, obj.reveal() if obj.is_set else None)
        return NotImplemented


class _Unpacker(pickle.Unpickler):
    def __init__(self, parcel: io.BytesIO, vocabulary: Vocabulary) -> None:
        super().__init__(parcel)
        self._declared = _declared(vocabulary)

    def persistent_load(self, pid: Any) -> Any:
        return self._declared[pid]
