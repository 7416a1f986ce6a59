"""What a client's request says: at once what nearly every policy looks at, the rest when somebody asks.

Only what a policy may look at is checked. What a model makes of the rest is between the client and its provider, and new
fields of the API work the day they appear.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import (
    MOST_COUNT,
    NotStrict,
    a_bool,
    a_list,
    a_number,
    check_counts,
    decode_strictly,
    refuse_lookalikes,
)
from headgate.api.ai import Chat, Content, Message, Role
from headgate_anthropic.blocks import content
from headgate_anthropic.facts import NAME
from headgate_anthropic.parameters import parameters

_FIELDS: Final = frozenset({
    "model", "messages", "system", "stream", "max_tokens", "temperature", "top_p", "top_k", "tools", "tool_choice",
    "stop_sequences", "metadata", "thinking", "output_config", "output_format", "service_tier", "container",
})  # fmt: skip
_OF_A_MESSAGE: Final = frozenset({"role", "content"})
# A bound of 0 warms the cache and makes no answer.
_COUNTS: Final = {"max_tokens": (0, MOST_COUNT), "top_k": (0, MOST_COUNT)}
_THINKING: Final = {"budget_tokens": (0, MOST_COUNT)}
_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}


def read(data: bytes) -> Chat:
    """A body as a Chat. NotStrict names the field and what it has to be."""
    value = decode_strictly(data)
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"model": …, "max_tokens": …, "messages": […]}.')
    refuse_lookalikes(value, _FIELDS)
    _messages(value.get("messages"))
    a_list(value.get("tools"), "tools")
    check_counts(value, _COUNTS)
    if isinstance(value.get("thinking"), dict):
        check_counts(value["thinking"], _THINKING, "thinking.")
    chat = Chat(
        _model(value.get("model")),
        a_bool(value.get("stream"), "stream"),
        value.get("max_tokens"),
        a_number(value.get("temperature"), "temperature"),
        a_number(value.get("top_p"), "top_p"),
    )
    chat.came_as(NAME, data, value, parse)
    return chat


def parse(raw: dict[str, Any]) -> Content:
    """The content of a body. NotStrict."""
    system = raw.get("system")
    head = [] if system is None else [Message("system", content(system, "system"))]
    turns = [message(each, f"messages[{place}]") for place, each in enumerate(raw["messages"])]
    return Content([*head, *turns], **parameters(raw))


def message(value: dict[str, Any], where: str) -> Message:
    """One turn. NotStrict."""
    role = _ROLES.get(value["role"])
    if role is None:
        raise NotStrict(f"`{where}.role` has to be one of {', '.join(_ROLES)}.", f"{where}.role")
    more = {name: field for name, field in value.items() if name not in _OF_A_MESSAGE}
    return Message(role, content(value.get("content"), f"{where}.content"), extra=more)


def _messages(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise NotStrict("`messages` has to be a list with at least one message.", "messages")
    for place, each in enumerate(value):
        if not isinstance(each, dict):
            raise NotStrict(f"`messages[{place}]` has to be an object with a `role`.", f"messages[{place}]")
        if not isinstance(each.get("role"), str):
            raise NotStrict(f"`messages[{place}]` has to be an object with a `role`.", f"messages[{place}].role")
        if not each.keys() <= _OF_A_MESSAGE:
            refuse_lookalikes(each, _OF_A_MESSAGE, f"messages[{place}]")


def _model(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise NotStrict("`model` has to be the name of a model.", "model")
    return value
