"""What a client's chat says, in the form that all dialects share.

1. What several dialects have becomes a field; what only this one has is kept under its own name in `extra`.
2. The old `functions` are tools with a mark, so that they go back to OpenAI as they came.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import Content, Format, ServerTool, Thinking, Tool, ToolChoice
from headgate_openai.chat.messages import LEGACY, NAME, message, rest_of, text_in

# Fields that have the same name and meaning in `Content`.
PLAIN: Final = (
    "seed", "top_k", "n", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "user", "modalities", "audio",
    "metadata", "service_tier", "store",
)  # fmt: skip
# What is in a Chat already, or says how to stream.
_ELSEWHERE: Final = frozenset({
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
})  # fmt: skip
_READ: Final = frozenset({
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "stop", "reasoning_effort", "functions",
    "function_call", *PLAIN,
})  # fmt: skip


def parse(raw: dict[str, Any]) -> Content:
    """The content of a body. NotStrict."""
    messages = [message(value, f"messages[{place}]") for place, value in enumerate(raw["messages"])]
    if raw.keys() <= _ELSEWHERE:
        return Content(messages)
    effort = raw.get("reasoning_effort")
    choice = _choice(raw)
    extra = {name: value for name, value in raw.items() if name not in _ELSEWHERE and name not in _READ}
    if choice is None and raw.get("tool_choice") is not None:
        extra["tool_choice"] = raw["tool_choice"]
    return Content(
        messages,
        tools=[*_tools(raw.get("tools")), *_functions(raw.get("functions"))],
        tool_choice=choice,
        parallel_tools=raw.get("parallel_tool_calls"),
        format=_format(raw.get("response_format")),
        stop=_stop(raw.get("stop")),
        thinking=None if effort is None else Thinking(effort=text_in(effort, "reasoning_effort")),
        extra=extra,
        **{name: raw[name] for name in PLAIN if raw.get(name) is not None},
    )


def _tools(value: Any) -> list[Tool | ServerTool]:
    tools: list[Tool | ServerTool] = []
    for place, tool in enumerate(value or ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(tool, dict):
            raise NotStrict(f"`tools[{place}]` has to be an object.", f"tools[{place}]")
        if tool.get("type") != "function" or not isinstance(function, dict):
            tools.append(ServerTool(NAME, tool))
            continue
        tools.append(_tool(function, f"tools[{place}].function", rest_of(tool, "type", "function")))
    return tools


def _functions(value: Any) -> list[Tool]:
    return [_tool(function, f"functions[{place}]", dict(LEGACY)) for place, function in enumerate(value or ())]


def _tool(function: dict[str, Any], where: str, extra: dict[str, Any]) -> Tool:
    name = text_in(function.get("name"), f"{where}.name")
    more = rest_of(function, "name", "description", "parameters", "strict")
    return Tool(
        name, function.get("description"), function.get("parameters"), function.get("strict"),
        {**extra, **({"function": more} if more else {})},
    )  # fmt: skip


def _choice(raw: dict[str, Any]) -> ToolChoice | None:
    value = raw.get("tool_choice", raw.get("function_call"))
    if value in ("auto", "none", "required"):
        return ToolChoice(value)
    if value == "any":
        return ToolChoice("required")
    if isinstance(value, dict):
        function = value.get("function", value)
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            return ToolChoice("tool", function["name"])
    return None


def _format(value: Any) -> Format | None:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return Format("text")
    if kind == "json_object":
        return Format("json")
    schema = value.get("json_schema") if kind == "json_schema" else None
    if not isinstance(schema, dict):
        raise NotStrict(
            "`response_format` has to be text, json_object, or json_schema with a `json_schema`.", "response_format"
        )
    return Format("schema", schema.get("name"), schema.get("schema"), schema.get("strict"), schema.get("description"))


def _stop(value: Any) -> list[str]:
    if value is None:
        return []
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise NotStrict("`stop` has to be a text, or a list of texts.", "stop")
    return texts
