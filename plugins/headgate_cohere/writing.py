"""Requests for a provider: the client's bytes, and anew what a line changed; or all of it, for a chat of another dialect."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import Line
from headgate.api.ai import (
    Chat,
    Content,
    Dropped,
    Endpoint,
    File,
    Format,
    Message,
    ServerTool,
    Thinking,
    Tool,
    Unsupported,
    Written,
)
from headgate_cohere.documents import of_file
from headgate_cohere.facts import NAME, PATH
from headgate_cohere.reading import PLAIN, message, parse
from headgate_cohere.saying import is_document, say

_HEADERS: Final[tuple[Line, ...]] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)
_CHOICES: Final = {"required": "REQUIRED", "none": "NONE"}
# What no field of this API can say.
_UNKNOWN: Final = ("top_logprobs", "user", "audio", "metadata", "service_tier")
_FIVE: Final = {"stream": "stream", "max_tokens": "max_tokens", "temperature": "temperature", "top_p": "p"}

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def write(chat: Chat, to: Endpoint) -> Written:
    """The request for an answer. Unsupported."""
    dropped = Dropped()
    path = str(to.options.get("path", "")).encode() + PATH
    if chat.dialect != NAME:
        return Written(path, msgspec.json.encode(_whole(chat, to, dropped)), _HEADERS, False, dropped.names)
    changed = _changes(chat, to, dropped)
    if not changed:
        return Written(path, chat.original(), _HEADERS)
    whole: dict[str, Any] = {**_fields.decode(chat.original()), **changed}
    body = {name: value for name, value in whole.items() if value is not None}
    return Written(path, msgspec.json.encode(body), _HEADERS, False, dropped.names)


# --- the same dialect ------------------------------------------------------------------------------------------------


def _changes(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """The fields to write anew; None takes a field out."""
    differ = chat.changed()
    changed: dict[str, Any] = {} if chat.raw()["model"] == to.model else {"model": to.model}
    changed.update((ours, getattr(chat, name)) for name, ours in _FIVE.items() if name in differ)
    if "content" in differ:
        changed.update(_content(chat, dropped))
    return changed


def _content(chat: Chat, dropped: Dropped) -> dict[str, Any]:
    raw, content = chat.raw(), chat.content()
    before, after = _own_fields(parse(raw)), _own_fields(content)
    changed = {name: after.get(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    came = {_key(message(each, "messages")): each for each in raw["messages"]}
    messages: list[Any] = []
    for place, each in enumerate(content.messages):
        same = came.get(_key(_alone(each)))
        messages += [same] if same is not None else say(each, f"messages[{place}]", dropped, own=True)
    return changed if messages == raw["messages"] else {**changed, "messages": messages}


def _alone(said: Message) -> Message:
    """A turn without the documents that stand beside it."""
    parts = [part for part in said.parts if not is_document(part)]
    return Message(said.role, parts, said.name, said.extra)


def _key(said: Message) -> bytes:
    return msgspec.json.encode(said)


def _own_fields(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = dict(content.extra)
    thinking = content.thinking
    told = {
        "tools": [_tool(tool, own=True) for tool in content.tools],
        "tool_choice": _CHOICES.get(content.tool_choice.mode) if content.tool_choice is not None else None,
        "response_format": _format(content.format) if content.format is not None else None,
        "stop_sequences": content.stop,
        "thinking": _own_thinking(thinking) if thinking is not None else None,
        "documents": documents(content, own=True),
        **{ours: getattr(content, name) for name, ours in PLAIN.items()},
    }
    return {**body, **{name: value for name, value in told.items() if value not in (None, [])}}


def _own_thinking(thinking: Thinking) -> dict[str, Any]:
    came = thinking.extra.get("thinking", {})
    off = came.get("type") == "disabled"
    as_came = Thinking("none" if off else None, came.get("token_budget"), None if off else True, thinking.extra)
    return came if thinking == as_came else _think(thinking)


# --- another dialect -------------------------------------------------------------------------------------------------


def _whole(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    content = chat.content()
    body: dict[str, Any] = {"model": to.model, "messages": []}
    for place, each in enumerate(content.messages):
        body["messages"] += say(each, f"messages[{place}]", dropped, own=False)
    values = {ours: getattr(chat, name) for name, ours in _FIVE.items()}
    values.update((ours, getattr(content, name)) for name, ours in PLAIN.items())
    body.update((name, value) for name, value in values.items() if value not in (None, False))
    for name in ("frequency_penalty", "presence_penalty"):
        if not 0 <= body.get(name, 0) <= 1:
            dropped.drop(name, body.pop(name))
    body.update({"documents": found} if (found := documents(content, own=False)) else {})
    body.update({"stop_sequences": content.stop} if content.stop else {})
    body.update({"response_format": _format(content.format)} if content.format is not None else {})
    _tools(content, body, dropped)
    _thinking(content.thinking, body, dropped)
    _leave_out(content, dropped)
    return body


def documents(content: Content, *, own: bool) -> list[Any]:
    """What is to be cited, of all turns. Unsupported."""
    return [
        of_file(part, f"messages[{place}]", own=own)
        for place, each in enumerate(content.messages)
        for part in each.parts
        if isinstance(part, File) and part.cited
    ]


def _tools(content: Content, body: dict[str, Any], dropped: Dropped) -> None:
    if not content.tools:
        return
    body["tools"] = [_tool(tool, own=False) for tool in content.tools]
    strict = [tool.strict for tool in content.tools if isinstance(tool, Tool)]
    if all(strict):
        body["strict_tools"] = True
    else:
        dropped.drop("tools.strict", any(strict) or None)
    choice = content.tool_choice
    forced = choice is not None and choice.mode == "tool"
    if choice is not None and (choice.mode in _CHOICES or (forced and len(content.tools) == 1)):
        body["tool_choice"] = _CHOICES.get(choice.mode, "REQUIRED")
    else:
        dropped.drop("tool_choice", choice.name if forced and choice is not None else None)
    dropped.drop("parallel_tool_calls", None if content.parallel_tools is not False else False)


def _tool(tool: Tool | ServerTool, *, own: bool) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        if tool.dialect == NAME:
            return tool.value
        raise Unsupported(f"`{tool.value.get('type', 'tool')}` is a tool of {tool.dialect} alone.", "tools")
    function: dict[str, Any] = {"name": tool.name}
    function.update({} if tool.description is None else {"description": tool.description})
    if tool.parameters is not None or not own:
        function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": {**function, **(tool.extra if own else {})}}


def _format(wanted: Format) -> dict[str, Any]:
    if wanted.kind == "text":
        return {"type": "text"}
    schema = {} if wanted.kind == "json" else {"json_schema": wanted.schema}
    return {"type": "json_object", **schema}


def _thinking(thinking: Thinking | None, body: dict[str, Any], dropped: Dropped) -> None:
    if thinking is None or thinking == Thinking(shown=thinking.shown, extra=thinking.extra):
        return
    body["thinking"] = _think(thinking)
    word = thinking.effort if thinking.budget_tokens is None and thinking.effort != "none" else None
    dropped.drop("reasoning_effort", word)


def _think(thinking: Thinking) -> dict[str, Any]:
    """Whether, and to which budget; there is no word for how much."""
    if thinking.effort == "none":
        return {"type": "disabled"}
    budget = thinking.budget_tokens
    return {"type": "enabled", **({} if budget is None else {"token_budget": budget})}


def _leave_out(content: Content, dropped: Dropped) -> None:
    for name in _UNKNOWN:
        dropped.drop(name, getattr(content, name))
    dropped.drop("n", content.n if content.n != 1 else None)
    dropped.drop("store", content.store or None)
    dropped.drop("modalities", [each for each in content.modalities or () if each != "text"])
    for name, value in content.extra.items():
        dropped.drop(name, value)
