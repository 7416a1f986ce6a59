"""What Mistral asks of a conversation beyond its types.

Sources: https://docs.mistral.ai/api (parameters), the guide to function calling
(https://docs.mistral.ai/capabilities/function_calling), and the package `mistral-common`, which has the checks that the
service makes: the ids of calls, the order of roles, as many responses as calls.
"""

from __future__ import annotations

import re
from typing import Any

from headgate.testing.providers.asking import Asked, Refused, refuse
from headgate.testing.providers.strict import Misfit, conforms

Message = dict[str, Any]
# role: the roles that may come after it
AFTER = {
    "": ("system", "user", "assistant"),
    "system": ("system", "user", "assistant"),
    "user": ("user", "assistant", "system"),
    "assistant": ("assistant", "user", "tool"),
    "tool": ("assistant", "tool"),
}


def checked(asked: Asked, expected: Any) -> dict[str, Any]:
    """The body of a request that fits its type."""
    if not isinstance(asked.body, dict):
        raise refuse("JSON decode error", param="0")
    body: dict[str, Any] = asked.body
    try:
        conforms(body, expected)
    except Misfit as misfit:
        raise said(misfit) from None
    return body


def said(misfit: Misfit) -> Refused:
    """The sentence for a body that does not fit its schema."""
    sentences = {"unknown": "Extra inputs are not permitted", "missing": "Field required"}
    return refuse(sentences.get(misfit.complaint, f"Input should be {misfit.expected}"), param=misfit.dotted)


def check_rules(body: dict[str, Any]) -> None:
    """Raises Refused with the sentence that Mistral has for it."""
    messages = body["messages"]
    if not messages:
        raise refuse("Conversation must have at least one message")
    _order(messages)
    _last(messages[-1])
    _calls(messages)
    for message in messages:
        _content(message)
    for tool in body.get("tools") or ():
        _function(tool)
    _ranges(body)


def _order(messages: list[Message]) -> None:
    before = ""
    for message in messages:
        if message["role"] not in AFTER[before]:
            raise refuse(f"Unexpected role '{message['role']}' after role '{before or 'none'}'")
        before = message["role"]


def _last(message: Message) -> None:
    if message["role"] not in ("user", "tool") and not message.get("prefix"):
        raise refuse(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got " + message["role"]
        )


def _calls(messages: list[Message]) -> None:
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            waiting = _answered(waiting, message)
            continue
        if waiting:
            raise refuse("Not the same number of function calls and responses")
        waiting = [call.get("id") or "null" for call in message.get("tool_calls") or ()]
        for call in waiting:
            _id(call)
    if waiting:
        raise refuse("Not the same number of function calls and responses")


def _answered(waiting: list[str], message: Message) -> list[str]:
    _id(message.get("tool_call_id") or "null")
    if message.get("tool_call_id") not in waiting:
        raise refuse(f"Unexpected tool call id {message.get('tool_call_id')} in tool results")
    return [each for each in waiting if each != message["tool_call_id"]]


def _id(call: str) -> None:
    if not re.fullmatch("[a-zA-Z0-9]{9}", call):
        raise refuse(f"Tool call id was {call} but must be a-z, A-Z, 0-9, with a length of 9.")


def _content(message: Message) -> None:
    if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
        raise refuse("Assistant message must have either content or tool_calls, but not none.")


def _function(tool: dict[str, Any]) -> None:
    name = tool["function"]["name"] if "function" in tool else "fine"
    if not re.fullmatch("[a-zA-Z0-9_-]{1,64}", name):
        raise refuse(
            f"Function name was {name} but must be a-z, A-Z, 0-9, or contain underscores and dashes, "
            "with a maximum length of 64."
        )


def _ranges(body: dict[str, Any]) -> None:
    for name, low, high in (("temperature", 0, 1.5), ("top_p", 0, 1), ("max_tokens", 0, 1 << 30), ("n", 1, 128)):
        if body.get(name) is not None and not low <= body[name] <= high:
            raise refuse(f"Input should be between {low} and {high}", param=name)
