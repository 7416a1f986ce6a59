"""The upstream `echo:`, which is no server: it answers 200 with what it was sent, as JSON. For demos and first steps."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import Body, Headers, Node, Outgoing, Response, Target, Timeouts

# What it shows of a body; what lies behind that is read, as a server would, and thrown away.
SHOWN_BYTES: Final = 65536


class EchoTransport:
    """A `Transport` that never leaves the process. What a test gives for the upstream goes first."""

    TARGET: Final = Target("http", "echo.invalid", 80)

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    def __repr__(self) -> str:
        return "<EchoTransport>"

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        if self._node.rehearsing and outgoing.resource in self._node.fakes:
            return await self._node.transport.send(target, outgoing, timeouts)
        body, whole = await _read(outgoing.body)
        path, _, query = outgoing.path.partition(b"?")
        headers = Headers(outgoing.headers)
        seen: dict[str, Any] = {
            "method": outgoing.method,
            "path": path.decode("ascii"),
            "query": query.decode("ascii", "replace"),
            "headers": {name: headers.text(name) for name in sorted({name.decode("latin-1") for name, _ in headers})},
            **_shown(body, whole=whole),
        }
        data = b"" if outgoing.method == "HEAD" else msgspec.json.encode(seen)
        return Response(200, [(b"content-type", b"application/json")], data)

    async def aclose(self) -> None:
        """Nothing to close."""


async def _read(body: bytes | Body) -> tuple[bytes, bool]:
    if isinstance(body, bytes):
        return body[:SHOWN_BYTES], len(body) <= SHOWN_BYTES
    data, whole = b"", True
    while piece := await body.read():
        room = SHOWN_BYTES - len(data)
        whole = whole and len(piece) <= room
        data += piece[:room]
    return data, whole


def _shown(body: bytes, *, whole: bool) -> dict[str, Any]:
    if not whole:
        return {"text": body.decode("utf-8", "replace"), "cut_after": SHOWN_BYTES}
    if not body:
        return {}
    try:
        return {"json": msgspec.json.decode(body)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"text": body.decode("utf-8", "replace")}
