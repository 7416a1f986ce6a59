"""Pictures, sound, films and documents: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html.

Bedrock takes bytes, or a place in S3. It opens no other URL, and knows no file of another provider.
"""

from __future__ import annotations

import mimetypes
import re
from typing import Any, Final

from headgate.api.ai import Audio, File, Image, Media, Unsupported

IMAGES: Final = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENTS: Final = {
    "application/pdf": "pdf", "text/csv": "csv", "application/msword": "doc", "text/html": "html", "text/plain": "txt",
    "text/markdown": "md", "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}  # fmt: skip
VIDEOS: Final = {
    "video/mp4": "mp4", "video/quicktime": "mov", "video/x-matroska": "mkv", "video/webm": "webm", "video/x-flv": "flv",
    "video/mpeg": "mpeg", "video/x-ms-wmv": "wmv", "video/3gpp": "three_gp",
}  # fmt: skip
SOUNDS: Final = {
    "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/ogg": "ogg",
    "audio/flac": "flac", "audio/aac": "aac", "audio/opus": "opus", "audio/mp4": "m4a", "audio/webm": "webm",
}  # fmt: skip
_FORMATS: Final = frozenset({"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "m4a", "pcm", "webm", "mpeg"})
_BEGINNINGS: Final = {"/9j/": "image/jpeg", "iVBORw0KGgo": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
# A document's name may hold these alone, and no two spaces in a row.
_NAME = re.compile(r"[^A-Za-z0-9()\[\] -]+")
_PAGE: Final = "https://docs.aws.amazon.com/bedrock/latest/APIReference"


def write_media(part: Image | Audio | File, where: str) -> dict[str, Any]:
    """The block of a part. Unsupported."""
    mime = _mime(part.media)
    if isinstance(part, Image):
        return {"image": {"format": _format(IMAGES, mime, "pictures", where), "source": _source(part.media, where)}}
    if isinstance(part, Audio):
        form = part.format if part.format in _FORMATS else _format(SOUNDS, mime, "sound", where)
        return {"audio": {"format": form, "source": _source(part.media, where)}}
    if mime is not None and mime.startswith("video/"):
        return {"video": {"format": _format(VIDEOS, mime, "films", where), "source": _source(part.media, where)}}
    return {"document": _document(part, _format(DOCUMENTS, mime, "documents", where), where)}


def _document(part: File, form: str, where: str) -> dict[str, Any]:
    made: dict[str, Any] = {"format": form, "name": _name(part, where), "source": _source(part.media, where)}
    if part.context:
        made["context"] = part.context
    if part.cited:
        made["citations"] = {"enabled": True}
    return made


def _name(part: File, where: str) -> str:
    """A name that Bedrock takes; the place of the document where it has none."""
    given = part.title or (part.media.name or "").rpartition(".")[0] or part.media.name or f"document {where}"
    return " ".join(_NAME.sub(" ", given).split())[:200] or "document"


def _source(media: Media, where: str) -> dict[str, Any]:
    if media.data is not None:
        return {"bytes": media.data}
    if media.url is not None and media.url.startswith("s3://"):
        return {"s3Location": {"uri": media.url}}
    raise Unsupported(f"Bedrock reads files as bytes or from S3, and opens no other URL ({_PAGE}).", where)


def _mime(media: Media) -> str | None:
    if media.mime:
        return media.mime.partition(";")[0].strip().lower()
    if media.data is not None:
        found = next((mime for begin, mime in _BEGINNINGS.items() if media.data.startswith(begin)), None)
        if found is not None:
            return found
    place = media.name or media.url
    return mimetypes.guess_type(place)[0] if place else None


def _format(known: dict[str, str], mime: str | None, kind: str, where: str) -> str:
    form = known.get(mime or "")
    if form is None:
        raise Unsupported(f"Bedrock takes {kind} as {', '.join(dict.fromkeys(known.values()))}, not {mime}.", where)
    return form


def read_image(block: dict[str, Any]) -> Image | None:
    """A picture in an answer; None where it has no bytes and no place."""
    source = block.get("source") or {}
    place = (source.get("s3Location") or {}).get("uri")
    if source.get("bytes") is None and place is None:
        return None
    return Image(media=Media(mime=f"image/{block.get('format')}", data=source.get("bytes"), url=place))
