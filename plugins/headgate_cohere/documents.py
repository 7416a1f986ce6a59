"""Documents to cite: texts with a name for all dialects, objects of any fields here.

https://docs.cohere.com/docs/retrieval-augmented-generation-rag
"""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from headgate.api.ai import File, Media, Unsupported

_CAME: Final = "document"
_PLAIN: Final = "text/plain"


def document(value: Any) -> File:
    """A document as a text; as it came, it is kept beside."""
    body = {"data": {"text": value}} if isinstance(value, str) else value
    data = body.get("data") if isinstance(body, dict) else None
    fields = data if isinstance(data, dict) else {"text": str(data)}
    title = fields.get("title") or (body.get("id") if isinstance(body, dict) else None)
    media = Media(mime=_PLAIN, data=base64.b64encode(_words(fields).encode()).decode())
    return File(media=media, title=title if isinstance(title, str) else None, cited=True, extra={_CAME: value})


def _words(fields: dict[str, Any]) -> str:
    """One field to a line; a single text is that text."""
    if fields.keys() == {"text"}:
        return str(fields["text"])
    told = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in fields.items()
    }
    return "\n".join(f"{name}: {value}" for name, value in told.items())


def of_file(part: File, where: str, *, own: bool) -> Any:
    """A file as a document: as it came, unless a line changed it. Unsupported."""
    if own and _CAME in part.extra and document(part.extra[_CAME]).media == part.media:
        return part.extra[_CAME]
    title = part.title or part.media.name
    body: dict[str, Any] = {"data": {**({"title": title} if title else {}), "text": text_of(part, where)}}
    return {**body, "id": title} if title else body


def text_of(part: File, where: str) -> str:
    """The words of a file. Unsupported where it is no text."""
    mime = part.media.mime or _PLAIN
    try:
        if part.media.data is not None and (mime.startswith("text/") or mime == "application/json"):
            return base64.b64decode(part.media.data, validate=True).decode()
    except ValueError:
        pass
    raise Unsupported(f"Cohere reads documents that are text and sent as data, but not {mime}.", where)
