"""Requests for a provider.

1. For a chat that came in this dialect, the client's bytes; what a line changed, and only that, is written anew. A message
   that nobody changed stays as it came, and in a changed one each block that nobody changed. Only where a line sends it to a
   newer model are the sampling parameters left out that this model refuses.
2. For any other, all of it.
3. Which version of the API it is written for is said with it: the newest, unless the request has what only the one before
   takes. A provider's row may set it (`version`), and beta features (`betas`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Line
from headgate.api.ai import MARK, AnyPart, Chat, Dropped, Endpoint, Garbled, Message, Reasoning, Written
from headgate_anthropic import marks
from headgate_anthropic.blocks import block
from headgate_anthropic.facts import (
    COUNT_TOKENS,
    DEFAULT_MAX_TOKENS,
    MESSAGES,
    NAME,
    NEWEST,
    SAMPLING,
    WITH_SAMPLING,
    samples,
)
from headgate_anthropic.reading import message, parse
from headgate_anthropic.saying import say_all, text_or_list
from headgate_anthropic.tuning import fields, own_fields, sampling
from headgate_anthropic.turns import turns

# What https://platform.claude.com/docs/en/api/messages-count-tokens takes.
_COUNTED: Final = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed",
})  # fmt: skip

_ALWAYS: Final[tuple[Line, ...]] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def write(chat: Chat, to: Endpoint) -> Written:
    """The request for an answer. Unsupported."""
    dropped = Dropped()
    if chat.dialect == NAME:
        changed = _changes(chat, to, dropped)
        return _written(to, _merged(chat, changed), {**chat.raw(), **changed}, dropped)
    body = _whole(chat, to, dropped)
    return _written(to, msgspec.json.encode(body), body, dropped)


def write_count(chat: Chat, to: Endpoint) -> Written:
    """The request for a count of the tokens of a chat, which is not sent to the model. Unsupported."""
    whole = write(chat, to)
    kept = {name: value for name, value in _fields.decode(whole.body).items() if name in _COUNTED}
    return whole._replace(path=_path(to, COUNT_TOKENS), body=msgspec.json.encode(kept))


def counted_tokens(data: bytes) -> int:
    """What a provider counted. Garbled."""
    try:
        return msgspec.json.decode(data, type=_Count).input_tokens
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Garbled("with what is no count of tokens") from None


class _Count(msgspec.Struct):
    input_tokens: int


def _written(to: Endpoint, data: bytes, body: Mapping[str, Any], dropped: Dropped) -> Written:
    return Written(_path(to, MESSAGES), data, _headers(to, body), False, dropped.names)


def _path(to: Endpoint, standard: bytes) -> bytes:
    return str(to.options.get("path", "")).encode() + standard


def _headers(to: Endpoint, body: Mapping[str, Any]) -> list[Line]:
    old = any(body.get(name) is not None for name in SAMPLING)
    version = str(to.options.get("version") or (WITH_SAMPLING if old else NEWEST))
    lines = [*_ALWAYS, (b"anthropic-version", version.encode())]
    if betas := to.options.get("betas"):
        lines.append((b"anthropic-beta", ",".join(betas).encode()))
    return lines


# --- the same dialect ------------------------------------------------------------------------------------------------


def _merged(chat: Chat, changed: dict[str, Any]) -> bytes:
    if not changed:
        return chat.original()
    whole: dict[str, Any] = {**_fields.decode(chat.original()), **changed}
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not None})


def _changes(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """The fields to write anew; None takes a field out."""
    raw, differ = chat.raw(), chat.changed()
    changed: dict[str, Any] = {} if raw["model"] == to.model else {"model": to.model}
    for name in ("stream", "max_tokens", "temperature", "top_p"):
        if name in differ:
            changed[name] = getattr(chat, name)
    if to.model != raw["model"] and not samples(to.model, to.options):
        for name in SAMPLING:
            dropped.drop(name, raw.get(name))
            changed.update({name: None} if raw.get(name) is not None else {})
    if raw.get("max_tokens") is None and changed.get("max_tokens") is None:
        changed["max_tokens"] = most(chat, to)
    if "content" in differ or MARK.encode() in chat.original():
        changed.update(_content(chat, dropped))
    return changed


def _content(chat: Chat, dropped: Dropped) -> dict[str, Any]:
    raw, content = chat.raw(), chat.content()
    before, after = own_fields(parse(raw)), own_fields(content)
    changed = {name: after.get(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    came = {msgspec.json.encode(message(each, "messages")): each for each in raw["messages"]}
    told = _told(raw, dropped)
    leading = next((place for place, each in enumerate(content.messages) if each.role != "system"), 0)
    messages = [_as_it_came(each, came) or told(each) for each in content.messages[leading:]]
    changed["messages"] = [each for each in messages if each["content"] or each in raw["messages"]]
    parts = [part for each in content.messages[:leading] for part in each.parts]
    if parts != _system(raw):
        changed["system"] = text_or_list(parts, say_all(parts, "system", dropped, own=True)) if parts else None
    return {name: value for name, value in changed.items() if name != "messages" or value != raw["messages"]}


def _system(raw: dict[str, Any]) -> list[AnyPart]:
    return [part for each in parse({**raw, "messages": []}).messages for part in each.parts]


def _as_it_came(said: Message, came: Mapping[bytes, dict[str, Any]]) -> dict[str, Any] | None:
    return None if any(_is_foreign(part) for part in said.parts) else came.get(_key(said))


def _told(raw: dict[str, Any], dropped: Dropped) -> Any:
    """How to write a message: blocks that came are taken as they came."""
    lists = [each["content"] for each in raw["messages"] if isinstance(each.get("content"), list)]
    came = {_key(block(each, "messages")): each for blocks in lists for each in blocks}

    def tell(said: Message) -> dict[str, Any]:
        role = "system" if said.role == "developer" else "user" if said.role == "tool" else said.role
        blocks: list[Any] = []
        for part in said.parts:
            same = None if _is_foreign(part) else came.get(_key(part))
            blocks += [same] if same is not None else say_all([part], "messages", dropped, own=True)
        return {"role": role, "content": text_or_list(said.parts, blocks), **said.extra}

    return tell


def _is_foreign(part: AnyPart) -> bool:
    return isinstance(part, Reasoning) and not marks.own(part)


def _key(value: Message | AnyPart) -> bytes:
    return msgspec.json.encode(value)


# --- another dialect -------------------------------------------------------------------------------------------------


def most(chat: Chat, to: Endpoint) -> int:
    """The bound on the answer, which is required here: the client's, the provider's row's, or what any model can say."""
    return chat.max_tokens or int(to.options.get("max_output_tokens", DEFAULT_MAX_TOKENS))


def _whole(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    content = chat.content()
    bound = most(chat, to)
    system, messages = turns(content.messages, dropped)
    body: dict[str, Any] = {"model": to.model, "max_tokens": bound, "messages": messages}
    if system:
        body["system"] = system
    if chat.stream:
        body["stream"] = True
    body.update(fields(content, bound, to, dropped))
    thinks = body.get("thinking", {}).get("type", "disabled") != "disabled"
    values = {"temperature": chat.temperature, "top_p": chat.top_p, "top_k": content.top_k}
    takes = samples(to.model, to.options) and to.options.get("version", WITH_SAMPLING) == WITH_SAMPLING
    return {**body, **sampling(values, thinks=thinks, takes=takes, dropped=dropped)}
