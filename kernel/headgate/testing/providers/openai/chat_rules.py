"""What the Chat Completions API asks of a request beyond its types.

Sources: https://platform.openai.com/docs/api-reference/chat/create (ranges, what goes with what), the guide to function
calling (https://platform.openai.com/docs/guides/function-calling: every call is answered before the model goes on), and
the guide to structured outputs (https://platform.openai.com/docs/guides/structured-outputs).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.testing.providers.asking import refuse
from headgate.testing.providers.openai.refusing import in_range, named_well, strict_schema


def check_rules(body: dict[str, Any], *, include_usage: bool) -> None:
    """Raises Refused with the sentence that OpenAI has for it."""
    _turns(body["messages"])
    _ranges(body)
    _tools(body)
    _stream(body, include_usage)
    _format(body)


def _turns(messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise refuse("Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages")
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            waiting = _answered(waiting, message, at)
            continue
        _nothing_waits(waiting, at - 1)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        _has_content(message, at)
    _nothing_waits(waiting, len(messages) - 1)


def _answered(waiting: list[str], message: dict[str, Any], at: int) -> list[str]:
    if message["tool_call_id"] not in waiting:
        sentence = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
        raise refuse(f"Invalid parameter: {sentence}", param=f"messages.[{at}].role")
    return [each for each in waiting if each != message["tool_call_id"]]


def _nothing_waits(waiting: list[str], at: int) -> None:
    if waiting:
        raise refuse(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param=f"messages.[{at}].role",
        )


def _has_content(message: dict[str, Any], at: int) -> None:
    """An assistant may be silent where it calls, refuses or speaks aloud; an empty list of calls is refused too."""
    if message["role"] != "assistant":
        return
    if message.get("tool_calls") == []:
        where = f"messages[{at}].tool_calls"
        raise refuse(f"Invalid '{where}': empty array. Expected an array with minimum length 1.", param=where)
    if (
        not any(message.get(name) for name in ("tool_calls", "function_call", "audio", "refusal"))
        and message.get("content") is None
    ):
        raise refuse("Invalid value for 'content': expected a string, got null.", param=f"messages.[{at}].content")


def _ranges(body: dict[str, Any]) -> None:
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("n", 1, 128), ("top_logprobs", 0, 20)):
        in_range(body, name, low, high)
    for name in ("presence_penalty", "frequency_penalty"):
        in_range(body, name, -2, 2)
    for name in ("max_tokens", "max_completion_tokens"):
        in_range(body, name, 1)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise refuse("'top_logprobs' can only be used when 'logprobs' is true.", param="top_logprobs")
    if isinstance(body.get("stop"), list) and len(body["stop"]) > 4:
        raise refuse("Invalid 'stop': array too long. Expected an array with maximum length 4.", param="stop")


def _tools(body: dict[str, Any]) -> None:
    if body.get("tools") == []:
        raise refuse("Invalid 'tools': empty array. Expected an array with minimum length 1.", param="tools")
    names = list(_functions(body))
    named_well(names, lambda at: f"tools[{at}].function.name")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not names and not body.get("tools"):
            raise refuse(
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", param=name
            )
    chosen = body.get("tool_choice")
    if isinstance(chosen, dict) and chosen["type"] == "function" and chosen["function"]["name"] not in names:
        name = chosen["function"]["name"]
        raise refuse(f"Tool choice 'function' {name!r} not found in 'tools' parameter.", param="tool_choice")
    for at, tool in enumerate(body.get("tools") or ()):
        if tool["type"] == "function" and tool["function"].get("strict"):
            strict_schema(tool["function"].get("parameters"), f"tools[{at}].function.parameters")


def _functions(body: dict[str, Any]) -> Iterator[str]:
    return (tool["function"]["name"] for tool in body.get("tools") or () if tool["type"] == "function")


def _stream(body: dict[str, Any], include_usage: bool) -> None:
    if body.get("stream_options") is None:
        return
    if not include_usage:
        raise refuse("Unknown parameter: 'stream_options'.", param="stream_options")
    if not body.get("stream"):
        raise refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")


def _format(body: dict[str, Any]) -> None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        raise refuse(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    if wanted.get("type") == "json_schema":
        named_well([wanted["json_schema"]["name"]], lambda _: "response_format.json_schema.name")
        if wanted["json_schema"].get("strict"):
            strict_schema(wanted["json_schema"].get("schema"), "response_format")
