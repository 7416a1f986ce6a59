"""A program as bytes, for another process that has loaded the same plugins.

1. What only the check, the tests in the files and the trace of a test need stays behind: trees of bodies, tables, tests.
   What comes out links and runs as the program that went in.
2. A parcel has a piece for each file. Who packs keeps the pieces of parts that it has packed before, who unpacks keeps
   what came out of pieces that it has seen: of a thousand routes, those that have changed cost something.
3. What plugins declare does not travel, only its name: a step here is that step there.
4. Secrets travel. A parcel goes from one process of a node to another and nowhere else; never write one to a file.
"""

from __future__ import annotations

import hashlib
import io
import marshal
import pickle
from collections.abc import Mapping
from dataclasses import replace
from types import CodeType, MappingProxyType
from typing import Any

import msgspec

from headgate.contracts.values import Secret
from headgate.errors import InternalError
from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.result import BoundResource, Checked
from headgate.language.emit import Program, join
from headgate.language.lower.pool import Pool
from headgate.language.lower.routes import LoweredRoute
from headgate.language.source import Source, Span
from headgate.language.vocabulary import Vocabulary


class Parcel(msgspec.Struct, frozen=True):
    """The pieces by file, and the texts in which findings about them are shown."""

    pieces: dict[str, bytes]
    texts: dict[str, str]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Parcel)


class Packer:
    """Packs the programs of one vocabulary, one after the other."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._names = {id(one): name for name, one in _declared(vocabulary).items()}
        self._packed: dict[str, tuple[Program, bytes]] = {}

    def __repr__(self) -> str:
        return f"<Packer {len(self._packed)} pieces>"

    def pack(self, program: Program, sources: Mapping[str, Source]) -> bytes:
        """The program, and the texts of its files. InternalError where a value cannot travel."""
        self._packed = {name: (part, self._piece(name, part)) for name, part in program.parts.items()}
        pieces = {name: piece for name, (_, piece) in self._packed.items()}
        return _encoder.encode(Parcel(pieces, {name: source.text for name, source in sources.items()}))

    def _piece(self, name: str, part: Program) -> bytes:
        known = self._packed.get(name)
        if known is not None and known[0] is part:
            return known[1]
        out = io.BytesIO()
        try:
            _Pickler(out, self._names).dump(_lean(part))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise InternalError(f"a value of {name} cannot be handed to the workers: {error}") from error
        return out.getvalue()


class Unpacker:
    """Unpacks what processes of this node have packed. Give it nothing else."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._declared = _declared(vocabulary)
        self._seen: dict[bytes, Program] = {}

    def __repr__(self) -> str:
        return f"<Unpacker {len(self._seen)} pieces>"

    def unpack(self, parcel: bytes) -> tuple[Program, dict[str, Source]]:
        """The program and the texts that were packed."""
        found = _decoder.decode(parcel)
        digests = {name: hashlib.blake2b(piece).digest() for name, piece in found.pieces.items()}
        self._seen = {
            digest: self._seen.get(digest) or self._open(found.pieces[name]) for name, digest in digests.items()
        }
        parts = {name: self._seen[digest] for name, digest in digests.items()}
        checked = Checked(self._vocabulary, {})
        for part in parts.values():
            checked.constants.update(part.checked.constants)
        return join(checked, parts), {name: Source(name, text) for name, text in found.texts.items()}

    def _open(self, piece: bytes) -> Program:
        program: Program = _Unpickler(io.BytesIO(piece), self._declared).load()
        return program


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


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO, names: dict[int, tuple[str, ...]]) -> None:
        super().__init__(out, protocol=5)
        self._names = names

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


class _Unpickler(pickle.Unpickler):
    def __init__(self, piece: io.BytesIO, declared: dict[tuple[str, ...], Any]) -> None:
        super().__init__(piece)
        self._declared = declared

    def persistent_load(self, pid: Any) -> Any:
        return self._declared[pid]
