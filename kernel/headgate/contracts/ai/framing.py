"""Streams that come as server-sent events, which is all of them but one."""

from __future__ import annotations

from headgate.contracts.ai.events import Happening
from headgate.contracts.ai.sound import SoundStream
from headgate.message.sse import Event, EventSplitter, parse_event


class SseReader:
    """The part of an `EventReader` that knows about framing, and looks at what a dialect says that happens in an event."""

    __slots__ = ("_sound", "_splitter")

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._sound = SoundStream()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def feed(self, data: bytes) -> list[tuple[bytes, list[Happening]]]:
        """See `EventReader`."""
        blocks = self._splitter.feed(data)
        return self._sound.read_all(self.take, ((block, parse_event(block)) for block in blocks))

    def take(self, event: Event) -> list[Happening]:
        """What happens in one event. Garbled."""
        raise NotImplementedError

    def finish(self) -> list[Happening]:
        """See `EventReader`: a dialect that has an end mark needs nothing here."""
        return []
