"""Turns in Cohere's words.

1. `own`: the chat came in this dialect, and `extra` goes back with it.
2. A document that is to be cited stands beside the turns; any other is told as a text in its turn.
3. What tools gave are messages of their own. Pictures among it, for which such a message has no place, follow in a turn of
   the user.
4. Thoughts of Cohere, and plain ones of which nobody knows whose they are, are told. Those of others are left out, and named.
"""

from __future__ import annotations

from typing import Any

from headgate.api.ai import (
    AnyPart,
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
from headgate_cohere.citing import cited
from headgate_cohere.documents import of_file, text_of
from headgate_cohere.facts import NAME, PLAN


def say(said: Message, where: str, dropped: Dropped, *, own: bool) -> list[dict[str, Any]]:
    """One turn as the messages that it takes here. Unsupported."""
    results = [part for part in said.parts if isinstance(part, ToolResult)]
    made = [_result(part, where, dropped, own=own) for part in results]
    rest: list[AnyPart] = [each for part in results for each in part.parts if isinstance(each, Image)]
    rest += [part for part in said.parts if not isinstance(part, ToolResult) and not is_document(part)]
    dropped.drop(f"{where}.name", said.name)
    if said.role == "assistant":
        made.append(_assistant(rest, where, dropped, own=own))
    elif rest or not results:
        role = {"developer": "system", "tool": "user"}.get(said.role, said.role)
        made.append({"role": role, "content": _content(rest, where, dropped, own=own)})
    if own and made:
        # Of citations, these are the ones that cite no text.
        cited_by_text = made[0].get("citations", [])
        made[0].update(said.extra)
        made[0].update({"citations": [*cited_by_text, *said.extra.get("citations", [])]} if cited_by_text else {})
    return made


def is_document(part: AnyPart) -> bool:
    """Whether it stands beside the turns."""
    return isinstance(part, File) and part.cited


def _assistant(parts: list[AnyPart], where: str, dropped: Dropped, *, own: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"role": "assistant"}
    plans = [part.text for part in parts if isinstance(part, Reasoning) and PLAN in part.extra]
    words: list[AnyPart] = [part for part in parts if not isinstance(part, ToolCall) and not _is_plan(part)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if plans:
        body[PLAN] = "".join(plans)
    if words:
        body["content"] = _content(words, where, dropped, own=own)
    if calls:
        body["tool_calls"] = [call(part, own=own) for part in calls]
    citations = [
        cited(each, part.text, place)
        for place, part in enumerate(words)
        if isinstance(part, Text)
        for each in part.citations
    ]
    if not own:
        dropped.drop("citations", citations)
    elif citations:
        body["citations"] = citations
    return body


def _is_plan(part: AnyPart) -> bool:
    """Whether it is the plan of a tool call."""
    return isinstance(part, Reasoning) and PLAN in part.extra


def call(part: ToolCall, *, own: bool) -> dict[str, Any]:
    """A tool call."""
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": part.id, "type": "function", "function": function, **(part.extra if own else {})}


def _result(part: ToolResult, where: str, dropped: Dropped, *, own: bool) -> dict[str, Any]:
    dropped.drop("tool_result.is_error", part.failed or None)
    told = [each for each in part.parts if not isinstance(each, Image)]
    blocks = [_of_a_tool(each, where, dropped, own=own) for each in told]
    content = text_or_list(list(told), [each for each in blocks if each is not None])
    return {"role": "tool", "tool_call_id": part.id, "content": content}


def _of_a_tool(part: AnyPart, where: str, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    if isinstance(part, File):
        found = of_file(part, where, own=own)
        return {"type": "document", "document": {"data": {"text": found}} if isinstance(found, str) else found}
    return block(part, where, dropped, own=own)


def _content(parts: list[AnyPart], where: str, dropped: Dropped, *, own: bool) -> str | list[dict[str, Any]]:
    blocks = [block(part, f"{where}.content[{place}]", dropped, own=own) for place, part in enumerate(parts)]
    return text_or_list(parts, [each for each in blocks if each is not None])


def text_or_list(parts: list[AnyPart], blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A single text that did not come as a block is a text again."""
    match parts:
        case [Text(text=text, extra=more)] if not more:
            return text
    return blocks or ""


def block(part: AnyPart, where: str, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    """A part as a block; None where it is left out. Unsupported."""
    more = part.extra if own else {}
    match part:
        case Text(text=text) | Refused(text=text):
            return {"type": "text", "text": text, **more}
        case File():
            return {"type": "text", "text": text_of(part, where)}
        case Image():
            return {"type": "image_url", "image_url": _picture(part, where), **more}
        case Reasoning():
            return _thought(part, dropped, more)
        case Opaque(dialect=dialect, value=value):
            if own and dialect == NAME:
                return value
            raise Unsupported(f"`{value.get('type', 'part')}` is known to {dialect} alone.", where)
    raise Unsupported(f"Cohere takes no {part.__struct_config__.tag} in a message.", where)


def _thought(part: Reasoning, dropped: Dropped, more: dict[str, Any]) -> dict[str, Any] | None:
    if part.text and part.maker in (NAME, None) and part.signature is None and part.sealed is None:
        return {"type": "thinking", "thinking": part.text, **more}
    dropped.drop("reasoning", part.text or part.sealed or None)
    return None


def _picture(part: Image, where: str) -> dict[str, Any]:
    media = part.media
    if media.file is not None:
        raise Unsupported("A file of another provider's cannot be sent to Cohere; send it as data, or its URL.", where)
    url = media.url or f"data:{media.mime or 'image/png'};base64,{media.data}"
    return {"url": url, **({} if part.detail is None else {"detail": part.detail})}
