"""Parts of a message, in OpenAI's words. What has no place here is `Unsupported`."""

from __future__ import annotations

import base64
from typing import Any, Final

from headgate.api.ai import AnyPart, Audio, File, Image, Media, Opaque, Refused, Text, Unsupported
from headgate_openai.chat.messages import NAME

_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def content_of(parts: list[Any], *, own: bool) -> Any:
    """A text where it is one, which every server takes; else a list."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text) and not (own and parts[0].extra):
        return parts[0].text
    return [_part(part, own=own) for part in parts]


def _part(part: AnyPart, *, own: bool) -> dict[str, Any]:
    extra = part.extra if own else {}
    match part:
        case Text(text=text):
            return {"type": "text", "text": text, **extra}
        case Refused(text=text):
            return {"type": "refusal", "refusal": text}
        case Image(media=media, detail=size):
            if media.file is not None:
                raise Unsupported(
                    "A picture that is a provider's file cannot be sent to a provider of this kind.", "messages"
                )
            return {
                "type": "image_url",
                "image_url": {"url": _url(media), **({"detail": size} if size else {})},
                **extra,
            }
        case Audio(media=media, format=form):
            form = form or _FORMATS.get(media.mime or "")
            if media.data is None or form is None:
                raise Unsupported("Sound has to be sent as data, in wav or mp3.", "messages")
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}, **extra}
        case File():
            return _file(part, extra)
        case Opaque():
            return own_value(part, own=own)
    raise Unsupported(f"A {part.__struct_config__.tag} has no place in this message.", "messages")


def own_value(part: Opaque, *, own: bool) -> dict[str, Any]:
    if not own or part.dialect != NAME:
        kind = part.value.get("type", "part")
        raise Unsupported(f"`{kind}` is known to {part.dialect} alone.", "messages")
    return part.value


def _file(part: File, extra: dict[str, Any]) -> dict[str, Any]:
    media = part.media
    if media.file is not None:
        given: dict[str, Any] = {"file_id": media.file}
    elif media.data is None:
        raise Unsupported("A file has to be sent as its data; an address is not taken here.", "messages")
    elif (media.mime or "").startswith("text/"):
        return {"type": "text", "text": _plain(media.data)}
    else:
        given = {"filename": media.name or part.title or "file", "file_data": _url(media)}
    if media.file is not None and media.name is not None:
        given["filename"] = media.name
    return {"type": "file", "file": given, **extra}


def _plain(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        raise Unsupported("A text file is not base64 of UTF-8.", "messages") from None


def _url(media: Media) -> str:
    return (
        media.url if media.url is not None else f"data:{media.mime or 'application/octet-stream'};base64,{media.data}"
    )
