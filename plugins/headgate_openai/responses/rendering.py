"""Turns as items: for a provider, and for what is kept of a conversation.

1. Turns of this dialect go back as the items that they came from, with what a line changed in them.
2. Reasoning goes back to OpenAI only if OpenAI made it, which its id says; another dialect's is left out, and named.
3. A document that is plain text becomes a text. What has no place at all is `Unsupported`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from headgate.api.ai import (
    AnyPart,
    Audio,
    Citation,
    Dropped,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from headgate_openai.chat.messages import NAME as CHAT
from headgate_openai.responses.items import thoughts
from headgate_openai.responses.shapes import (
    NAME,
    OWN_THOUGHT,
    Called,
    Given,
    Head,
    Picture,
    Thought,
    Turn,
    url_of,
)

_ITEMS: Final = (ToolCall, ToolResult, Reasoning, Picture)


def render_items(message: Message, came: str, dropped: Dropped) -> list[dict[str, Any]]:
    """One turn as the items that it takes here. `came` is the dialect it came in. Unsupported."""
    if came != NAME:
        dropped.drop("messages.extra", message.extra or [part.extra for part in message.parts if part.extra])
    heads = _heads(message)
    items: list[dict[str, Any]] = []
    inside: list[Any] = []
    left = 0
    for part in _joined(message.parts):
        if not _in_a_message(part):
            items += _item(part, came, dropped)
            continue
        if left == 0:
            head = next(heads)
            left, inside = head.size, []
            items.append(_message(message, head, inside, came))
        inside.append(_part(part, message.role, came))
        left -= 1
    for item in items:
        _plain(item)
    return items


def _in_a_message(part: AnyPart) -> bool:
    if isinstance(part, Opaque) and part.dialect == NAME:
        return "text" not in part.value and str(part.value.get("type", "")).startswith("input_")
    return not isinstance(part, (*_ITEMS, Opaque))


def _heads(message: Message) -> Iterator[Head]:
    """The message items of a turn: those that it came in, if it still has as many parts, or one for each run of parts."""
    held = [_in_a_message(part) for part in message.parts]
    if isinstance(message, Turn) and sum(head.size for head in message.heads) == sum(held):
        return (head for head in message.heads if head.size)
    made = {"type": "message"}
    return iter([Head(len(list(run)), made) for inside, run in groupby(held) if inside])


def _message(message: Message, head: Head, content: list[Any], came: str) -> dict[str, Any]:
    role = "user" if message.role == "tool" else message.role
    plain = head.plain or (came != NAME and role == "assistant")
    return {**head.fields, "role": role, "content": _Plain(content) if plain else content}


class _Plain(list[Any]):
    """Content that came as a text, or that a model said elsewhere: it goes as a text."""

    def __init__(self, content: list[Any]) -> None:
        super().__init__()
        self.content = content


def _plain(item: dict[str, Any]) -> None:
    content = item.get("content")
    if isinstance(content, _Plain):
        parts = content.content
        item["content"] = "".join(part["text"] for part in parts) if all("text" in part for part in parts) else parts


def _joined(parts: list[AnyPart]) -> Iterator[AnyPart]:
    """The parts, in which those of one reasoning item are one again."""
    waiting: Reasoning | None = None
    for part in parts:
        if waiting is not None and isinstance(part, Reasoning) and part.id == waiting.id and part.id is not None:
            item = waiting.item if isinstance(waiting, Thought) else {}
            sealed = part.sealed or waiting.sealed
            waiting = Thought(
                text=waiting.text or part.text, summary=waiting.summary, sealed=sealed, id=part.id, item=item
            )
            continue
        if waiting is not None:
            yield waiting
        waiting = part if isinstance(part, Reasoning) else None
        if waiting is None:
            yield part
    if waiting is not None:
        yield waiting


# --- items -----------------------------------------------------------------------------------------------------------


def _item(part: AnyPart, came: str, dropped: Dropped) -> list[dict[str, Any]]:
    match part:
        case Opaque(dialect=dialect, value=value):
            if dialect != NAME or came != NAME:
                raise Unsupported(f"`{value.get('type', 'part')}` is known to {dialect} alone.", "messages")
            return [value]
        case ToolCall():
            item = part.item if isinstance(part, Called) else {"type": "function_call"}
            return [{**item, "call_id": part.id, "name": part.name, "arguments": part.arguments}]
        case ToolResult():
            item = part.item if isinstance(part, Given) else {"type": "function_call_output"}
            return [{**item, "call_id": part.id, "output": _output(part, came)}]
        case Picture(item=item, media=media):
            return [{**item, "result": media.data}]
        case Reasoning():
            return _reasoning(part, dropped)
    raise Unsupported(f"There is no item for this: {part.__struct_config__.tag}.", "messages")


def _output(result: ToolResult, came: str) -> Any:
    """What a tool gave: a text where it is one."""
    was_list = isinstance(result, Given) and isinstance(result.item.get("output"), list)
    if all(isinstance(part, Text) for part in result.parts) and not was_list:
        return "".join(part.text for part in result.parts if isinstance(part, Text))
    return [_part(part, "user", came) for part in result.parts]


def _reasoning(part: Reasoning, dropped: Dropped) -> list[dict[str, Any]]:
    if part.id is None or not part.id.startswith(OWN_THOUGHT):
        dropped.drop("reasoning", part.text or part.sealed or part.signature)
        return []
    item = part.item if isinstance(part, Thought) else {}
    if item and thoughts(item)[0].text == part.text:
        return [item]
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    made: dict[str, Any] = {**item, "type": "reasoning", "id": part.id, "summary": summary}
    made.pop("content", None)
    if part.sealed is not None:
        made["encrypted_content"] = part.sealed
    return [made]


# --- parts -----------------------------------------------------------------------------------------------------------


def _part(part: AnyPart, role: str, came: str) -> dict[str, Any]:
    extra = part.extra if came == NAME else {}
    match part:
        case Text():
            return text(part, role, extra)
        case Refused(text=words):
            return {"type": "refusal", "refusal": words} if came == NAME else text(Text(text=words), role, extra)
        case Image() if role == "assistant":
            raise Unsupported("A picture that another model made cannot be told as the model's own.", "messages")
        case Image(media=media, detail=size):
            if media.file is not None and came != NAME:
                raise Unsupported("A picture that is another provider's file cannot be sent.", "messages")
            source = {"file_id": media.file} if media.file is not None else {"image_url": url_of(media)}
            detail = size if size is not None or came == NAME else "auto"
            return {"type": "input_image", **source, **({"detail": detail} if detail else {}), **extra}
        case Audio(media=media, format=form) if came == NAME:
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}, **extra}
        case File():
            return _file(part, came, extra)
        case Opaque(dialect=dialect, value=value) if dialect == NAME and came == NAME:
            return value
    raise Unsupported(f"A message has no place for this: {part.__struct_config__.tag}.", "messages")


def text(part: Text, role: str, extra: dict[str, Any]) -> dict[str, Any]:
    """A text, which has another name where the model said it."""
    if role != "assistant":
        return {"type": "input_text", "text": part.text, **extra}
    annotations = [annotation(one, 0, len(part.text)) for one in part.citations]
    return {"type": "output_text", "text": part.text, "annotations": annotations, **extra}


def annotation(one: Citation, begin: int, end: int) -> dict[str, Any]:
    """A citation. One without a place supports what stands from `begin` to `end`."""
    if one.extra.get("type"):
        return one.extra
    if one.url is None:
        name = one.title or one.document or ""
        place = end if one.end is None else one.end
        return {"type": "file_citation", "file_id": one.document or "", "filename": name, "index": place}
    return {
        "type": "url_citation",
        "start_index": begin if one.start is None else one.start,
        "end_index": end if one.end is None else one.end,
        "title": one.title or "",
        "url": one.url,
        **one.extra,
    }


def _file(part: File, came: str, extra: dict[str, Any]) -> dict[str, Any]:
    media = part.media
    named = {} if media.name is None else {"filename": media.name}
    if media.file is not None:
        if came not in (NAME, CHAT):
            raise Unsupported("A file that is another provider's cannot be sent.", "messages")
        return {"type": "input_file", "file_id": media.file, **named, **extra}
    if media.url is not None:
        return {"type": "input_file", "file_url": media.url, **named, **extra}
    if came == NAME:
        data = url_of(media) if media.mime is not None else media.data
        return {"type": "input_file", "file_data": data, **named, **extra}
    if (media.mime or "").startswith("text/"):
        return {"type": "input_text", "text": _decoded(media.data or "")}
    return {"type": "input_file", "filename": media.name or part.title or "file", "file_data": url_of(media)}


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        raise Unsupported("A text file is not base64 of UTF-8.", "messages") from None
