"""Blocks of content, of requests and of answers alike, in the form that all dialects share.

https://platform.claude.com/docs/en/api/messages

1. What other dialects have too becomes a part; a block that only this API has (a server tool's, a search result, a container
   upload) is an `Opaque` one.
2. Fields that only this API has stand in `extra` under their own names, `cache_control` above all. A text that came as a
   block has its `type` there too, so that a message that was a plain text and one that was a list go back as they came.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import AnyPart, File, Image, Media, Opaque, Reasoning, Text, ToolCall, ToolResult, carried
from headgate_anthropic.arguments import arguments
from headgate_anthropic.citing import citation
from headgate_anthropic.facts import NAME

PDF: Final = "application/pdf"
PLAIN: Final = "text/plain"


def content(value: Any, where: str) -> list[AnyPart]:
    """A text, or a list of blocks. NotStrict."""
    if isinstance(value, str):
        return [Text(text=value)]
    if not isinstance(value, list):
        raise NotStrict(f"`{where}` has to be a text or a list of blocks.", where)
    return [block(each, f"{where}[{place}]") for place, each in enumerate(value)]


def block(value: Any, where: str) -> AnyPart:
    """One block. NotStrict where one of a known type lacks what it has to have."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise NotStrict(f"`{where}` has to be an object with a `type`.", where)
    read = _READERS.get(kind)
    return Opaque(dialect=NAME, value=value) if read is None else read(value, where)


def _text(value: dict[str, Any], where: str) -> AnyPart:
    said = value.get("citations")
    if said is not None and not (isinstance(said, list) and all(isinstance(each, dict) for each in said)):
        raise NotStrict(f"`{where}.citations` has to be a list of objects.", f"{where}.citations")
    known = ("text", "citations") if said else ("text",)
    return Text(
        text=words(value, "text", where),
        citations=[citation(each) for each in said or ()],
        extra=rest(value, *known),
    )


def _image(value: dict[str, Any], where: str) -> AnyPart:
    media = _media(source(value, where))
    return (
        Opaque(dialect=NAME, value=value) if media is None else Image(media=media, extra=rest(value, "type", "source"))
    )


def _document(value: dict[str, Any], where: str) -> AnyPart:
    media = _media(source(value, where))
    if media is None:
        return Opaque(dialect=NAME, value=value)
    asked = value.get("citations")
    cited = asked == {"enabled": True}
    known = ["type", "source", *(name for name in ("title", "context") if isinstance(value.get(name), str))]
    return File(
        media=media,
        title=_optional(value.get("title")),
        context=_optional(value.get("context")),
        cited=cited,
        extra=rest(value, *known, *(("citations",) if cited else ())),
    )


def source(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Where a picture or document is. NotStrict."""
    found = value.get("source")
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise NotStrict(f"`{where}.source` has to be an object with a `type`.", f"{where}.source")
    return found


def _media(found: dict[str, Any]) -> Media | None:
    """A source that other dialects have too; None for one made of blocks, or of a kind that is new."""
    match found:
        case {"type": "base64", "data": str(data), "media_type": str(mime), **more} if not more:
            return Media(mime=mime, data=data)
        case {"type": "text", "data": str(text), "media_type": str(mime), **more} if not more:
            return Media(mime=mime, data=base64.b64encode(text.encode()).decode())
        case {"type": "url", "url": str(url), **more} if not more:
            return Media(url=url)
        case {"type": "file", "file_id": str(file), **more} if not more:
            return Media(file=file)
    return None


def _tool_use(value: dict[str, Any], where: str) -> AnyPart:
    asked = value.get("input")
    if not isinstance(asked, dict):
        raise NotStrict(f"`{where}.input` has to be an object.", f"{where}.input")
    return ToolCall(
        id=words(value, "id", where),
        name=words(value, "name", where),
        arguments=arguments(asked),
        extra=rest(value, "type", "id", "name", "input"),
    )


def _tool_result(value: dict[str, Any], where: str) -> AnyPart:
    said = value.get("content")
    parts = [] if said is None else content(said, f"{where}.content")
    known = ["type", "tool_use_id", *(("content",) if parts else ()), *(("is_error",) if value.get("is_error") else ())]
    return ToolResult(
        id=words(value, "tool_use_id", where),
        parts=[part for part in parts if isinstance(part, (Text, Image, File, Opaque))],
        failed=value.get("is_error") is True,
        extra=rest(value, *known),
    )


def _thinking(value: dict[str, Any], where: str) -> AnyPart:
    signature = words(value, "signature", where) if value.get("signature") is not None else None
    text = words(value, "thinking", where)
    foreign = carried(signature, text) if signature else None
    if foreign is None:
        return Reasoning(text=text, signature=signature, maker=NAME, extra=rest(value, "type", "thinking", "signature"))
    return foreign


def _redacted(value: dict[str, Any], where: str) -> AnyPart:
    data = words(value, "data", where)
    foreign = carried(data)
    if foreign is None:
        return Reasoning(sealed=data, maker=NAME, extra=rest(value, "type", "data"))
    return foreign


_READERS: Final = {
    "text": _text,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}


def plain_text(media: Media) -> str | None:
    """The words of a document that is plain text; None where its data is no base64 of UTF-8."""
    try:
        return base64.b64decode(media.data or "", validate=True).decode()
    except ValueError:
        return None


def words(value: dict[str, Any], name: str, where: str) -> str:
    """A field that has to be a text. NotStrict."""
    found = value.get(name)
    if not isinstance(found, str):
        raise NotStrict(f"`{where}.{name}` has to be a text.", f"{where}.{name}")
    return found


def rest(value: dict[str, Any], *known: str) -> dict[str, Any]:
    """All fields but these."""
    return {name: field for name, field in value.items() if name not in known}


def _optional(value: Any) -> str | None:
    return value if isinstance(value, str) else None
