"""What a client's request says, in the form that all dialects share.

Written from https://platform.openai.com/docs/api-reference/responses/create. Fields that say what holds anyway
(`background: false`, `truncation: "disabled"`) are not kept: another dialect loses nothing by them.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import Content, Format, Message, ServerTool, Text, Thinking, Tool, ToolChoice
from headgate_openai.responses.items import turns
from headgate_openai.responses.shapes import NAME, Instructions, rest, text_of

# Fields that have the same name and meaning in `Content`.
PLAIN: Final = ("user", "metadata", "service_tier", "store", "top_logprobs")
ENCRYPTED: Final = "reasoning.encrypted_content"
LOGPROBS: Final = "message.output_text.logprobs"
# What is in a Chat already, or says how to stream.
_ELSEWHERE: Final = frozenset({
    "model", "input", "stream", "stream_options", "max_output_tokens", "temperature", "top_p", "instructions", "tools",
    "parallel_tool_calls", "tool_choice", "text", "reasoning", "include", *PLAIN,
})  # fmt: skip
_HOLDS_ANYWAY: Final[dict[str, object]] = {"background": False, "truncation": "disabled"}


def parse(raw: dict[str, Any]) -> Content:
    """The content of a body. NotStrict."""
    text, choice = _object(raw.get("text"), "text"), _choice(raw.get("tool_choice"))
    include = _texts(raw.get("include"), "include")
    top = raw.get("top_logprobs")
    return Content(
        [*instructions(raw), *(turn for turn, _ in turns(items_of(raw)))],
        tools=[_tool(tool, f"tools[{place}]") for place, tool in enumerate(raw.get("tools") or ())],
        tool_choice=choice,
        parallel_tools=raw.get("parallel_tool_calls"),
        format=_format(text.get("format")),
        thinking=_thinking(raw.get("reasoning")),
        logprobs=True if top or LOGPROBS in include else None,
        extra=_extra(raw, text, include, choice),
        **{name: raw[name] for name in PLAIN if raw.get(name) is not None},
    )


def instructions(raw: dict[str, Any]) -> list[Message]:
    """The field `instructions` as a message; none where it is not given."""
    said = raw.get("instructions")
    return [] if said is None else [Instructions("system", [Text(text=text_of(said, "instructions"))])]


def items_of(raw: dict[str, Any]) -> list[Any]:
    """The input as items: a text is a message of the user."""
    given = raw.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _extra(raw: dict[str, Any], text: dict[str, Any], include: list[str], choice: ToolChoice | None) -> dict[str, Any]:
    extra = {
        name: value for name, value in raw.items()
        if name not in _ELSEWHERE and value is not None and _HOLDS_ANYWAY.get(name, _HOLDS_ANYWAY) != value
    }  # fmt: skip
    extra.update((name, value) for name, value in text.items() if name != "format" and value is not None)
    included = [name for name in include if name not in (ENCRYPTED, LOGPROBS)]
    if included:
        extra["include"] = included
    if choice is None and raw.get("tool_choice") is not None:
        extra["tool_choice"] = raw["tool_choice"]
    return extra


def _tool(value: Any, where: str) -> Tool | ServerTool:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    if value.get("type") != "function":
        return ServerTool(NAME, value)
    return Tool(
        text_of(value.get("name"), f"{where}.name"), value.get("description"), value.get("parameters"),
        value.get("strict"), rest(value, "type", "name", "description", "parameters", "strict"),
    )  # fmt: skip


def _choice(value: Any) -> ToolChoice | None:
    if value in ("auto", "none", "required"):
        return ToolChoice(value)
    if isinstance(value, dict) and value.get("type") == "function" and isinstance(value.get("name"), str):
        return ToolChoice("tool", value["name"])
    return None


def _format(value: Any) -> Format | None:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "json_schema":
        return Format("schema", value.get("name"), value.get("schema"), value.get("strict"), value.get("description"))
    if kind not in ("text", "json_object"):
        raise NotStrict("`text.format` has to be text, json_object or json_schema.", "text.format")
    return Format("text" if kind == "text" else "json")


def _thinking(value: Any) -> Thinking | None:
    fields = _object(value, "reasoning")
    if not fields:
        return None
    shown = fields.get("summary", fields.get("generate_summary"))
    effort = fields.get("effort")
    return Thinking(
        effort=None if effort is None else text_of(effort, "reasoning.effort"),
        shown=True if shown is not None else None,
        extra=rest(fields, "effort", "summary", "generate_summary"),
    )


def _object(value: Any, where: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    return value or {}


def _texts(value: Any, where: str) -> list[str]:
    if value is not None and (not isinstance(value, list) or not all(isinstance(one, str) for one in value)):
        raise NotStrict(f"`{where}` has to be a list of texts.", where)
    return value or []
