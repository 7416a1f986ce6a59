"""Streamed answers, read: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.

1. Only calls and pictures are announced by a start; every other block begins with its first delta, which says its kind.
2. `messageStop` says why the answer ended, `metadata` what it used, and is the last. A stream that ends between the two is
   whole, and was not counted.
3. Thoughts that are sealed come in one piece: they are a part of their own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    CitationDelta,
    Closed,
    Ended,
    Garbled,
    Happening,
    Image,
    Media,
    Opaque,
    Opened,
    Reasoning,
    ReasoningDelta,
    Said,
    SignatureDelta,
    SoundStream,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_bedrock.answers import STOPS, met, read_citation
from headgate_bedrock.errors import failed
from headgate_bedrock.eventstream import Frame, FrameSplitter
from headgate_bedrock.usage import WireUsage

_objects = msgspec.json.Decoder(dict[str, Any])
_Start = dict[str, Any]


class BedrockReader:
    """See `EventReader`."""

    __slots__ = ("_began", "_next", "_open", "_pictures", "_sound", "_splitter", "_stopped")

    def __init__(self) -> None:
        self._splitter = FrameSplitter()
        self._sound = SoundStream()
        self._open: dict[int, tuple[int, Said]] = {}
        self._pictures: dict[int, str] = {}
        self._next = 0
        self._began = False
        self._stopped = False

    def __repr__(self) -> str:
        return f"<BedrockReader {len(self._open)} blocks open{', stopped' * self._stopped}>"

    def feed(self, data: bytes) -> list[tuple[bytes, list[Happening]]]:
        """See `EventReader`."""
        return self._sound.read_all(self._take, self._splitter.feed(data))

    def finish(self) -> list[Happening]:
        """See `EventReader`."""
        return [Ended()] if self._stopped and not self._splitter.rest else []

    def _take(self, frame: Frame) -> list[Happening]:
        if frame.headers.get(":message-type") in ("exception", "error"):
            return [failed(frame)]
        try:
            return self._event(frame.headers.get(":event-type"), _objects.decode(frame.payload))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError):
            raise Garbled("with a stream that holds what is no event of ConverseStream") from None

    def _event(self, kind: str | None, event: dict[str, Any]) -> list[Happening]:
        begun: list[Happening] = []
        if not self._began:
            self._began = True
            begun.append(Began())
        match kind:
            case "contentBlockStart":
                return begun + self._start(event["contentBlockIndex"], event["start"])
            case "contentBlockDelta":
                return begun + self._delta(event["contentBlockIndex"], event["delta"])
            case "contentBlockStop":
                return begun + self._close(event["contentBlockIndex"])
            case "messageStop":
                return begun + self._stop(event)
            case "metadata":
                return begun + self._ended(event)
            case _:
                return begun

    # --- blocks --------------------------------------------------------------------------------------------------

    def _begin(self, block: int, part: Said) -> list[Happening]:
        index, self._next = self._next, self._next + 1
        self._open[block] = (index, part)
        return [Opened(part, index)]

    def _close(self, block: int) -> list[Happening]:
        found = self._open.pop(block, None)
        return [] if found is None else [Closed(found[0])]

    def _grow(self, block: int, empty: Said) -> tuple[int, list[Happening]]:
        """The index of a block that takes such deltas, begun if it is not there."""
        found = self._open.get(block)
        if found is not None and type(found[1]) is type(empty):
            return found[0], []
        begun = [*self._close(block), *self._begin(block, empty)]
        return self._open[block][0], begun

    def _start(self, block: int, start: _Start) -> list[Happening]:
        if "toolUse" in start:
            use = start["toolUse"]
            return self._begin(block, ToolCall(id=use["toolUseId"], name=use["name"]))
        if "image" in start:
            self._pictures[block] = f"image/{start['image']['format']}"
            return []
        return self._begin(block, Opaque(dialect="bedrock", value=start)) if start else []

    def _delta(self, block: int, delta: _Start) -> list[Happening]:
        if "text" in delta:
            index, begun = self._grow(block, Text(text=""))
            return [*begun, TextDelta(delta["text"], index)]
        if "toolUse" in delta:
            return [ArgumentsDelta(delta["toolUse"]["input"], self._open[block][0])]
        if "reasoningContent" in delta:
            return self._thought(block, delta["reasoningContent"])
        if "citation" in delta:
            index, begun = self._grow(block, Text(text=""))
            return [*begun, CitationDelta(read_citation(delta["citation"]), index)]
        if "image" in delta:
            return self._picture(block, delta["image"])
        return [*self._close(block), *self._begin(block, Opaque(dialect="bedrock", value=delta))]

    def _thought(self, block: int, delta: _Start) -> list[Happening]:
        if "redactedContent" in delta:
            return [
                *self._close(block),
                *self._begin(block, Reasoning(sealed=delta["redactedContent"], maker="bedrock")),
            ]
        index, begun = self._grow(block, Reasoning(maker="bedrock"))
        if delta.get("text"):
            begun.append(ReasoningDelta(delta["text"], index))
        if delta.get("signature"):
            begun.append(SignatureDelta(delta["signature"], index))
        return begun

    def _picture(self, block: int, delta: _Start) -> list[Happening]:
        """A picture comes whole, behind the start that says its format."""
        media = Media(mime=self._pictures.get(block), data=(delta.get("source") or {}).get("bytes"))
        return [*self._close(block), *self._begin(block, Image(media=media))]

    # --- the end -------------------------------------------------------------------------------------------------

    def _stop(self, event: _Start) -> list[Happening]:
        closed = [one for block in [*self._open] for one in self._close(block)]
        self._stopped = True
        sequence = met(event.get("additionalModelResponseFields"))
        return [*closed, Stopped(STOPS.get(event["stopReason"], "other"), 0, sequence)]

    def _ended(self, event: _Start) -> list[Happening]:
        used = event.get("usage")
        counted = [Used(msgspec.convert(used, WireUsage).counted())] if used is not None else []
        if not self._stopped:
            return [*counted]
        self._stopped = False
        return [*counted, Ended()]
