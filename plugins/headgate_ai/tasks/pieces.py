"""An answer that passes in pieces, as they come: sound, or a stream of events.

1. The first piece is there before the head goes out: what fails until then can still be tried elsewhere.
2. A stream of events that dies ends with an error in the client's dialect, and the read after that raises; of sound there
   is nothing to say, so the connection is cut at once.
3. Nothing is parsed on the way. Where a stream says what was used, it does so at its end: its last bytes are kept, and
   looked through when it is over.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from headgate.api import Body, Failure

# The counts of an answer take some hundred bytes, and stand in its last event, behind the rest of it.
_TAIL_BYTES: Final = 1 << 14
_USAGE: Final = b'"usage"'


class Settle(Protocol):
    """Told once how it went. `usage` is a JSON object that holds `usage`, where the answer said it."""

    def __call__(self, usage: bytes | None, *, whole: bool) -> None: ...


class Pieces:
    """The `Body` of such an answer. `client` words the end of a stream of events that dies; None for sound."""

    __slots__ = ("_body", "_client", "_fault", "_kept", "_settle", "_tail", "length")

    def __init__(self, body: Body, settle: Settle, client: Any) -> None:
        self.length: int | None = None
        self._body = body
        self._settle: Settle | None = settle
        self._client = client
        self._kept = b""
        self._tail = b""
        self._fault: Failure | None = None

    def __repr__(self) -> str:
        return f"<Pieces {'events' if self._client is not None else 'sound'}{' broken' if self._fault else ''}>"

    async def begin(self) -> None:
        """Read the first piece. UpstreamFault."""
        self._kept = await self._body.read()

    async def read(self) -> bytes:
        if self._fault is not None:
            raise self._fault
        try:
            piece, self._kept = self._kept or await self._body.read(), b""
        except Failure as fault:
            self._done(whole=False)
            if self._client is None:
                raise
            self._fault = fault
            said: bytes = self._client.broken_off(fault.message, fault.kind)
            return said
        if not piece:
            self._done(whole=True)
        if self._client is not None:
            self._tail = (self._tail + piece)[-_TAIL_BYTES:]
        return piece

    async def aclose(self) -> None:
        """Give the rest up; what was relayed until now is accounted for."""
        self._done(whole=False)
        await self._body.aclose()

    def _done(self, *, whole: bool) -> None:
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(usage_in(self._tail), whole=whole)


def usage_in(tail: bytes) -> bytes | None:
    """The last object under `usage` in these bytes, as an object that holds it."""
    _, found, rest = tail.rpartition(_USAGE)
    start = rest.find(b"{")
    if not found or start < 0 or rest[:start].strip(b" :"):
        return None
    depth = 0
    for place in range(start, len(rest)):
        depth += {0x7B: 1, 0x7D: -1}.get(rest[place], 0)
        if not depth:
            return b'{"usage":' + rest[start : place + 1] + b"}"
    return None
