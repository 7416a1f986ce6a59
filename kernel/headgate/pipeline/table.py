"""Which route answers: never a matter of order or length.

1. A host that a route names goes before routes that name none.
2. Paths without parameters stand in a dictionary; the others in a trie of segments, so the cost grows with the
   path's segments, not with the number of routes.
3. A literal segment beats a parameter, and a parameter beats a rest (`{x:path}`). If the more special way has no
   route for the method, the search goes on at the next: `E402` has made sure that what is left is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from headgate.contracts.exchange import RouteInfo
from headgate.language import tree
from headgate.language.emit import RouteProgram

# RFC 9110 §9.3 without CONNECT and TRACE, which no route gets, and RFC 5789.
_USUAL = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(slots=True)
class Entry:
    """A route as the engine runs it."""

    info: RouteInfo
    program: RouteProgram
    host: str | None
    methods: frozenset[str]
    segments: tuple[tree.PathSegment, ...]

    def allows(self, method: str) -> bool:
        return not self.methods or method in self.methods


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    texts: _Node | None = None
    ints: _Node | None = None
    rest: list[Entry] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class RouteTable:
    """Routes by host and path. Immutable once built."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._static: dict[tuple[str | None, str], list[Entry]] = {}
        self._tries: dict[str | None, _Node] = {}
        self._hosts = frozenset(entry.host for entry in self.entries if entry.host is not None)
        for entry in self.entries:
            self._add(entry)

    def __repr__(self) -> str:
        return f"<RouteTable {len(self.entries)} routes, {len(self._hosts)} hosts>"

    def _add(self, entry: Entry) -> None:
        if all(segment.param is None for segment in entry.segments):
            path = "/" + "/".join(segment.text for segment in entry.segments)
            self._static.setdefault((entry.host, path), []).append(entry)
            return
        node = self._tries.setdefault(entry.host, _Node())
        for segment in entry.segments:
            if segment.rest:
                node.rest.append(entry)
                return
            node = _step(node, segment)
        node.entries.append(entry)

    def find(self, method: str, host: str, path: str) -> tuple[Entry | None, dict[str, Any], frozenset[str]]:
        """The route, its path parameters, and, where there is none, the methods that the path has."""
        allowed: set[str] = set()
        name = _without_port(host) if self._hosts else ""
        for key in (name, None) if name in self._hosts else (None,):
            for entry, params in self._candidates(key, path):
                if entry.allows(method):
                    return entry, params, frozenset()
                allowed |= entry.methods
        return None, {}, frozenset(allowed)

    def methods(self, host: str, path: str) -> frozenset[str]:
        """The methods that a path has, none where there is no such path; for `*` those of all routes."""
        name = _without_port(host) if self._hosts else ""
        keys = (name, None) if name in self._hosts else (None,)
        found = self.entries if path == "*" else [entry for key in keys for entry, _ in self._candidates(key, path)]
        return frozenset().union(*(entry.methods for entry in found))

    def knows(self, method: str) -> bool:
        """Whether any route could have this method, or everybody knows it (RFC 9110 §9.1)."""
        return method in _USUAL or any(entry.allows(method) for entry in self.entries)

    def _candidates(self, host: str | None, path: str) -> Iterable[tuple[Entry, dict[str, Any]]]:
        for entry in self._static.get((host, path), ()):
            yield entry, {}
        root = self._tries.get(host)
        if root is not None:
            segments = path.split("/")[1:]
            for entry in _walk(root, segments, 0):
                yield entry, _params(entry, segments)


def _without_port(host: str) -> str:
    """`a.test` of `a.test:80`, `[::1]` of `[::1]:80`."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _step(node: _Node, segment: tree.PathSegment) -> _Node:
    if segment.param is None:
        return node.literals.setdefault(segment.text, _Node())
    if segment.type == "int":
        node.ints = node.ints or _Node()
        return node.ints
    node.texts = node.texts or _Node()
    return node.texts


def _walk(node: _Node, segments: list[str], at: int) -> Iterable[Entry]:
    if at == len(segments):
        yield from node.entries
        return
    segment = segments[at]
    if segment in node.literals:
        yield from _walk(node.literals[segment], segments, at + 1)
    if node.ints is not None and is_int(segment):
        yield from _walk(node.ints, segments, at + 1)
    if node.texts is not None and segment:
        yield from _walk(node.texts, segments, at + 1)
    yield from node.rest


def is_int(segment: str) -> bool:
    """What `{id:int}` takes: decimal digits, a sign before them, at most 18 digits."""
    digits = segment[1:] if segment[:1] == "-" else segment
    return 0 < len(digits) <= 18 and digits.isascii() and digits.isdigit()


def _params(entry: Entry, segments: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for place, segment in enumerate(entry.segments):
        if segment.param is None:
            continue
        if segment.rest:
            params[segment.param] = "/".join(segments[place:])
        else:
            params[segment.param] = int(segments[place]) if segment.type == "int" else segments[place]
    return params


def entry_of(program: RouteProgram, options: dict[str, Any]) -> Entry:
    """A route with its options worked out. A GET route answers HEAD too (RFC 9110 §9.3.2)."""
    route = program.route
    methods = set(route.methods)
    if "GET" in methods:
        methods.add("HEAD")
    info = RouteInfo(route.name, public=route.public, api=options.get("api"), options=options)
    host = options.get("host")
    return Entry(info, program, host.lower() if host else None, frozenset(methods), route.path.segments)
