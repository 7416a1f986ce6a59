"""What Cohere asks of a request: the parameters of its SDK's methods, and the rules that types do not show.

Sources: https://docs.cohere.com/v2/reference/chat (ranges, what goes with what) and the guide to tool use
(https://docs.cohere.com/docs/tool-use-overview: each call is answered by a tool message with its id).
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

import typing_extensions

from headgate.testing.providers.asking import Asked, Refused, refuse
from headgate.testing.providers.strict import Misfit, conforms

Message = dict[str, Any]


def request_of(method: Callable[..., Any], **more: Any) -> Any:
    """The body that a method of the SDK sends: its parameters as the fields of a TypedDict, those without default required."""
    hints = typing.get_type_hints(method, include_extras=True)
    fields: dict[str, Any] = dict(more)
    for name, parameter in inspect.signature(method).parameters.items():
        if name not in ("self", "request_options"):
            required = parameter.default is inspect.Parameter.empty
            fields[name] = typing.Required[hints[name]] if required else typing.NotRequired[hints[name]]
    return typing_extensions.TypedDict("Request", fields)  # type: ignore[operator]


def checked(asked: Asked, expected: Any) -> dict[str, Any]:
    """The body of a request that fits its type."""
    if not isinstance(asked.body, dict):
        raise refuse("invalid request: the body is not valid JSON")
    body: dict[str, Any] = asked.body
    try:
        conforms(body, expected)
    except Misfit as misfit:
        raise said(misfit) from None
    return body


def said(misfit: Misfit) -> Refused:
    """The sentence for a body that does not fit its schema."""
    where = misfit.bracketed
    if misfit.complaint == "unknown":
        return refuse(f"invalid request: unknown field: parameter '{where}' is not a valid field")
    if misfit.complaint == "missing":
        return refuse(f"invalid request: '{where}' is required")
    return refuse(f"invalid type: parameter '{where}' should be {misfit.expected}")


def check_rules(body: dict[str, Any]) -> None:
    """Raises Refused with a sentence as Cohere has them."""
    messages = body["messages"]
    if not messages:
        raise refuse("invalid request: 'messages' must not be empty")
    for at, message in enumerate(messages):
        _message(message, at)
    if messages[-1]["role"] not in ("user", "tool"):
        raise refuse("invalid request: the last message must be from the user or a tool")
    _calls(messages)
    _together(body)
    _ranges(body)


def _message(message: Message, at: int) -> None:
    if "role" not in message:
        raise refuse(f"invalid request: 'messages[{at}].role' is required")
    if message["role"] == "user" and not message["content"]:
        raise refuse("invalid request: message must be at least 1 token long or tool results must be specified.")
    if message["role"] == "assistant" and not any(message.get(name) for name in ("content", "tool_calls", "tool_plan")):
        raise refuse(f"invalid request: 'messages[{at}]' must have content or tool calls")


def _calls(messages: list[Message]) -> None:
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise refuse(
                    f"invalid request: tool call id {message['tool_call_id']} not found in previous tool calls"
                )
            waiting.remove(message["tool_call_id"])
            continue
        _nothing_waits(waiting, at)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    _nothing_waits(waiting, len(messages))


def _nothing_waits(waiting: list[str], at: int) -> None:
    if waiting:
        raise refuse(f"invalid request: missing tool results before messages[{at}] for: {', '.join(waiting)}")


def _together(body: dict[str, Any]) -> None:
    if body.get("tool_choice") and not body.get("tools"):
        raise refuse("invalid request: 'tool_choice' can only be specified if 'tools' are specified")
    if body.get("strict_tools") and not body.get("tools"):
        raise refuse("invalid request: 'strict_tools' can only be specified if 'tools' are specified")
    as_json = (body.get("response_format") or {}).get("type") == "json_object"
    if as_json and any(body.get(name) for name in ("tools", "documents")):
        raise refuse("invalid request: 'response_format' of type json_object is not supported with tools or documents")


def _ranges(body: dict[str, Any]) -> None:
    ranges = (
        ("temperature", 0, 1 << 30), ("p", 0.01, 0.99), ("k", 0, 500), ("max_tokens", 0, 1 << 30),
        ("frequency_penalty", 0, 1), ("presence_penalty", 0, 1),
    )  # fmt: skip
    for name, low, high in ranges:
        if body.get(name) is not None and not low <= body[name] <= high:
            raise refuse(f"invalid request: {name} must be between {low} and {high} inclusive.")
    if len(body.get("stop_sequences") or ()) > 5:
        raise refuse("invalid request: 'stop_sequences' must have at most 5 elements")
