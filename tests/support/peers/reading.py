"""What one reader made of some bytes, and whether two readings are compatible.

1. The bytes end with a request that asks for the connection to close. So a reader that is still waiting when nothing
   more comes has taken that request for part of something else.
2. `entries` has one element for each answer: what was read, or None where the reader refused.
3. The rule: whatever we accept, another reads in the same way, or refuses. Another that reads more than we do is no
   harm where we refused; where we wait for the rest of a body, it reads requests in what is a body to us.
"""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.errors import ClientFault
from headgate.message.url import canonical

QUIET_S = 0.4
_LIMIT_S = 10.0
_ABSOLUTE = re.compile(r"(?i)https?://([^/?]*)(.*)")


@dataclass(frozen=True)
class Entry:
    """A request as it was read: target and host in the one form in which readers can be compared."""

    method: str
    target: str
    host: str
    body: str


@dataclass(frozen=True)
class Reading:
    """All that was made of a connection's bytes; `waiting` if the reader expects more, `broke` if it answered 500."""

    entries: tuple[Entry | None, ...]
    waiting: bool
    broke: bool = False

    def __str__(self) -> str:
        said = [f"{e.method} {e.target} of {e.host!r} with {e.body!r}" if e else "refused" for e in self.entries]
        return "; ".join([*said, "and waits for more" if self.waiting else "and closes"])


def read(port: int, data: bytes, quiet_s: float = QUIET_S) -> Reading:
    """Send the bytes at once, and read answers until the connection ends or nothing comes for so long."""
    got = bytearray()
    waiting = False
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(_LIMIT_S)
        try:
            connection.sendall(data)
            until = time.monotonic() + _LIMIT_S
            while time.monotonic() < until:
                if not select.select([connection], [], [], quiet_s)[0]:
                    waiting = True
                    break
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
        except ConnectionError:
            pass  # Refused in the hard way.
    return Reading(tuple(_entries(bytes(got))), waiting, b"HTTP/1.1 500 " in got)


def _entries(data: bytes) -> Iterator[Entry | None]:
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        if not first.startswith(b"HTTP/1.1 "):
            yield None  # nginx speaks HTTP/0.9 to whoever does: a body, and nothing that says what was read.
            return
        status = first.split(b" ")[1]
        if status.startswith(b"1"):
            continue
        named = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
        said = named.get(b"x-reading")
        if said is None:
            unknown = 0 if status == b"204" else len(data)
            data = data[int(named.get(b"content-length", unknown)) :]
            yield None
        else:
            yield entry(**json.loads(bytes.fromhex(said.decode())))


def entry(method: str, target: str, host: str, body: str) -> Entry:
    """An entry of what a reader says: absolute-form taken apart, the path in canonical form, the host without its port."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:
        host, target = absolute.groups()
    if target[:1] in ("", "?"):
        target = "/" + target  # What nginx leaves of an absolute-form without a path.
    path, mark, query = target.partition("?")
    try:
        path = canonical(path.encode("latin-1"))[1].decode()
    except ClientFault:
        pass  # Whoever takes it says it as it is; we never do.
    return Entry(method, path + (mark if query else "") + query, _host(host), body)


def _host(host: str) -> str:
    name = re.sub(r":\d*\Z", "", host) if not host.endswith("]") else host
    return name.lower().removesuffix(".")


def difference(ours: Reading, theirs: Reading) -> str | None:
    """What the two readers disagree on, of what we accept. None if nothing."""
    for place, mine in enumerate(ours.entries):
        if place >= len(theirs.entries):
            return "waits where we read on" if theirs.waiting and mine is not None else None
        other = theirs.entries[place]
        if mine is not None and other is not None and mine != other:
            return f"reads request {place + 1} in another way"
        if mine is None:
            return None
    if ours.waiting and (len(theirs.entries) > len(ours.entries) and theirs.entries[len(ours.entries)] is not None):
        return "reads a request where we wait for a body's rest"
    return None
