"""A streamed answer for a client, event by event: https://platform.openai.com/docs/api-reference/responses-streaming."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import render_event
from headgate.api.ai import Chat, Happening
from headgate_openai.chat.errors import fields
from headgate_openai.responses.building import Building


class ResponseWriter:
    """See `EventWriter`."""

    __slots__ = ("_building", "_events")

    def __init__(self, chat: Chat, at: float) -> None:
        self._events: list[bytes] = []
        self._building = Building(chat, at, self._emit)

    def __repr__(self) -> str:
        return f"<ResponseWriter {self._building!r}>"

    def write(self, happening: Happening) -> bytes:
        self._building.take(happening)
        events, self._events[:] = b"".join(self._events), []
        return events

    def _emit(self, event: dict[str, Any]) -> None:
        self._events.append(render_event(msgspec.json.encode(event), event["type"].encode()))


def broken_off(message: str, kind: str) -> bytes:
    """An error in mid-stream. OpenAI's clients raise APIError for what stands under `error`; others read the fields."""
    said = fields(502, message, kind, {})
    event = {"type": "error", "code": said["code"], "message": message, "param": None, "error": said}
    return render_event(msgspec.json.encode(event), b"error")
