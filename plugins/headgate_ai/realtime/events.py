"""The events of a session, as far as they concern us: what each side says, and what the counts in it are.

https://platform.openai.com/docs/api-reference/realtime-client-events, …/realtime-server-events. The API was renamed in
places when its beta ended: both forms are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from headgate.api import NotStrict, decode_strictly
from headgate.api.ai import Counted

# A second of sound has so many bytes: 16 bits at 24 kHz, or G.711.
_PCM_BYTES: Final = 48_000
_G711_BYTES: Final = 8_000
# https://platform.openai.com/docs/guides/realtime-costs: a token for a tenth of a second that is heard, and for a twentieth
# that is said.
_HEARD_PER_S: Final = 10
_SAID_PER_S: Final = 20


class Short(msgspec.Struct):
    """What every event of the provider's says, and pieces of answers."""

    type: str = ""
    response_id: str | None = None
    delta: object = None


def short(content: bytes) -> Short | None:
    """An event of the provider's; None where it is none."""
    try:
        return _SHORT.decode(content)
    except msgspec.DecodeError:
        return None


_SHORT: Final = msgspec.json.Decoder(Short)


def whole(content: bytes) -> dict[str, Any]:
    """All of an event of the provider's; empty where it is no object."""
    try:
        value = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def said(content: bytes) -> dict[str, Any] | None:
    """An event of the client's, which nobody else may read otherwise; None where it is no object. NotStrict."""
    value = decode_strictly(content)
    if isinstance(value, dict) and not isinstance(value.get("type", ""), str):
        raise NotStrict("`type` is no text.", "type")
    return value if isinstance(value, dict) else None


def part(value: object, *names: str) -> Any:
    """What stands at that path; None where nothing does."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def hearing(session: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where a session says how it hears: turn detection, its transcripts."""
    yield session
    if isinstance(heard := part(session, "audio", "input"), dict):
        yield heard


def transcriber(session: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether a session says who transcribes what it hears, and who: None is nobody."""
    for place in hearing(session):
        for name in ("transcription", "input_audio_transcription"):
            if name in place:
                model = part(place[name], "model")
                return True, model if isinstance(model, str) else "" if place[name] else None
    return False, None


def rate(session: dict[str, Any], way: str) -> tuple[int, int]:
    """How many bytes of sound a second has, `input` or `output`, and how many tokens."""
    form = part(session, "audio", way, "format")
    name = part(form, "type") or form or session.get(f"{way}_audio_format") or "pcm16"
    bytes_ = _PCM_BYTES if "pcm16" in str(name) or str(name) == "audio/pcm" else _G711_BYTES
    return bytes_, _HEARD_PER_S if way == "input" else _SAID_PER_S


def number(value: object) -> int | None:
    """A bound on an answer, where it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def counts(usage: object) -> Counted | None:
    """What an answer or a transcript says that it used; None where it says nothing that can be."""
    if not isinstance(usage, dict):
        return None
    if usage.get("type") == "duration":
        seconds = usage.get("seconds")
        return Counted(seconds=float(seconds)) if isinstance(seconds, (int, float)) and seconds >= 0 else None
    read, made = usage.get("input_token_details"), usage.get("output_token_details")
    try:
        counted = Counted(
            input_tokens=_count(usage, "input_tokens"),
            output_tokens=_count(usage, "output_tokens"),
            cached_tokens=_count(read, "cached_tokens"),
            input_audio_tokens=_count(read, "audio_tokens"),
            input_image_tokens=_count(read, "image_tokens"),
            output_audio_tokens=_count(made, "audio_tokens"),
            cached_audio_tokens=_count(part(read, "cached_tokens_details"), "audio_tokens"),
            cached_image_tokens=_count(part(read, "cached_tokens_details"), "image_tokens"),
        )
    except TypeError:
        return None
    return counted if counted.plausible else None


def _count(value: object, name: str) -> int:
    number = part(value, name)
    if number is None:
        return 0
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(name)
    return number
