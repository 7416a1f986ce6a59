"""What a node says when it is up: where it listens, its key on the very first start, and calls to try."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from headgate.cli.words import counted
from headgate.contracts.dialect import Dialect
from headgate.pipeline.table import Entry
from headgate.serve import Server

# The harmless first: what is shown is pasted.
# What needs no body.
_BARE = frozenset({"GET", "DELETE", "HEAD"})
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SAMPLES = {"int": "7", "text": "example", "path": "example"}
CALLS = 3
# A client's side of RFC 6455 §4.1, with the key of its example.
_HANDSHAKE = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


async def welcome(
    server: Server, addresses: Sequence[str], probes: Sequence[str], workers: int = 0, *, to_person: bool = True
) -> str:
    """The text, in one piece: who waits for its first line finds the key too. Makes the demo team's key where there is no
    key yet; not where the text is for machines: a log is kept, and sent to others, and a key in it is no secret."""
    identity = server.node.stores.identity
    fresh = identity is not None and not await identity.list_keys()
    entries = server.engine.snapshot.table.entries
    how = f" with {counted(workers, 'worker')}" if workers else ""
    also = f", probes at {', '.join(probes)}" if probes else ""
    said = [f"headgate serves {counted(len(entries), 'route')}{how} on {', '.join(addresses)}{also}"]
    if fresh and not to_person:
        place = f" --data {shlex.quote(str(server.node.data))}" if server.node.data is not None else ""
        said[0] += f"; there is no key yet, and `headgate keys create{place} --team demo --name first` makes one"
    elif fresh:
        assert identity is not None
        _, secret = await identity.create_key(team="demo", name="first key")
        said.append(
            f"\n  A team `demo` and its key were made. The key is shown once:\n\n      export HEADGATE_KEY={secret}\n"
        )
        said.append("  Calls to try:\n")
        said += [_indent(call(entry, addresses[0])) + "\n" for entry in to_try(entries)[:CALLS]]
    return "\n".join(said)


def to_try(entries: Sequence[Entry]) -> list[Entry]:
    """The first route of each file for which a body can be thought of, then all others, and those to WebSockets last: curl
    can show no more of them than that they open."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if not _is_websocket(entry) and (_has_a_body(entry) or not entry.methods.isdisjoint(_BARE)):
            first.setdefault(entry.program.route.span.file, entry)
    shown = list(first.values())
    return [*shown, *sorted((entry for entry in entries if entry not in shown), key=_is_websocket)]


def _is_websocket(entry: Entry) -> bool:
    return bool(entry.info.options.get("websocket"))


def _has_a_body(entry: Entry) -> bool:
    """Whether its dialect has a sample for it: what else is sent in that dialect (to be embedded, to be drawn) is no chat."""
    answers = getattr(entry.program.dialect, "answers", None)
    return answers is not None and bool(answers(_path(entry)))


def _path(entry: Entry) -> str:
    return "/" + "/".join(_SAMPLES[s.type] if s.param else s.text for s in entry.segments)


def call(entry: Entry, address: str) -> str:
    """A curl line for a route."""
    path = _path(entry)
    method = next((method for method in _METHODS if method in entry.methods), min(entry.methods))
    lines = [f"curl {address}{path}"]
    if method != "GET":
        lines[0] = f"curl -X {method} {address}{path}"
    if _is_websocket(entry):
        lines[0] = f"curl -iN --http1.1 {address}{path}"
        lines += [f"-H '{line}'" for line in _HANDSHAKE]
    if entry.host is not None:
        lines.append(f"-H 'Host: {entry.host}'")
    if not entry.info.public:
        lines.append('-H "Authorization: Bearer $HEADGATE_KEY"')
    if method in ("POST", "PUT", "PATCH"):
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(sample_body(entry.program.dialect))}"]
    return " \\\n     ".join(lines)


def sample_body(dialect: Dialect | None) -> str:
    return json.dumps(dialect.sample() if dialect is not None else {"hello": "world"})


def _indent(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.split("\n"))
