"""Whole answers, both ways: https://platform.claude.com/docs/en/api/messages.

1. What only this API has of an answer (`stop_details`, `container`, the rest of `usage`) is kept under its name in `extra`.
2. What others have and this API has not: a picture becomes a text that shows it (Markdown), sound its transcript, and of
   several choices the first is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import (
    Answer,
    Audio,
    Chat,
    Choice,
    Counted,
    Garbled,
    Image,
    Opaque,
    Reasoning,
    Refused,
    Said,
    Stop,
    Text,
    ToolCall,
    carry,
)
from headgate_anthropic import marks
from headgate_anthropic.arguments import asked
from headgate_anthropic.blocks import block, rest
from headgate_anthropic.citing import cited
from headgate_anthropic.facts import NAME, REASONS, STOPS
from headgate_anthropic.usage import WireUsage, usage

_KNOWN = ("id", "type", "role", "model", "content", "usage")
_OF_A_CALL = ("caller", "toolset_name")


class _Counts(msgspec.Struct):
    content: msgspec.Raw
    usage: WireUsage | None = None


_counts = msgspec.json.Decoder(_Counts)
_usages = msgspec.json.Decoder(WireUsage)
_objects = msgspec.json.Decoder(dict[str, Any])


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled where it is no message."""
    try:
        said = _counts.decode(data).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _garbled(data) from None
    return None if said is None else said.counted()


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    counted = count(data)
    try:
        value = _objects.decode(data)
        parts = [_part(each, f"content[{place}]") for place, each in enumerate(value["content"])]
    except (NotStrict, TypeError, msgspec.DecodeError, UnicodeDecodeError):
        raise _garbled(data) from None
    parts += explained(value.get("stop_details"))
    choice = Choice(parts, _stop(value.get("stop_reason")), value.get("stop_sequence"))
    more = {name: field for name, field in rest(value, *_KNOWN).items() if field is not None}
    more["usage"] = value.get("usage")
    return Answer([choice], value.get("id"), value.get("model"), counted=counted, extra={NAME: more})


def _garbled(data: bytes) -> Garbled:
    return Garbled("with JSON that is no message of Anthropic's" if data else "with an empty body")


def _stop(reason: Any) -> Stop:
    return STOPS.get(reason, "other") if isinstance(reason, str) else "other"


def _part(value: Any, where: str) -> Said:
    part = block(value, where)
    if isinstance(part, Text):
        part.extra = {}
    if isinstance(part, (Text, Reasoning, ToolCall)):
        return part
    return Opaque(dialect=NAME, value=value)


def explained(details: Any) -> list[Said]:
    """Why a model declined, where it says so."""
    words = details.get("explanation") if isinstance(details, dict) else None
    return [Refused(text=words, extra={"stop_details": details})] if isinstance(words, str) and words else []


# --- for a client ----------------------------------------------------------------------------------------------------


def render_answer(said: Answer, chat: Chat) -> bytes:
    """A message, as bytes."""
    choice = said.choices[0] if said.choices else Choice()
    more = said.extra.get(NAME)
    own: dict[str, Any] = dict(more) if isinstance(more, dict) else {}
    counts = {**(own.pop("usage", None) or {}), **usage(said.counted)}
    return msgspec.json.encode(
        {
            "id": message_id(said.id),
            "type": "message",
            "role": "assistant",
            "model": said.model or chat.asked(),
            "content": told_all(choice.parts),
            **own,
            **ending(choice.stop, choice.sequence, own.get("stop_reason")),
            "stop_details": stop_details(choice) or own.get("stop_details"),
            "usage": counts,
        }
    )


def message_id(ident: str | None) -> str:
    """The provider's, which its support knows."""
    return ident or "msg_headgate"


def ending(stop: Stop, sequence: str | None, came: Any = None) -> dict[str, Any]:
    """Why it ended; `came` is Anthropic's own word, which is finer."""
    reason = came if isinstance(came, str) and STOPS.get(came, "other") == stop else REASONS[stop]
    return {"stop_reason": reason, "stop_sequence": sequence}


def stop_details(choice: Choice) -> dict[str, Any] | None:
    """Why the model declined, in a field of its own."""
    said = next((part for part in choice.parts if isinstance(part, Refused)), None)
    if said is not None and isinstance(said.extra.get("stop_details"), dict):
        return {**said.extra["stop_details"], "explanation": said.text}
    return None


def told_all(parts: Iterable[Said]) -> list[dict[str, Any]]:
    """Blocks for a client."""
    return [each for each in (told(part) for part in parts) if each is not None]


def told(part: Said) -> dict[str, Any] | None:
    """A part as a block for a client; None where this API has no place for it."""
    match part:
        case Text(text=text, citations=citations):
            return {"type": "text", "text": text, "citations": [cited(each) for each in citations] or None}
        case Refused(text=text):
            return None if "stop_details" in part.extra else {"type": "text", "text": text, "citations": None}
        case ToolCall():
            more = {name: part.extra[name] for name in _OF_A_CALL if name in part.extra}
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": asked(part.arguments), **more}
        case Reasoning():
            return thought(part)
        case Image() | Audio():
            text = shown(part)
            return {"type": "text", "text": text, "citations": None} if text else None
        case Opaque(dialect=dialect, value=value):
            return value if dialect == NAME else None


def thought(part: Reasoning) -> dict[str, Any]:
    """A block for what a model thought; another provider's proof travels in the place of Anthropic's."""
    if marks.own(part):
        if part.sealed is not None:
            return {"type": "redacted_thinking", "data": part.sealed}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
    packed = carry(part, part.signature)
    if part.sealed is not None and not part.text:
        return {"type": "redacted_thinking", "data": packed}
    return {"type": "thinking", "thinking": part.text, "signature": packed}


def shown(part: Image | Audio) -> str:
    """A picture as Markdown shows it, sound as what is said in it."""
    if isinstance(part, Audio):
        return part.transcript or ""
    media = part.media
    data = f"data:{media.mime or 'image/png'};base64,{media.data}"
    return f"![]({media.url or data})"
