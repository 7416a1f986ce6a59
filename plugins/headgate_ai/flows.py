"""A streamed answer between a provider and a client: what goes out for what came in.

Two ways: the dialect is the same on both sides and nobody wants to look, then blocks pass (`Passed`); else each thing that
happens is read, filtered, and written for the client (`Told`). Between the same dialect `Told` gives a block on as it came,
whenever no filter has changed what happens in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from headgate.api import EventSplitter
from headgate.api.ai import (
    ArgumentsDelta,
    AudioDelta,
    Counted,
    Ended,
    EventReader,
    EventWriter,
    Failed,
    Garbled,
    Happening,
    Image,
    Inbound,
    Opaque,
    Opened,
    Passing,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Stopped,
    StreamFilter,
    TextDelta,
    ToolCall,
    Used,
)


class Flow(Protocol):
    """See `Passing` for the fields."""

    @property
    def started(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def counted(self) -> Counted | None: ...
    @property
    def refusal(self) -> Refusal | None: ...
    @property
    def relayed_bytes(self) -> int: ...
    @property
    def garbled(self) -> Garbled | None:
        """What stood behind the last that was relayed, and makes no sense."""
        ...

    def feed(self, data: bytes) -> bytes:
        """What to relay for what came, cut anywhere; nothing of what stands behind its end. EventTooLarge, what filters
        raise, and Garbled: where something is to be relayed that came before, it is kept in `garbled` instead."""
        ...

    def finish(self) -> bytes | None:
        """What is still to be said at the end of the bytes; None where the answer is not whole."""
        ...

    def broken_off(self, message: str, kind: str) -> bytes:
        """The last thing to say where the answer cannot be completed."""
        ...


class Passed:
    """Blocks pass."""

    __slots__ = ("_inbound", "_passing", "_splitter", "garbled")

    def __init__(self, passing: Passing, inbound: Inbound) -> None:
        self._passing = passing
        self._inbound = inbound
        self._splitter = EventSplitter()
        self.garbled: Garbled | None = None

    def __repr__(self) -> str:
        return f"<Passed {self._passing!r}>"

    def feed(self, data: bytes) -> bytes:
        passing, out = self._passing, list[bytes]()
        try:
            for block in self._splitter.feed(data):
                out.append(passing.take(block))
                if passing.ended or passing.refusal is not None:
                    break
        except Garbled as error:
            if not any(out):
                raise
            self.garbled = error
        return b"".join(out)

    def finish(self) -> bytes | None:
        return self._passing.finish()

    def broken_off(self, message: str, kind: str) -> bytes:
        return self._inbound.broken_off(message, kind)

    @property
    def started(self) -> bool:
        return self._passing.started

    @property
    def ended(self) -> bool:
        return self._passing.ended

    @property
    def counted(self) -> Counted | None:
        return self._passing.counted

    @property
    def refusal(self) -> Refusal | None:
        return self._passing.refusal

    @property
    def relayed_bytes(self) -> int:
        return self._passing.relayed_bytes


# Parts that say something by being there; a text or a thought says something with its first words.
_THERE = (ToolCall, Image, Opaque)
_WORDS = (TextDelta, ArgumentsDelta, ReasoningDelta, RefusalDelta)


class Told:
    """Everything is read and written again. `own`: the dialect is the same on both sides, so blocks may pass."""

    __slots__ = (
        "_filters",
        "_hides",
        "_own",
        "_reader",
        "_writer",
        "counted",
        "ended",
        "garbled",
        "refusal",
        "relayed_bytes",
        "started",
    )

    def __init__(
        self, reader: EventReader, writer: EventWriter, filters: list[StreamFilter], *, own: bool, hides_counts: bool
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._filters = filters
        self._own = own
        self._hides = hides_counts
        self.started = False
        self.ended = False
        self.counted: Counted | None = None
        self.refusal: Refusal | None = None
        self.relayed_bytes = 0
        self.garbled: Garbled | None = None

    def __repr__(self) -> str:
        state = "ended" if self.ended else "started" if self.started else "not started"
        return f"<Told {state}, {self.relayed_bytes} bytes of text>"

    def feed(self, data: bytes) -> bytes:
        try:
            return self._said(self._reader.feed(data))
        except Garbled as error:
            said = self._said(error.before)
            if not said:
                raise
            self.garbled = error
            return said

    def _said(self, read: Sequence[tuple[bytes, list[Happening]]]) -> bytes:
        out = []
        for block, happenings in read:
            out.append(self._say(block, happenings))
            if self.ended or self.refusal is not None:
                break
        return b"".join(out)

    def finish(self) -> bytes | None:
        last = self._reader.finish()
        said = self._say(b"", last)
        return said if self.ended else None

    def broken_off(self, message: str, kind: str) -> bytes:
        return self._writer.write(Failed(message, {"code": kind.replace(".", "_")}))

    def _say(self, block: bytes, happenings: list[Happening]) -> bytes:
        told = self._filtered(happenings) if self._filters else happenings
        for one in told:
            self._note(one)
        write = self._writer.write
        if self._own and block and not self._filters:
            return block
        said = b"".join([write(one) for one in told])
        return block if self._own and block and self._untouched(told, happenings) else said

    def _untouched(self, told: list[Happening], happenings: list[Happening]) -> bool:
        if self._hides and any(isinstance(one, Used) for one in told):
            return False
        return len(told) == len(happenings) and all(now is was for now, was in zip(told, happenings, strict=True))

    def _filtered(self, happenings: list[Happening]) -> list[Happening]:
        for one in self._filters:
            happenings = [passed for happening in happenings for passed in one.take(happening)]
        return happenings

    def _note(self, one: Happening) -> None:
        if isinstance(one, _WORDS):
            self.started = True
            self.relayed_bytes += len(one.text) if one.text.isascii() else len(one.text.encode())
        elif isinstance(one, Used):
            self.counted = one.counted
        elif isinstance(one, Ended):
            self.ended = True
        elif isinstance(one, Failed):
            self.refusal = Refusal(one.message, one.fields)
        elif isinstance(one, (Stopped, AudioDelta)) or (isinstance(one, Opened) and isinstance(one.part, _THERE)):
            self.started = True
