"""A stream for a client: https://platform.claude.com/docs/en/build-with-claude/streaming.

1. One block is open at a time. What belongs to a later part waits until the earlier one is closed, and goes out then, so
   the next part is the one that is open: nothing is lost, and what comes of the one that is open is never held. What
   waits has a bound.
2. Why it ended and what it used stand in one event, `message_delta`, so it comes with the end of the stream.
3. There is one choice. Of an answer with several, the first is told.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec

from headgate.api import render_event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Chat,
    CitationDelta,
    Closed,
    Counted,
    Ended,
    Failed,
    Garbled,
    Happening,
    Image,
    Opaque,
    Opened,
    Pinged,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    Said,
    SignatureDelta,
    Stop,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
    carry,
)
from headgate_anthropic import errors, marks
from headgate_anthropic.answers import ending, message_id, shown, told
from headgate_anthropic.arguments import arguments
from headgate_anthropic.citing import cited
from headgate_anthropic.facts import NAME
from headgate_anthropic.usage import usage

# As of one event (`MAX_BLOCK` of the splitter). Who opens parts, leaves the first open and says so much sends no answer.
MAX_HELD: Final = 16 << 20
_PING: Final = render_event(b'{"type":"ping"}', b"ping")


class MessageWriter:
    """See `EventWriter`."""

    __slots__ = ("_block", "_chat", "_counted", "_current", "_details", "_held", "_parts", "_sizes", "_stop", "_waits")

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._counted: Counted | None = None
        self._stop: tuple[Stop, str | None] = ("other", None)
        self._details: dict[str, Any] | None = None
        self._block = 0
        # The part whose block is open, what waits by part in the order in which they opened, and what each part is.
        self._current: int | None = None
        self._held: dict[int, list[Happening]] = {}
        # How many bytes wait of each part, and of all.
        self._sizes: Counter[int] = Counter()
        self._waits = 0
        self._parts: dict[int, Said] = {}

    def __repr__(self) -> str:
        return f"<MessageWriter [{self._block} blocks, {len(self._held)} parts wait]>"

    def write(self, happening: Happening) -> bytes:
        """See `EventWriter`."""
        match happening:
            case Began():
                return self._begin(happening)
            case Used(counted=counted):
                self._counted = counted
            case Pinged():
                return _PING
            case Failed(message=message, status=status):
                return errors.event(message, status or 502)
            case Stopped(choice=0, stop=stop, sequence=sequence):
                self._stop = (stop, sequence)
            case Ended():
                return self._end()
            case Stopped():
                pass
            case _:
                return self._part(happening) if happening.choice == 0 else b""
        return b""

    def _begin(self, began: Began) -> bytes:
        message: dict[str, Any] = {
            "id": message_id(began.id),
            "type": "message",
            "role": "assistant",
            "model": began.model or self._chat.asked(),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(began.counted),
        }
        return _event("message_start", message=message)

    def _end(self) -> bytes:
        delta: dict[str, Any] = ending(*self._stop)
        if self._details is not None:
            delta["stop_details"] = self._details
        return _event("message_delta", delta=delta, usage=usage(self._counted)) + _event("message_stop")

    # --- one block at a time -----------------------------------------------------------------------------------------

    def _part(self, happening: Any) -> bytes:
        if self._current is not None and happening.index != self._current:
            return self._hold(happening)
        if not isinstance(happening, Closed):
            return self._tell(happening)
        ended = self._tell(happening)
        self._current = None
        return ended + self._catch_up()

    def _hold(self, happening: Any) -> bytes:
        self._held.setdefault(happening.index, []).append(happening)
        size = len(msgspec.json.encode(happening))
        self._sizes[happening.index] += size
        self._waits += size
        if self._waits > MAX_HELD:
            raise Garbled(f"with more than {MAX_HELD} bytes of other parts while one of its parts stayed open")
        return b""

    def _catch_up(self) -> bytes:
        """What waited: all of the parts that are closed by now, and of the first that is not, what there is."""
        said: list[bytes] = []
        while self._held and self._current is None:
            index = next(iter(self._held))
            self._waits -= self._sizes.pop(index)
            for happening in self._held.pop(index):
                said.append(self._tell(happening))
                if isinstance(happening, Closed):
                    self._current = None
        return b"".join(said)

    def _tell(self, happening: Any) -> bytes:
        if isinstance(happening, Opened):
            self._current = happening.index
            self._parts[happening.index] = happening.part
            return self._start(happening.part)
        part = self._parts[happening.index]
        if not _has_block(part):
            self._explain(part, happening)
            return b""
        if not isinstance(happening, Closed):
            return self._delta(part, happening)
        self._block += 1
        return _event("content_block_stop", index=self._block - 1)

    def _explain(self, part: Said, happening: Any) -> None:
        """Anthropic's own explanation why its model declined has a place at the end."""
        if isinstance(part, Refused) and isinstance(happening, RefusalDelta):
            before = (self._details or {}).get("explanation") or ""
            text = happening.text if self._details is None else before + happening.text
            self._details = {**part.extra["stop_details"], "explanation": text}

    # --- events of a block -------------------------------------------------------------------------------------------

    def _start(self, part: Said) -> bytes:
        if not _has_block(part):
            return b""
        block, first = _first(part)
        begun = _event("content_block_start", index=self._block, content_block=block)
        return begun + b"".join(self._said(delta) for delta in first)

    def _said(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._block, delta=delta)

    def _delta(self, part: Said, happening: Any) -> bytes:
        match happening:
            case TextDelta(text=text) | RefusalDelta(text=text) | AudioDelta(transcript=text):
                return self._said({"type": "text_delta", "text": text}) if text else b""
            case ArgumentsDelta(text=text):
                return self._said({"type": "input_json_delta", "partial_json": text}) if text else b""
            case ReasoningDelta(text=text):
                return self._said({"type": "thinking_delta", "thinking": text}) if text else b""
            case SignatureDelta(signature=signature) if isinstance(part, Reasoning):
                proof = signature if marks.own(part) else carry(part, signature)
                return self._said({"type": "signature_delta", "signature": proof})
            case CitationDelta(citation=citation):
                return self._said({"type": "citations_delta", "citation": cited(citation)})
        return b""


def _has_block(part: Said) -> bool:
    if isinstance(part, Opaque):
        return part.dialect == NAME
    return not (isinstance(part, Refused) and "stop_details" in part.extra)


def _first(part: Said) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and what is known of it already as deltas."""
    match part:
        case ToolCall(arguments=known):
            block = {**(told(part) or {}), "input": {}}
            return block, [{"type": "input_json_delta", "partial_json": known}] if known else []
        case Opaque(value=value):
            return _first_of_own(value)
        case Reasoning():
            block = told(part) or {}
            return ({**block, "thinking": ""}, _thought(block)) if block["type"] == "thinking" else (block, [])
        case Image() | Audio():
            text = shown(part)
        case Text(text=text) | Refused(text=text):
            pass
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": text}] if text else []


def _first_of_own(value: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if not isinstance(value.get("input"), dict):
        return value, []
    given = {"type": "input_json_delta", "partial_json": arguments(value["input"])}
    return {**value, "input": {}}, [given]


def _thought(block: dict[str, Any]) -> list[dict[str, Any]]:
    text = block["thinking"]
    return [{"type": "thinking_delta", "thinking": text}] if text else []


def _event(kind: str, **fields: Any) -> bytes:
    return render_event(msgspec.json.encode({"type": kind, **fields}), kind.encode())
