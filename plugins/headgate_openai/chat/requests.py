"""Requests: read from clients, written for providers.

Read strictly, and only what a policy may look at is checked: what a model makes of the rest is between the client and its
provider, and new fields of the API work the day they appear. Written for the same dialect, what nobody changed stays as it
came, byte by byte; for a chat that came in another dialect, see `rendering`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import (
    ANSWERS,
    ANY_COUNT,
    MOST_COUNT,
    SEED,
    Line,
    NotStrict,
    a_bool,
    a_count,
    a_list,
    a_number,
    check_counts,
    check_numbers,
    decode_strictly,
    refuse_lookalikes,
)
from headgate.api.ai import Chat, Dropped, Endpoint, Written
from headgate_openai.chat.messages import NAME, message
from headgate_openai.chat.reading import parse
from headgate_openai.chat.rendering import render_message
from headgate_openai.chat.settings import render_content

# What every chat has, and most have nothing else.
_ALWAYS: Final = frozenset({"model", "messages", "stream"})
_FIELDS: Final = frozenset({
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "tools",
    "tool_choice", "n", "user", "functions", "function_call", "response_format", "stop", "store",
})  # fmt: skip
_OF_A_MESSAGE: Final = frozenset({
    "role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call",
})  # fmt: skip
# The bound on the answer has two names, and old servers know the first alone.
_BOUNDS: Final = ("max_completion_tokens", "max_tokens")
# Whole numbers, and what each may be; a `top_k` of -1 is vLLM's word for none.
_COUNTS: Final = {
    "max_completion_tokens": ANY_COUNT, "max_tokens": ANY_COUNT, "n": ANSWERS, "top_logprobs": (0, MOST_COUNT),
    "top_k": (-1, MOST_COUNT), "seed": SEED, "random_seed": SEED,
}  # fmt: skip
_NUMBERS: Final = ("presence_penalty", "frequency_penalty")
PATH: Final = b"/chat/completions"
HEADERS: Final[tuple[Line, ...]] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(data: bytes) -> Chat:
    """A body as a Chat. NotStrict names the field and what it has to be."""
    value = decode_strictly(data)
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"model": …, "messages": […]}.')
    if not value.keys() <= _FIELDS:
        refuse_lookalikes(value, _FIELDS)
    model = value.get("model")
    if not isinstance(model, str) or not model:
        raise NotStrict("`model` has to be the name of a model.", "model")
    messages = value.get("messages")
    if not isinstance(messages, list) or not messages:
        raise NotStrict("`messages` has to be a list with at least one message.", "messages")
    for place, one in enumerate(messages):
        if not isinstance(one, dict) or not isinstance(one.get("role"), str):
            raise NotStrict(
                f"`messages[{place}]` has to be an object with a `role`.",
                f"messages[{place}].role" if isinstance(one, dict) else f"messages[{place}]",
            )
        if not one.keys() <= _OF_A_MESSAGE:
            refuse_lookalikes(one, _OF_A_MESSAGE, f"messages[{place}]")
    chat = Chat(model, a_bool(value.get("stream"), "stream"))
    if not value.keys() <= _ALWAYS:
        _set(chat, value)
    chat.came_as(NAME, data, value, parse)
    return chat


def _set(chat: Chat, value: dict[str, Any]) -> None:
    """The settings, looked at."""
    a_list(value.get("tools"), "tools")
    _check_numbers(value)
    bound = value.get("max_completion_tokens")
    chat.max_tokens = value.get("max_tokens") if bound is None else bound
    chat.temperature = a_number(value.get("temperature"), "temperature")
    chat.top_p = a_number(value.get("top_p"), "top_p")


def _check_numbers(value: dict[str, Any]) -> None:
    check_counts(value, _COUNTS)
    check_numbers(value, _NUMBERS)
    if type(value.get("logprobs")) is not bool:
        # Together counts them, where OpenAI has a switch: https://docs.together.ai/reference/chat-completions-1
        a_count(value.get("logprobs"), "logprobs", least=0)
    bounds = {value[name] for name in _BOUNDS if value.get(name) is not None}
    if len(bounds) > 1:
        raise NotStrict(
            "`max_tokens` and `max_completion_tokens` are two names of one bound, and differ: give one.", "max_tokens"
        )


def write(chat: Chat, to: Endpoint) -> Written:
    """The request for a provider; the client's own bytes where nothing differs."""
    path = str(to.options.get("path", "")).encode() or PATH
    counts = chat.stream and to.options.get("counts_streams", True)
    if chat.dialect != NAME:
        dropped = Dropped()
        body = _whole(chat, to, dropped)
        if counts:
            body["stream_options"] = {"include_usage": True}
        return Written(path, msgspec.json.encode(body), HEADERS, False, dropped.names)
    changed, dropped = _changes(chat, to)
    hides, choices = False, changed.get("n", chat.raw().get("n")) or 1
    options = chat.raw().get("stream_options")
    if counts and not (isinstance(options, dict) and options.get("include_usage") is True):
        changed["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        hides = True
    if not changed:
        return Written(path, chat.original(), HEADERS, choices=choices)
    merged: dict[str, Any] = {**_fields.decode(chat.original()), **changed}
    body = {name: value for name, value in merged.items() if value is not None}
    return Written(path, msgspec.json.encode(body), HEADERS, hides, dropped.names, choices)


# --- the same dialect ------------------------------------------------------------------------------------------------


def _changes(chat: Chat, to: Endpoint) -> tuple[dict[str, Any], Dropped]:
    """The fields to write anew; None takes a field out."""
    raw, dropped = chat.raw(), Dropped()
    changed: dict[str, Any] = {} if raw["model"] == to.model else {"model": to.model}
    differ = chat.changed()
    if differ:
        for name in differ & {"temperature", "top_p"}:
            changed[name] = getattr(chat, name)
        if "stream" in differ:
            changed["stream"] = chat.stream
        if "content" in differ:
            changed.update(_content(chat, dropped))
    if differ or not raw.keys() <= _ALWAYS:
        changed.update(_bound(chat, to, differ))
    for name in to.options.get("drops", ()):
        if name in raw:
            dropped.drop(name, raw[name])
            changed[name] = None
    if to.options.get("developer") is False and any(one["role"] == "developer" for one in raw["messages"]):
        told = changed.get("messages", raw["messages"])
        changed["messages"] = [{**one, "role": "system"} if one["role"] == "developer" else one for one in told]
    return changed, dropped


def _content(chat: Chat, dropped: Dropped) -> dict[str, Any]:
    """The content, of which each message that nobody changed stays as it came."""
    raw, content = chat.raw(), chat.content()
    came = parse(raw)
    kept = {msgspec.json.encode(message(one, "messages")): one for one in raw["messages"]}
    messages: list[Any] = []
    for one in content.messages:
        same = kept.get(msgspec.json.encode(one))
        messages += [same] if same is not None else render_message(one, NAME, {}, dropped)
    before = render_content(came, NAME, {}, Dropped())
    after = render_content(content, NAME, {}, dropped)
    changed = {name: after.get(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {**changed, "messages": messages}


def _bound(chat: Chat, to: Endpoint, differ: frozenset[str]) -> dict[str, Any]:
    """The bound on the answer: under the name that the client used, or that the provider wants."""
    raw, wants = chat.raw(), to.options.get("bound")
    given = [name for name in _BOUNDS if raw.get(name) is not None]
    if wants is not None and given and given != [wants]:
        return {**dict.fromkeys(given), wants: chat.max_tokens}
    if "max_tokens" not in differ:
        return {}
    return dict.fromkeys(given or [wants or _BOUNDS[0]], chat.max_tokens)


# --- another dialect -------------------------------------------------------------------------------------------------


def _whole(chat: Chat, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    options: Mapping[str, Any] = to.options
    content = chat.content()
    body: dict[str, Any] = {"model": to.model, "messages": []}
    for one in content.messages:
        body["messages"] += render_message(one, chat.dialect, options, dropped)
    if chat.max_tokens is not None:
        body[options.get("bound", _BOUNDS[0])] = chat.max_tokens
    for name in ("temperature", "top_p"):
        if getattr(chat, name) is not None:
            body[name] = getattr(chat, name)
    body.update(render_content(content, chat.dialect, options, dropped))
    for name in options.get("drops", ()):
        dropped.drop(name, body.pop(name, None))
    if chat.stream:
        body["stream"] = True
    return body
