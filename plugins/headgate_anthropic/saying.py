"""Parts as blocks of a request.

1. `own`: the chat came in this dialect, so `extra`, ids and files are Anthropic's own and go back.
2. From another dialect, ids of calls are spelled so that Anthropic takes them, the same way in the call and in its result; a
   text without a word is left out, since it is refused; citations of others stay behind, since Anthropic checks its own.
3. A thought goes back to Anthropic only if Anthropic made it. Others are left out, and named.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any, Final

from headgate.api.ai import (
    AnyPart,
    Dropped,
    File,
    Image,
    Media,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from headgate_anthropic import marks
from headgate_anthropic.arguments import asked
from headgate_anthropic.blocks import PDF, PLAIN, plain_text
from headgate_anthropic.citing import cited
from headgate_anthropic.facts import NAME

_PICTURES: Final = {
    "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG", "image/gif": b"GIF8", "image/webp": b"RIFF",
}  # fmt: skip
_ID: Final = re.compile(r"(?!headgate_)[a-zA-Z0-9_-]{1,128}")


def say_all(parts: Iterable[AnyPart], where: str, dropped: Dropped, *, own: bool) -> list[dict[str, Any]]:
    """The blocks for these parts. Unsupported."""
    said = (say(part, f"{where}[{place}]", dropped, own=own) for place, part in enumerate(parts))
    return [block for block in said if block is not None]


def say(part: AnyPart, where: str, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    """A part as a block; None where it is left out. Unsupported."""
    more = part.extra if own else {}
    match part:
        case Text():
            return _text(part, dropped, own=own)
        case Refused(text=words):
            return {"type": "text", "text": words} if words.strip() else None
        case Image():
            return {"type": "image", "source": _picture(part.media, where, own=own), **more}
        case File():
            return _document(part, where, more, own=own)
        case ToolCall():
            ident = part.id if own else call_id(part.id)
            return {"type": "tool_use", "id": ident, "name": part.name, "input": asked(part.arguments), **more}
        case ToolResult():
            return _result(part, where, dropped, more, own=own)
        case Reasoning():
            return _thought(part, dropped, more)
        case Opaque(dialect=dialect, value=value):
            if dialect == NAME:
                return value
            raise Unsupported(f"`{value.get('type', 'part')}` is known to {dialect} alone.", where)
    raise Unsupported("Claude does not hear sound.", where)


def call_id(ident: str) -> str:
    """An id of another dialect as Anthropic takes it: letters, digits, `_` and `-`. Two that differ stay different."""
    if _ID.fullmatch(ident):
        return ident
    return "headgate_" + base64.urlsafe_b64encode(ident.encode()).decode().rstrip("=")


def _text(part: Text, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    if own:
        body: dict[str, Any] = {"type": "text", "text": part.text, **part.extra}
        return {**body, "citations": [cited(each) for each in part.citations]} if part.citations else body
    dropped.drop("citations", part.citations)
    return {"type": "text", "text": part.text} if part.text.strip() else None


def _thought(part: Reasoning, dropped: Dropped, more: dict[str, Any]) -> dict[str, Any] | None:
    if marks.own(part) and part.sealed is not None:
        return {"type": "redacted_thinking", "data": part.sealed, **more}
    if marks.own(part) and part.signature is not None:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature, **more}
    dropped.drop("reasoning", part.text or part.sealed or part.signature or None)
    return None


def _result(part: ToolResult, where: str, dropped: Dropped, more: dict[str, Any], *, own: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id if own else call_id(part.id)}
    if part.parts:
        body["content"] = text_or_list(part.parts, say_all(part.parts, f"{where}.content", dropped, own=own))
    if part.failed:
        body["is_error"] = True
    return {**body, **more}


def text_or_list(parts: Iterable[AnyPart], blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A single text that did not come as a block is a text again."""
    match list(parts):
        case [Text(text=text, extra=more, citations=[])] if not more:
            return text
    return blocks


# --- media -----------------------------------------------------------------------------------------------------------


def _picture(media: Media, where: str, *, own: bool) -> dict[str, Any]:
    if media.data is not None:
        return {"type": "base64", "media_type": _kind(media, where, own=own), "data": media.data}
    return _elsewhere(media, where, own=own)


def _kind(media: Media, where: str, *, own: bool) -> str:
    mime = media.mime or _sniffed(media.data or "")
    if mime == "image/jpg":
        return "image/jpeg"
    if not own and mime not in _PICTURES:
        raise Unsupported(f"Claude sees JPEG, PNG, GIF and WebP, but not {mime or 'this picture'}.", where)
    return str(mime)


def _sniffed(data: str) -> str | None:
    head = base64.b64decode(data[:16] + "=" * (-len(data[:16]) % 4))
    return next((mime for mime, magic in _PICTURES.items() if head.startswith(magic)), None)


def _elsewhere(media: Media, where: str, *, own: bool) -> dict[str, Any]:
    if media.url is not None:
        return {"type": "url", "url": media.url}
    if media.file is not None and own:
        return {"type": "file", "file_id": media.file}
    raise Unsupported("A file of another provider's cannot be sent to Anthropic; send it as data, or its URL.", where)


def _document(part: File, where: str, more: dict[str, Any], *, own: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "document", "source": _source(part.media, where, own=own), **more}
    title = part.title if own else part.title or part.media.name
    said = {"title": title, "context": part.context, "citations": {"enabled": True} if part.cited else None}
    return {**body, **{name: value for name, value in said.items() if value is not None}}


def _source(media: Media, where: str, *, own: bool) -> dict[str, Any]:
    if media.data is None:
        return _elsewhere(media, where, own=own)
    mime = media.mime or (PDF if media.data.startswith("JVBERi") else PLAIN)
    if mime == PDF:
        return {"type": "base64", "media_type": PDF, "data": media.data}
    text = plain_text(media) if mime.startswith("text/") or mime == "application/json" else None
    if text is None:
        raise Unsupported(f"Claude reads PDF and plain text, but not {mime}.", where)
    return {"type": "text", "media_type": PLAIN, "data": text}
