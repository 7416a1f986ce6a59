"""Requests: the client's body read once into a Chat, and a Chat written for a provider.

1. At once are read the five fields of a Chat, and as much shape as a policy needs. The whole is parsed when somebody asks.
2. Between the same dialect the client's bytes pass. What a policy changed is encoded anew; all other fields stay the very
   bytes that came.
3. `background` is refused: an answer that nobody waits for has no place to stay.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import (
    ANY_COUNT,
    MOST_COUNT,
    Line,
    NotStrict,
    a_bool,
    a_list,
    a_number,
    check_counts,
    decode_strictly,
    refuse_lookalikes,
)
from headgate.api.ai import Chat, Dropped, Endpoint, Written
from headgate_openai.responses.fields import render_content
from headgate_openai.responses.items import turns
from headgate_openai.responses.reading import items_of, parse
from headgate_openai.responses.rendering import render_items
from headgate_openai.responses.shapes import FOREIGN_THOUGHT, NAME, Instructions

_FIELDS: Final = frozenset({
    "model", "input", "instructions", "stream", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice", "text",
    "reasoning", "include", "store", "previous_response_id", "metadata", "user", "background", "truncation", "conversation",
    "parallel_tool_calls", "service_tier", "prompt",
})  # fmt: skip
_OF_AN_ITEM: Final = frozenset({
    "type", "role", "content", "id", "status", "call_id", "name", "arguments", "output", "summary", "encrypted_content",
})  # fmt: skip
_COUNTS: Final = {
    "max_output_tokens": ANY_COUNT, "max_tool_calls": (0, MOST_COUNT), "top_logprobs": (0, MOST_COUNT),
}  # fmt: skip
PATH: Final = b"/responses"
HEADERS: Final[tuple[Line, ...]] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)
_FOREIGN: Final = f'"{FOREIGN_THOUGHT}'.encode()

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(data: bytes) -> Chat:
    """A body as a Chat. NotStrict names the field and what it has to be."""
    value = decode_strictly(data)
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"model": …, "input": …}.')
    refuse_lookalikes(value, _FIELDS)
    model = value.get("model")
    if not isinstance(model, str) or not model:
        raise NotStrict("`model` has to be the name of a model.", "model")
    if value.get("background"):
        raise NotStrict("`background` is not offered here: leave it out, and wait for the answer.", "background")
    _input(value)
    a_list(value.get("tools"), "tools")
    check_counts(value, _COUNTS)
    chat = Chat(
        model,
        a_bool(value.get("stream"), "stream"),
        value.get("max_output_tokens"),
        a_number(value.get("temperature"), "temperature"),
        a_number(value.get("top_p"), "top_p"),
    )
    chat.came_as(NAME, data, value, parse)
    return chat


def write(chat: Chat, to: Endpoint) -> Written:
    """The request for a provider; the client's own bytes where nothing differs."""
    path = str(to.options.get("path", "")).encode() or PATH
    dropped = Dropped()
    if chat.dialect != NAME:
        return Written(path, msgspec.json.encode(_whole(chat, to, dropped)), HEADERS, False, dropped.names)
    changed: dict[str, Any] = {} if chat.raw()["model"] == to.model else {"model": to.model}
    changed |= changes(chat, dropped)
    for name in to.options.get("drops", ()):
        if name in chat.raw():
            dropped.drop(name, chat.raw()[name])
            changed[name] = None
    if not changed:
        return Written(path, chat.original(), HEADERS)
    merged: dict[str, Any] = {**_fields.decode(chat.original()), **changed}
    body = {name: value for name, value in merged.items() if value is not None}
    return Written(path, msgspec.json.encode(body), HEADERS, False, dropped.names)


# --- the same dialect ------------------------------------------------------------------------------------------------


def changes(chat: Chat, dropped: Dropped) -> dict[str, Any]:
    """The fields that a line changed, but the model, to be written anew; None takes a field out."""
    differ = chat.changed()
    changed: dict[str, Any] = {name: getattr(chat, name) for name in differ & {"temperature", "top_p", "stream"}}
    if "max_tokens" in differ:
        changed["max_output_tokens"] = chat.max_tokens
    if "content" in differ:
        changed |= _content(chat, dropped)
    elif _FOREIGN in chat.original() and any(_is_foreign(item) for item in items_of(chat.raw())):
        changed["input"] = input_items(chat, dropped)
    return changed


def _content(chat: Chat, dropped: Dropped) -> dict[str, Any]:
    raw = chat.raw()
    before = render_content(parse(raw), NAME, Dropped())
    after = render_content(chat.content(), NAME, dropped)
    changed = {name: after.get(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    for name in ("text", "reasoning"):
        said = changed.get(name)
        if said is not None and isinstance(raw.get(name), dict):
            changed[name] = {**raw[name], **said}
    items = input_items(chat, dropped)
    if items != items_of(raw):
        changed["input"] = _as_it_came(items, raw)
    return changed


def _as_it_came(items: list[Any], raw: dict[str, Any]) -> Any:
    """A text, where the input was one and is one still."""
    only = items[0] if len(items) == 1 else {}
    plain = isinstance(raw.get("input"), str) and only.keys() == {"role", "content"} and only["role"] == "user"
    return only["content"] if plain and isinstance(only["content"], str) else items


def input_items(chat: Chat, dropped: Dropped) -> list[Any]:
    """The input as it is now, in which each turn that nobody changed stays as it came, but for what another dialect thought."""
    kept: dict[bytes, list[Any]] = {}
    for turn, came in turns(items_of(chat.raw())):
        if not any(_is_foreign(item) for item in came):
            kept[msgspec.json.encode(turn)] = came
    items: list[Any] = []
    for one in chat.messages:
        if not isinstance(one, Instructions):
            same = kept.get(msgspec.json.encode(one))
            items += same if same is not None else render_items(one, NAME, dropped)
    return items


def _is_foreign(item: Any) -> bool:
    return item.get("type") == "reasoning" and str(item.get("id", "")).startswith(FOREIGN_THOUGHT)


# --- another dialect -------------------------------------------------------------------------------------------------


def _whole(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    content = chat.content()
    body: dict[str, Any] = {"model": to.model, "input": []}
    for one in content.messages:
        body["input"] += render_items(one, chat.dialect, dropped)
    for name, value in (
        ("max_output_tokens", chat.max_tokens), ("temperature", chat.temperature), ("top_p", chat.top_p),
    ):  # fmt: skip
        if value is not None:
            body[name] = value
    body.update(render_content(content, chat.dialect, dropped))
    for name in to.options.get("drops", ()):
        dropped.drop(name, body.pop(name, None))
    if chat.stream:
        body["stream"] = True
    return body


# --- fields ----------------------------------------------------------------------------------------------------------


def _input(value: dict[str, Any]) -> None:
    given = value.get("input")
    if given is None and (value.get("previous_response_id") or value.get("conversation") or value.get("prompt")):
        return
    if isinstance(given, str):
        return
    if not isinstance(given, list):
        raise NotStrict("`input` has to be a text, or a list of items.", "input")
    for place, item in enumerate(given):
        where = f"input[{place}]"
        if not isinstance(item, dict) or not isinstance(item.get("type", item.get("role")), str):
            raise NotStrict(f"`{where}` has to be an object with a `type`, or a `role`.", where)
        if not item.keys() <= _OF_AN_ITEM:
            refuse_lookalikes(item, _OF_AN_ITEM, where)
