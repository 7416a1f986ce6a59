"""Requests for Google, from a chat of any dialect.

1. From a client of this dialect the bytes pass. Where a line wrote into the chat, the fields that read otherwise now are
   written anew, content by content; every other one keeps its bytes.
2. From another dialect everything is written from the chat. What has no place is named in `dropped`; content that has
   none is `Unsupported`.
3. A stream always has counts: Google sends them in every chunk.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import Line
from headgate.api.ai import Chat, Content, Dropped, Endpoint, Written
from headgate_gemini import names, paths
from headgate_gemini.contents import write_messages
from headgate_gemini.parsing import parse
from headgate_gemini.reading import wants_array
from headgate_gemini.settings import write_settings
from headgate_gemini.tools import write_tool_config, write_tools

HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_lists = msgspec.json.Decoder(list[msgspec.Raw])


def write(chat: Chat, to: Endpoint) -> Written:
    """The request. Unsupported."""
    method = "streamGenerateContent" if chat.stream else "generateContent"
    dropped = Dropped()
    own = chat.dialect == "gemini"
    body = _own(chat, to) if own else msgspec.json.encode(render(chat, chat.content(), to, dropped))
    path = paths.written(to.model, method, to.options, events=not wants_array(chat))
    return Written(path, body, HEADERS, dropped=tuple(dropped.names))


def write_count(chat: Chat, to: Endpoint) -> Written:
    """The question how many tokens a chat has: https://ai.google.dev/api/tokens."""
    dropped = Dropped()
    request = render(chat, chat.content(), to, dropped)
    if not to.options.get("project"):
        request = {"generateContentRequest": {"model": paths.resource(to.model, to.options), **request}}
    else:
        request = {name: value for name, value in request.items() if name not in ("toolConfig", "safetySettings")}
    body = msgspec.json.encode(request)
    return Written(paths.written(to.model, "countTokens", to.options), body, HEADERS, dropped=tuple(dropped.names))


def render(chat: Chat, content: Content, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """A whole body. Unsupported."""
    own = chat.dialect == "gemini"
    system, contents = write_messages(content, to, dropped, own=own)
    made: dict[str, Any] = {
        "contents": contents,
        "systemInstruction": system,
        "tools": write_tools(content, dropped, own=own),
        "toolConfig": write_tool_config(content, dropped, own=own),
        "generationConfig": write_settings(chat, content, to, dropped, own=own),
        "serviceTier": content.service_tier if own else None,
        "store": content.store if own else None,
    }
    if own:
        made |= {key: one for key, one in content.extra.items() if key not in ("toolConfig", "generationConfig")}
    else:
        _drop(content, dropped)
    return {name: value for name, value in made.items() if value is not None}


def _drop(content: Content, dropped: Dropped) -> None:
    for name in ("user", "metadata", "service_tier"):
        dropped.drop(name, getattr(content, name))
    dropped.drop("store", content.store or None)
    if content.parallel_tools is False:
        dropped.drop("parallel_tool_calls", value=True)
    for name, value in content.extra.items():
        dropped.drop(name, value)


# --- from its own kind -----------------------------------------------------------------------------------------------


def _own(chat: Chat, to: Endpoint) -> bytes:
    """The client's body, with what differs written anew."""
    changed = chat.changed() - {"model", "stream"}
    stays = to.model == chat.asked() or "model" not in chat.raw()
    if not changed and stays:
        return chat.original()
    was = _raws.decode(chat.original())
    if not stays:
        was.pop("model", None)
    if changed:
        _replace(was, chat, to)
    return msgspec.json.encode(was)


def _replace(was: dict[str, Any], chat: Chat, to: Endpoint) -> None:
    before = _asked(chat)
    then, now = (render(one, one.content(), to, Dropped()) for one in (before, chat))
    for name in [*then, *(one for one in now if one not in then)]:
        if then.get(name) == now.get(name):
            continue
        given = next((one for one in was if names.BODY.read({one: None}, "") == {name: None}), name)
        if name not in now:
            was.pop(given, None)
        elif name == "contents":
            was[given] = _contents(_lists.decode(was[given]), then[name], now[name])
        else:
            was[given] = now[name]


def _asked(chat: Chat) -> Chat:
    """The chat as it came."""
    raw = chat.raw()
    config = raw.get("generationConfig") or {}
    before = Chat(
        chat.asked(), chat.stream, config.get("maxOutputTokens"), config.get("temperature"), config.get("topP")
    )
    before.came_as("gemini", chat.original(), raw, parse)
    return before


def _contents(was: list[msgspec.Raw], then: list[Any], now: list[Any]) -> list[Any]:
    if not len(was) == len(then) == len(now):
        return now
    return [raw if before == after else after for raw, before, after in zip(was, then, now, strict=True)]
