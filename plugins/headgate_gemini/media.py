"""Pictures, sound, films and documents: `inlineData` with bytes, `fileData` with a place.

https://ai.google.dev/gemini-api/docs/file-input-methods; Vertex AI also takes gs:// and wants every media type.
"""

from __future__ import annotations

import mimetypes
from typing import Any, Final
from urllib.parse import urlsplit

from headgate.api.ai import Audio, File, Image, Media, Unsupported

# How the base64 of these begins; for pictures that came without a media type.
_BEGINNINGS: Final = {
    "/9j/": "image/jpeg", "iVBORw0KGgo": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}  # fmt: skip
_AUDIO: Final = {"mp3": "audio/mp3", "wav": "audio/wav", "pcm16": "audio/pcm"}
_FORMATS: Final = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/L16": "pcm16",
}
# Whose files Google means by an id: its own.
_FILES: Final = "https://generativelanguage.googleapis.com/v1beta/files/"


def media_part(media: Media, extra: dict[str, Any]) -> Image | Audio | File:
    """A part of the kind that its media type says."""
    mime = media.mime or ""
    if mime.startswith("image/"):
        return Image(media=media, extra=extra)
    if mime.startswith("audio/"):
        return Audio(media=media, format=audio_format(mime), extra=extra)
    return File(media=media, extra=extra)


def audio_format(mime: str) -> str:
    """The short name of a kind of sound."""
    kind = mime.partition(";")[0]
    return _FORMATS.get(kind) or kind.partition("/")[2]


def write_media(part: Image | Audio | File, where: str) -> dict[str, Any]:
    """`inlineData` or `fileData`. Unsupported where nobody can know what it is."""
    media = part.media
    mime = media.mime or _of_audio(part) or _guessed(media)
    named = {"displayName": media.name} if media.name and part.extra.get("named") else {}
    if media.data is not None:
        if mime is None:
            raise Unsupported("Gemini has to be told the media type of what is sent as bytes.", where)
        return {"inlineData": {"mimeType": mime, "data": media.data, **named}}
    if media.url is None and not (media.file or "").startswith("files/"):
        raise Unsupported(f"Gemini does not know the file `{media.file}`: it is another provider's.", where)
    uri = media.url or _FILES + str(media.file).removeprefix("files/")
    return {"fileData": {**({"mimeType": mime} if mime else {}), "fileUri": uri, **named}}


def _of_audio(part: Image | Audio | File) -> str | None:
    return _AUDIO.get(part.format, f"audio/{part.format}") if isinstance(part, Audio) and part.format else None


def _guessed(media: Media) -> str | None:
    if media.data is not None:
        found = next((mime for begin, mime in _BEGINNINGS.items() if media.data.startswith(begin)), None)
        return found or (mimetypes.guess_type(media.name)[0] if media.name else None)
    return mimetypes.guess_type(urlsplit(media.url).path)[0] if media.url else None
