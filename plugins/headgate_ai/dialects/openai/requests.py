"""Requests: read from clients, written for providers.

Read strictly, and only what a policy may look at is checked: what a model makes of the rest is between the client and its
provider, and new fields of the API work the day they appear. Written: what nobody changed stays as it came, byte by byte.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import msgspec

from headgate.api import NotStrict, decode_strictly, refuse_lookalikes
from headgate_ai.chat import Chat
from headgate_ai.dialects import Written

_FIELDS: Final = frozenset({
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "tools",
    "tool_choice", "n", "user", "functions", "function_call", "response_format", "stop", "store",
})  # fmt: skip
_OF_A_MESSAGE: Final = frozenset({
    "role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call",
})  # fmt: skip
# What has a field of its own in a Chat; the bound on the answer has two names, and old servers know the first alone.
_OWN: Final = ("model", "messages", "stream", "temperature", "top_p", "tools")
_BOUNDS: Final = ("max_completion_tokens", "max_tokens")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(data: bytes) -> Chat:
    """A body as a Chat. NotStrict names the field and what it has to be."""
    value = decode_strictly(data)
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"model": …, "messages": […]}.')
    refuse_lookalikes(value, _FIELDS)
    model = value.pop("model", None)
    if not isinstance(model, str) or not model:
        raise NotStrict("`model` has to be the name of a model.", "model")
    messages = value.pop("messages", None)
    if not isinstance(messages, list) or not messages:
        raise NotStrict("`messages` has to be a list with at least one message.", "messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise NotStrict(
                f"`messages[{place}]` has to be an object with a `role`.",
                f"messages[{place}].role" if isinstance(message, dict) else f"messages[{place}]",
            )
        refuse_lookalikes(message, _OF_A_MESSAGE, f"messages[{place}]")
    bound = value.get("max_completion_tokens")
    chat = Chat(
        model,
        messages,
        _bool(value.pop("stream", None), "stream"),
        _count(value.get("max_tokens") if bound is None else bound),
        _number(value.pop("temperature", None), "temperature"),
        _number(value.pop("top_p", None), "top_p"),
        _list(value.pop("tools", None), "tools"),
        value,
    )
    chat.came_as(data, model)
    return chat


def write(chat: Chat, model: str, *, counts_streams: bool) -> Written:
    """The body for a provider that calls the model `model`; the client's own bytes where nothing differs."""
    hides = False
    original = chat.original()
    if model == chat.asked() and not chat.stream and chat.as_it_came():
        return Written(original, hides)
    changed: dict[str, Any] = {}
    was: dict[str, msgspec.Raw] = _fields.decode(original)
    for name in _OWN:
        now = getattr(chat, name)
        if name == "model":
            now = model
        before = msgspec.json.decode(was[name]) if name in was else None
        if now != before and not (name == "stream" and not now and not before):
            changed[name] = now
    _bound(chat, was, changed)
    for name, now in chat.extra.items():
        if name not in _BOUNDS and (name not in was or msgspec.json.decode(was[name]) != now):
            changed[name] = now
    if chat.stream and counts_streams:
        options = chat.extra.get("stream_options") or {}
        if isinstance(options, dict) and options.get("include_usage") is not True:
            changed["stream_options"] = {**options, "include_usage": True}
            hides = True
    gone = [name for name in was if name not in _OWN and name not in _BOUNDS and name not in chat.extra]
    if not changed and not gone:
        return Written(original, hides)
    merged: dict[str, Any] = {**was, **changed}
    for name in gone:
        del merged[name]
    return Written(msgspec.json.encode({name: value for name, value in merged.items() if value is not None}), hides)


def _bound(chat: Chat, was: dict[str, msgspec.Raw], changed: dict[str, Any]) -> None:
    """The bound on the answer, under the name that the client used."""
    given = [name for name in _BOUNDS if name in was and bytes(was[name]) != b"null"]
    before = msgspec.json.decode(was[given[0]]) if given else None
    if chat.max_tokens != before:
        for name in given or _BOUNDS[:1]:
            changed[name] = chat.max_tokens


def _bool(value: Any, name: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise NotStrict(f"`{name}` has to be true or false.", name)
    return bool(value)


def _count(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise NotStrict("`max_tokens` has to be a whole number above 0.", "max_tokens")
    return value


def _number(value: Any, name: str) -> float | None:
    if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value)):
        raise NotStrict(f"`{name}` has to be a number.", name)
    return value


def _list(value: Any, name: str) -> list[Any] | None:
    if value is not None and not isinstance(value, list):
        raise NotStrict(f"`{name}` has to be a list.", name)
    return value
