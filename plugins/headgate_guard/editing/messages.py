"""Every text of a message or an answer, and an edit that is run over it.

1. A text is changed in place; a part without a find stays the very same, so its dialect writes it as it came.
2. What a model thought and signed goes back to it as it was, but for what `signed` finds: a client has it with the values
   that were put back for it, and the proof is of the text without them.
3. What only one dialect knows is not changed in place, because the body that came still holds it: it is copied.
"""

from __future__ import annotations

import base64
from typing import Any

from headgate.api.ai import (
    AnyPart,
    Audio,
    Citation,
    File,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
)
from headgate_guard.editing.cuts import Cut, Edit, changed


def edit_message(message: Message, edit: Edit, signed: Edit) -> None:
    """All texts of one message."""
    if message.name is not None:
        message.name = changed(edit, message.name)
    if message.extra:
        message.extra = edit_value(message.extra, edit)
    for part in message.parts:
        is_signed = isinstance(part, Reasoning) and (part.signature is not None or part.sealed is not None)
        edit_part(part, signed if is_signed else edit)


def edit_part(part: AnyPart, edit: Edit) -> None:
    """All texts of one part."""
    if part.extra:
        part.extra = edit_value(part.extra, edit)
    match part:
        case Text():
            edit_text(part, edit)
        case Reasoning() | Refused():
            part.text = changed(edit, part.text)
        case ToolCall():
            part.arguments = changed(edit, part.arguments, json=True)
        case ToolResult():
            for inner in part.parts:
                edit_part(inner, edit)
        case Opaque():
            part.value = edit_value(part.value, edit)
        case Audio():
            part.transcript = changed(edit, part.transcript) if part.transcript else part.transcript
        case File():
            _edit_file(part, edit)


def edit_text(part: Text, edit: Edit) -> None:
    """A text, and its citations: what they quote, and where in the text they point."""
    cut = Cut(edit)
    part.text = cut.take(part.text, final=True)
    for citation in part.citations:
        edit_citation(citation, edit, cut)


def edit_citation(citation: Citation, edit: Edit, cut: Cut) -> None:
    """A citation of a text that went through this cut."""
    for name in ("text", "title", "url"):
        value = getattr(citation, name)
        if value is not None:
            setattr(citation, name, changed(edit, value))
    if citation.start is not None:
        citation.start = cut.moved(citation.start)
    if citation.end is not None:
        citation.end = cut.moved(citation.end)


def edit_value(value: Any, edit: Edit) -> Any:
    """A JSON value with all its texts changed; the value itself where there is nothing to change."""
    if isinstance(value, str):
        return changed(edit, value)
    if isinstance(value, dict):
        copied: Any = {name: edit_value(inner, edit) for name, inner in value.items()}
    elif isinstance(value, list):
        copied = [edit_value(inner, edit) for inner in value]
    else:
        return value
    return value if copied == value else copied


def _edit_file(part: File, edit: Edit) -> None:
    """A file's title and context, its name, and what it says where it is a plain text."""
    part.title = changed(edit, part.title) if part.title else part.title
    part.context = changed(edit, part.context) if part.context else part.context
    media = part.media
    media.name = changed(edit, media.name) if media.name else media.name
    if media.data is None or not (media.mime or "").startswith("text/"):
        return
    try:
        said = base64.b64decode(media.data, validate=True).decode()
    except ValueError:
        return
    told = changed(edit, said)
    if told != said:
        media.data = base64.b64encode(told.encode()).decode()
