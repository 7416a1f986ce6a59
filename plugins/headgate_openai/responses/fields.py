"""Everything of a chat but its items, in this dialect's words.

1. A parameter that there is none for is left out, and named.
2. What OpenAI does unless told otherwise, and other dialects do not, is told: nothing is kept (`store`), and a tool's
   schema is not strict (https://platform.openai.com/docs/guides/migrate-to-responses).
3. OpenAI's two dialects name some parameters alike, which no other dialect has: these travel between the two.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api.ai import Content, Dropped, Format, Reasoning, ServerTool, Thinking, Tool, ToolChoice, Unsupported
from headgate_openai.chat.messages import NAME as CHAT
from headgate_openai.chat.settings import SHARED
from headgate_openai.responses.reading import ENCRYPTED, LOGPROBS, PLAIN
from headgate_openai.responses.shapes import NAME, OWN_THOUGHT, Instructions

_NOWHERE: Final = ("stop", "seed", "top_k", "presence_penalty", "frequency_penalty", "audio")
# How much thinking a bound in tokens means.
_EFFORTS: Final = ((2_000, "low"), (10_000, "medium"))


def render_content(content: Content, came: str, dropped: Dropped) -> dict[str, Any]:
    """The fields. Unsupported."""
    own = came == NAME
    body: dict[str, Any] = {name: getattr(content, name) for name in PLAIN if getattr(content, name) is not None}
    if content.tools:
        body["tools"] = [_tool(tool, own=own) for tool in content.tools]
    if content.tool_choice is not None:
        body["tool_choice"] = _choice(content.tool_choice)
    if content.parallel_tools is not None:
        body["parallel_tool_calls"] = content.parallel_tools
    if content.format is not None:
        body["text"] = {"format": _format(content.format)}
    _thinking(body, content.thinking, dropped)
    if own:
        _own(body, content)
    else:
        _others(body, content, came, dropped)
    return body


def _own(body: dict[str, Any], content: Content) -> None:
    extra = dict(content.extra)
    if "verbosity" in extra:
        body["text"] = {**body.get("text", {}), "verbosity": extra.pop("verbosity")}
    body.update(extra)
    said = [one for one in content.messages if isinstance(one, Instructions)]
    if said:
        body["instructions"] = said[0].text


def _others(body: dict[str, Any], content: Content, came: str, dropped: Dropped) -> None:
    body["store"] = bool(content.store)
    include = _include(content)
    if include:
        body["include"] = include
    for name in _NOWHERE:
        dropped.drop(name, getattr(content, name))
    dropped.drop("n", content.n if content.n != 1 else None)
    dropped.drop("modalities", content.modalities if content.modalities != ["text"] else None)
    shared = SHARED if came == CHAT else ()
    for name, value in content.extra.items():
        if name not in shared:
            dropped.names.append(name)
        elif name == "verbosity":
            body["text"] = {**body.get("text", {}), "verbosity": value}
        else:
            body[name] = value


def _include(content: Content) -> list[str]:
    """What has to be asked for: reasoning that can be brought back, where there is or may be some, and probabilities."""
    held = any(
        isinstance(part, Reasoning) and (part.id or "").startswith(OWN_THOUGHT)
        for message in content.messages for part in message.parts
    )  # fmt: skip
    return [ENCRYPTED] * (held or content.thinking is not None) + [LOGPROBS] * bool(content.logprobs)


def _tool(tool: Tool | ServerTool, *, own: bool) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        if not own or tool.dialect != NAME:
            raise Unsupported(f"The tool `{tool.value.get('type', '?')}` is run by {tool.dialect} alone.", "tools")
        return tool.value
    body: dict[str, Any] = {"type": "function", "name": tool.name}
    for name in ("description", "parameters", "strict"):
        value = getattr(tool, name)
        if value is not None:
            body[name] = value
    if own:
        return {**body, **tool.extra}
    return {**body, "parameters": tool.parameters, "strict": bool(tool.strict)}


def _choice(choice: ToolChoice) -> Any:
    return {"type": "function", "name": choice.name} if choice.mode == "tool" else choice.mode


def _format(wanted: Format) -> dict[str, Any]:
    if wanted.kind != "schema":
        return {"type": "text" if wanted.kind == "text" else "json_object"}
    body: dict[str, Any] = {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema}
    for name in ("strict", "description"):
        if getattr(wanted, name) is not None:
            body[name] = getattr(wanted, name)
    return body


def _thinking(body: dict[str, Any], thinking: Thinking | None, dropped: Dropped) -> None:
    if thinking is None:
        return
    effort = thinking.effort
    if effort is None and thinking.budget_tokens is not None:
        effort = next((word for most, word in _EFFORTS if thinking.budget_tokens <= most), "high")
    fields: dict[str, Any] = {} if effort is None else {"effort": effort}
    if thinking.shown:
        fields["summary"] = "auto"
    if fields:
        body["reasoning"] = fields
    dropped.drop("thinking", thinking.extra)
