"""Settings, tools and what a provider's row adds, written.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. What Converse has no field for goes to
`additionalModelRequestFields` for the families whose own names are known: Claude and Nova.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Chat,
    Content,
    Dropped,
    Endpoint,
    Format,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
)

# What a provider's row may say, and Bedrock's field for it.
OPTIONS: Final = {
    "guardrail_config": "guardrailConfig",
    "performance_config": "performanceConfig",
    "additional_model_response_field_paths": "additionalModelResponseFieldPaths",
}
_TIERS: Final = frozenset({"priority", "default", "flex", "reserved"})
_DROPPED: Final = (
    "seed", "n", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "user", "modalities", "audio",
    "store",
)  # fmt: skip


def write_settings(chat: Chat, content: Content, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """All but messages and tools."""
    made: dict[str, Any] = {
        "inferenceConfig": _some({
            "maxTokens": chat.max_tokens or to.options.get("max_output_tokens"),
            "temperature": chat.temperature,
            "topP": chat.top_p,
            "stopSequences": content.stop or None,
        }),
        "outputConfig": _output(content, dropped),
        "requestMetadata": _metadata(content.metadata, dropped),
        "additionalModelRequestFields": _more(content, to, dropped),
    }  # fmt: skip
    if content.service_tier in _TIERS:
        made["serviceTier"] = {"type": content.service_tier}
    else:
        dropped.drop("service_tier", content.service_tier)
    for name in _DROPPED:
        dropped.drop(name, getattr(content, name))
    for name, value in content.extra.items():
        dropped.drop(name, value)
    made |= {field: to.options[name] for name, field in OPTIONS.items() if name in to.options}
    return {name: value for name, value in made.items() if value}


def _some(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _output(content: Content, dropped: Dropped) -> dict[str, Any]:
    made: dict[str, Any] = {}
    form = content.format
    if form is not None and form.kind == "schema":
        made["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": _schema(form)}}
    elif form is not None and form.kind == "json":
        dropped.drop("response_format", "json_object")
    effort = content.thinking and content.thinking.effort
    if effort and effort != "none":
        made["effort"] = effort
    return made


def _schema(form: Format) -> dict[str, Any]:
    text = msgspec.json.encode(form.schema).decode()
    return _some({"schema": text, "name": form.name, "description": form.description or None})


def _metadata(metadata: dict[str, Any] | None, dropped: Dropped) -> dict[str, str] | None:
    if metadata and len(metadata) <= 16 and all(isinstance(value, str) for value in metadata.values()):
        return metadata
    dropped.drop("metadata", metadata)
    return None


def _more(content: Content, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    given = dict(to.options.get("additional_model_request_fields") or {})
    made: dict[str, Any] = {}
    claude, nova = "anthropic" in to.model, "amazon.nova" in to.model
    if content.top_k is not None and claude:
        made["top_k"] = content.top_k
    elif content.top_k is not None and nova:
        made["inferenceConfig"] = {"topK": content.top_k}
    else:
        dropped.drop("top_k", content.top_k)
    budget = content.thinking and content.thinking.budget_tokens
    if budget and claude:
        made["thinking"] = {"type": "enabled", "budget_tokens": budget}
    else:
        dropped.drop("thinking.budget_tokens", budget)
    return made | given


def write_tools(content: Content, dropped: Dropped) -> dict[str, Any] | None:
    """`toolConfig`. Tools that must not be called are left out, unless the conversation has calls: Bedrock then wants to
    know them, and has no word against calling them. Unsupported for other providers' tools."""
    choice = content.tool_choice
    if content.parallel_tools is False:
        dropped.drop("parallel_tool_calls", value=True)
    if choice is not None and choice.mode == "none":
        if not _has_calls(content):
            return None
        dropped.drop("tool_choice", "none")
    tools = [_tool(tool, f"tools[{at}]", dropped) for at, tool in enumerate(content.tools)]
    if not tools:
        return None
    chosen = _choice(choice) if choice is not None else None
    return {"tools": tools, **({"toolChoice": chosen} if chosen else {})}


def _has_calls(content: Content) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in content.messages for part in message.parts)


def _tool(tool: Any, where: str, dropped: Dropped) -> dict[str, Any]:
    if not isinstance(tool, Tool):
        if tool.dialect != "bedrock":
            raise Unsupported("This tool is run by another provider; Bedrock does not have it.", where)
        value: dict[str, Any] = tool.value
        return value
    for name, extra in tool.extra.items():
        dropped.drop(f"{where}.{name}", extra)
    schema = {"type": "object"} if tool.parameters is None else tool.parameters
    spec = {"name": tool.name, "description": tool.description or None, "inputSchema": {"json": schema}}
    return {"toolSpec": _some({**spec, "strict": tool.strict})}


def _choice(choice: ToolChoice) -> dict[str, Any] | None:
    match choice.mode:
        case "tool":
            return {"tool": {"name": choice.name}}
        case "required":
            return {"any": {}}
        case "auto":
            return {"auto": {}}
        case _:
            return None
