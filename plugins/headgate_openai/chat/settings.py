"""Everything of a chat but its messages, in OpenAI's words. A parameter that has no word here is left out and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headgate.api.ai import Content, Dropped, Format, ServerTool, Tool, ToolChoice, Unsupported
from headgate_openai.chat.messages import NAME
from headgate_openai.chat.reading import PLAIN

# The other dialect of OpenAI, and what it names as this one does, which no other dialect has.
RESPONSES: Final = "openai-responses"
SHARED: Final = ("verbosity", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")


def render_content(content: Content, came: str, options: Mapping[str, Any], dropped: Dropped) -> dict[str, Any]:
    """Everything but the messages. Unsupported."""
    own = came == NAME
    body: dict[str, Any] = {}
    if content.bare:
        return body
    tools = [tool for tool in content.tools if not (isinstance(tool, Tool) and _legacy(tool, own=own))]
    legacy = [tool for tool in content.tools if isinstance(tool, Tool) and _legacy(tool, own=own)]
    if tools:
        body["tools"] = [_tool(tool, own=own) for tool in tools]
    if legacy:
        body["functions"] = [_function(tool) for tool in legacy]
    if content.tool_choice is not None:
        body["function_call" if legacy else "tool_choice"] = _choice(content.tool_choice, legacy=bool(legacy))
    if content.parallel_tools is not None:
        body["parallel_tool_calls"] = content.parallel_tools
    if content.format is not None:
        body["response_format"] = _format(content.format)
    if content.stop:
        body["stop"] = content.stop
    for name in PLAIN:
        value = getattr(content, name)
        if value is not None and (own or name != "top_k" or options.get("top_k")):
            body[name] = value
        elif value is not None:
            dropped.drop(name, value)
    _thinking(body, content, own=own, dropped=dropped)
    if own:
        body.update(content.extra)
    elif came == RESPONSES:
        body.update((name, value) for name, value in content.extra.items() if name in SHARED)
        dropped.names += [name for name in content.extra if name not in SHARED]
    else:
        dropped.names += content.extra
    return body


def _legacy(tool: Tool, *, own: bool) -> bool:
    return own and tool.extra.get("legacy") is True


def _tool(tool: Tool | ServerTool, *, own: bool) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        if not own or tool.dialect != NAME:
            raise Unsupported(f"The tool `{tool.value.get('type', '?')}` is run by {tool.dialect} alone.", "tools")
        return tool.value
    extra = {name: value for name, value in tool.extra.items() if name != "function"} if own else {}
    return {"type": "function", "function": _function(tool, own=own), **extra}


def _function(tool: Tool, *, own: bool = True) -> dict[str, Any]:
    body: dict[str, Any] = {"name": tool.name}
    for name in ("description", "parameters", "strict"):
        value = getattr(tool, name)
        if value is not None:
            body[name] = value
    return {**body, **(tool.extra.get("function", {}) if own else {})}


def _choice(choice: ToolChoice, *, legacy: bool) -> Any:
    if choice.mode != "tool":
        return choice.mode
    return {"name": choice.name} if legacy else {"type": "function", "function": {"name": choice.name}}


def _format(wanted: Format) -> dict[str, Any]:
    if wanted.kind == "text":
        return {"type": "text"}
    if wanted.kind == "json":
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}
    for name in ("strict", "description"):
        if getattr(wanted, name) is not None:
            schema[name] = getattr(wanted, name)
    return {"type": "json_schema", "json_schema": schema}


# How much thinking a bound in tokens means, as OpenRouter reads its own words: high is four fifths of the answer.
_EFFORTS: Final = ((2_000, "low"), (10_000, "medium"))


def _thinking(body: dict[str, Any], content: Content, *, own: bool, dropped: Dropped) -> None:
    thinking = content.thinking
    if thinking is None:
        return
    effort = thinking.effort
    if effort is None and thinking.budget_tokens is not None:
        effort = next((word for most, word in _EFFORTS if thinking.budget_tokens <= most), "high")
    if effort is not None:
        body["reasoning_effort"] = effort
    if not own:
        dropped.drop("thinking", thinking.extra)
