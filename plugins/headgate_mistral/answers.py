"""What Mistral answers, as the dialect below has it: https://docs.mistral.ai/capabilities/reasoning/.

1. Content may be a list of chunks: thoughts, texts, and references between them. Thoughts become `reasoning_content`, or
   details where there is a proof of them; texts are joined; references become annotations.
2. In a stream a chunk that grows comes in pieces of its own; each becomes a delta.
3. Errors come in three shapes: an object with a `message`, a gateway's `detail`, and the list of what does not validate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from headgate.api import Event, render_event
from headgate.api.ai import Answer, EventReader, Happening, Refusal, SseReader, sound_answer


def as_below(data: bytes) -> bytes:
    """A whole answer, or a chunk, as the dialect below has it; what is no JSON is left to it."""
    if b'"content"' not in data or b"[" not in data:
        return data
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        return data
    changed = [_flatten(said) for said in _messages(body["choices"])]
    return msgspec.json.encode(body) if any(changed) else data


def answer(below: Callable[[bytes], Answer], data: bytes) -> Answer:
    """A whole answer, read by the dialect below. Garbled."""
    return sound_answer(lambda came: below(as_below(came)), data)


def _messages(choices: list[Any]) -> list[dict[str, Any]]:
    found = [one.get(name) for one in choices if isinstance(one, dict) for name in ("message", "delta")]
    return [said for said in found if isinstance(said, dict)]


def _flatten(said: dict[str, Any]) -> bool:
    """Turn chunks into fields. Whether there were any."""
    chunks = said.get("content")
    if not isinstance(chunks, list):
        return False
    chunks = [chunk for chunk in chunks if isinstance(chunk, dict)]
    thoughts = [chunk for chunk in chunks if chunk.get("type") == "thinking"]
    said["content"] = "".join(str(chunk.get("text") or "") for chunk in chunks if chunk.get("type") == "text") or None
    references = [chunk for chunk in chunks if chunk.get("type") == "reference"]
    if references:
        said["annotations"] = references
    if any(thought.get("signature") for thought in thoughts):
        said["reasoning_details"] = [_detail(thought) for thought in thoughts]
    elif thoughts:
        said["reasoning_content"] = "".join(_words(thought) for thought in thoughts)
    return True


def _words(thought: dict[str, Any]) -> str:
    inside = thought.get("thinking")
    if isinstance(inside, str):
        return inside
    return "".join(str(one.get("text") or "") for one in inside or () if isinstance(one, dict))


def _detail(thought: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "reasoning.text",
        "text": _words(thought),
        "signature": thought.get("signature"),
        "format": "mistral",
    }


class MistralReader(SseReader):
    """See `EventReader`: every event is translated, and read by the dialect below."""

    __slots__ = ("_below",)

    def __init__(self, below: EventReader) -> None:
        super().__init__()
        self._below = below

    def take(self, event: Event) -> list[Happening]:
        read = self._below.feed(render_event(as_below(event.data), None if event.event == b"message" else event.event))
        return [one for _, happenings in read for one in happenings]

    def finish(self) -> list[Happening]:
        return self._below.finish()


# --- errors ----------------------------------------------------------------------------------------------------------


def refusal(data: bytes) -> Refusal | None:
    """What an error says in Mistral's shapes; None where it is in another."""
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    said = body.get("message") if body.get("message") is not None else body.get("detail")
    if isinstance(said, dict):
        said = said.get("detail")
    if isinstance(said, list):
        return _invalid(said)
    if not isinstance(said, str):
        return None
    fields = {name: body[key] for name, key in (("where", "param"), ("code", "code")) if isinstance(body.get(key), str)}
    return Refusal(said, fields)


def _invalid(problems: list[Any]) -> Refusal | None:
    """The first of what does not validate, with its place."""
    first = problems[0] if problems and isinstance(problems[0], dict) else {}
    place = ".".join(str(step) for step in first.get("loc") or () if step != "body")
    message = first.get("msg")
    if not isinstance(message, str):
        return None
    return Refusal(f"{place}: {message}" if place else message, {"where": place} if place else {})
