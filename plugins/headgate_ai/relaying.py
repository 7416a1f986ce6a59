"""A streamed answer on its way to the client, as it comes: nothing is held back but what is not a whole event yet.

1. `begin` reads up to the first content, before the head goes out: what fails until then can still be tried elsewhere.
2. Then every read gives the whole events that have come. A stream that dies, or ends without its end, gives an error
   event in the client's dialect, and the read after that raises: the connection is cut, and the outcome says `cut`.
3. Accounts are settled exactly once: with the provider's counts, or with an estimate of what was relayed, when the
   answer ends, is cut, or is given up by the client. The provider's connection is closed in each of these cases.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import trio

from headgate.api import Body, EventTooLarge, Failure, UpstreamFault
from headgate.api.ai import Garbled
from headgate_ai.flows import Flow

# The end of the response should come with the end of the stream. What dawdles is not worth a connection.
_DAWDLE_S: Final = 0.25
# Blocks before the first content are kept; this many bytes of them are content enough.
_PATIENCE_BYTES: Final = 1 << 16


class Settle(Protocol):
    """Told once how a stream went: to its end, or cut, by a fault where it was not the client who went."""

    def __call__(self, flow: Flow, fault: Failure | None, *, whole: bool) -> None: ...


class Relay:
    """The `Body` of a streamed answer."""

    __slots__ = (
        "_at_end",
        "_body",
        "_broken",
        "_ended",
        "_fault",
        "_flow",
        "_kept",
        "_over",
        "_settle",
        "_without_key",
        "length",
    )

    def __init__(
        self,
        body: Body,
        flow: Flow,
        settle: Settle,
        broken: Callable[[str], UpstreamFault],
        without_key: Callable[[bytes], bytes],
        at_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.length: int | None = None
        self._body = body
        self._flow = flow
        self._settle: Settle | None = settle
        self._broken = broken
        self._without_key = without_key
        self._at_end = at_end
        self._kept = b""
        self._ended = False
        self._over = False
        self._fault: Failure | None = None

    def __repr__(self) -> str:
        return f"<Relay {self._flow!r}{' broken' if self._fault else ''}>"

    @property
    def ready(self) -> bool:
        """Whether there is something to relay already: the first content, as a rule."""
        return bool(self._kept)

    async def begin(self) -> None:
        """Read up to the first content. UpstreamFault where there will be none."""
        flow, kept = self._flow, b""
        while not (flow.started or flow.ended or self._over) and len(kept) < _PATIENCE_BYTES:
            kept += await self._more()
            if flow.refusal is not None:
                raise self._broken(f"refused in its stream: {flow.refusal.message}")
        self._check()  # Nothing has gone out yet.
        if flow.ended and self._at_end is not None:
            await self._at_end()
        self._kept = kept

    async def read(self) -> bytes:
        """The whole events that have come, b"" at the end. A Failure, after the client was told."""
        if self._kept:
            kept, self._kept = self._kept, b""
            return kept
        if self._fault is not None:
            raise self._fault
        if self._ended:
            return b""
        try:
            return await self._relay()
        except Failure as fault:
            self._fault = fault
            await self._body.aclose()
            self._done(whole=False)
            return self._flow.broken_off(_told(fault), fault.kind)

    async def _relay(self) -> bytes:
        flow = self._flow
        while not (flow.ended or self._over):
            piece = await self._more()
            if flow.refusal is not None:
                self._fault = self._broken(f"refused in its stream: {flow.refusal.message}")
                await self._body.aclose()
                self._done(whole=False)
                return self._without_key(piece)
            if flow.ended and self._at_end is not None:
                await self._at_end()
            if piece:
                return piece
        self._ended = True
        self._done(whole=True)
        await self._take_leave()
        return b""

    async def _more(self) -> bytes:
        """What can be relayed of the next piece; it may be nothing."""
        self._check()
        data = await self._body.read()
        try:
            said = self._flow.feed(data) if data else self._flow.finish()
        except (Garbled, EventTooLarge) as error:
            raise self._broken(f"answered {error}") from None
        if said is None:
            raise self._broken("ended its stream before it was complete")
        self._over = not data
        return said

    def _check(self) -> None:
        """UpstreamFault where something that makes no sense stood behind what was relayed last."""
        if self._flow.garbled is not None:
            raise self._broken(f"answered {self._flow.garbled}")

    async def _take_leave(self) -> None:
        """Read to the end of the response, so that the connection can be used again; but do not wait for it."""
        try:
            with trio.move_on_after(_DAWDLE_S):
                while await self._body.read():
                    pass
        except UpstreamFault:
            pass  # All that matters has come.
        await self._body.aclose()

    def _done(self, *, whole: bool) -> None:
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(self._flow, self._fault, whole=whole)

    async def aclose(self) -> None:
        """Give the rest up; what was relayed until now is accounted for."""
        self._done(whole=self._flow.ended)
        await self._body.aclose()


def _told(fault: Failure) -> str:
    """What the client learns: of an upstream's trouble that there is some, not where it is; the row has the rest."""
    own = isinstance(fault, UpstreamFault) and fault.kind.startswith("upstream.") and fault.kind != "upstream.status"
    return "The model broke off its answer." if own else fault.message
