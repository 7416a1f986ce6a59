"""What a client's chat says, in the form that all dialects share.

1. What several dialects have becomes a field; what only this one has is kept under its own name in `extra`.
2. The old `functions` are tools with a mark, so that they go back to OpenAI as they came.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import (
    AnyPart,
    Audio,
    Content,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Role,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

NAME: Final = "openai"
LEGACY: Final = {"legacy": True}
ROLES: Final[dict[str, Role]] = {
    "system": "system", "developer": "developer", "user": "user", "assistant": "assistant", "tool": "tool",
    "function": "tool",
}  # fmt: skip
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
    effort = raw.get("reasoning_effort")
    choice = _choice(raw)
    extra = {name: value for name, value in raw.items() if name not in _ELSEWHERE and name not in _READ}
    if choice is None and raw.get("tool_choice") is not None:
        extra["tool_choice"] = raw["tool_choice"]
    return Content(
        [message(value, f"messages[{place}]") for place, value in enumerate(raw["messages"])],
        tools=[*_tools(raw.get("tools")), *_functions(raw.get("functions"))],
        tool_choice=choice,
        parallel_tools=raw.get("parallel_tool_calls"),
        format=_format(raw.get("response_format")),
        stop=_stop(raw.get("stop")),
        thinking=None if effort is None else Thinking(effort=_text(effort, "reasoning_effort")),
        extra=extra,
        **{name: raw[name] for name in PLAIN if raw.get(name) is not None},
    )


# --- messages --------------------------------------------------------------------------------------------------------


def message(value: dict[str, Any], where: str) -> Message:
    """One message. NotStrict."""
    said = value["role"]
    if said not in ROLES:
        raise NotStrict(f"`{where}.role` has to be one of {', '.join(ROLES)}.", f"{where}.role")
    if said in ("tool", "function"):
        return _result(value, where)
    known = {"role", "content", "name"}
    parts: list[AnyPart] = []
    if said == "assistant":
        known |= {
            "tool_calls",
            "refusal",
            "audio",
            "function_call",
            "reasoning_content",
            "reasoning",
            "reasoning_details",
        }
        parts += _thought(value, where)
    parts += content(value.get("content"), f"{where}.content")
    if said == "assistant":
        parts += _assistant(value, where)
    extra = {name: field for name, field in value.items() if name not in known}
    return Message(ROLES[said], parts, value.get("name"), extra)


def _result(value: dict[str, Any], where: str) -> Message:
    """What a tool gave; `function` is the old form, which knows the tool by its name alone."""
    legacy = value["role"] == "function"
    ident = value.get("name") if legacy else value.get("tool_call_id")
    parts = content(value.get("content"), f"{where}.content")
    allowed = [part for part in parts if isinstance(part, (Text, Image, Audio, File, Opaque))]
    result = ToolResult(
        _text(ident, f"{where}.tool_call_id"), allowed, value.get("name"), extra=dict(LEGACY) if legacy else {}
    )
    extra = {name: field for name, field in value.items() if name not in ("role", "content", "name", "tool_call_id")}
    return Message("tool", [result], None, extra)


def content(value: Any, where: str) -> list[AnyPart]:
    """A text, or a list of parts; nothing where there is none."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list):
        raise NotStrict(f"`{where}` has to be a text or a list of parts.", where)
    return [_part(part, f"{where}[{place}]") for place, part in enumerate(value)]


def _part(value: Any, where: str) -> AnyPart:
    kind = value.get("type") if isinstance(value, dict) else None
    try:
        match kind:
            case "text":
                return Text(_text(value["text"], f"{where}.text"), extra=_rest(value, "type", "text"))
            case "refusal":
                return Refused(_text(value["refusal"], f"{where}.refusal"))
            case "image_url":
                # Mistral's clients send the address alone, and sound as its base64 alone.
                image = value["image_url"] if isinstance(value["image_url"], dict) else {"url": value["image_url"]}
                return Image(
                    _media(image["url"], f"{where}.image_url.url"),
                    image.get("detail"),
                    extra=_rest(value, "type", "image_url"),
                )
            case "input_audio":
                sound = value["input_audio"]
                if isinstance(sound, str):
                    return Audio(media=_media(sound, where) if ":" in sound else Media(data=sound))
                form = sound.get("format")
                return Audio(
                    Media(mime=f"audio/{form}", data=sound["data"]), form, extra=_rest(value, "type", "input_audio")
                )
            case "file":
                return _file(value, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise NotStrict(f"`{where}` is no part of the type {kind}: {error} is missing or wrong.", where) from None
    if not isinstance(kind, str):
        raise NotStrict(f"`{where}` has to be an object with a `type`.", where)
    return Opaque(NAME, value)


def _file(value: dict[str, Any], where: str) -> File:
    given = value["file"]
    data = given.get("file_data")
    media = _media(data, f"{where}.file.file_data") if data is not None else Media(file=given.get("file_id"))
    media.name = given.get("filename")
    return File(media, extra=_rest(value, "type", "file"))


def _media(url: Any, where: str) -> Media:
    """An address, or the data itself as a `data:` URL (RFC 2397)."""
    text = _text(url, where)
    if not text.startswith("data:"):
        return Media(url=text)
    head, comma, data = text[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise NotStrict(f"`{where}` has to be a URL, or data:TYPE;base64,DATA.", where)
    return Media(mime=head[:-7] or None, data=data)


def _thought(value: dict[str, Any], where: str) -> list[AnyPart]:
    """What the model thought, as OpenRouter tells it, or else as DeepSeek does."""
    details = value.get("reasoning_details")
    if isinstance(details, list) and details:
        return [_detail(detail, f"{where}.reasoning_details[{place}]") for place, detail in enumerate(details)]
    said = value.get("reasoning_content") or value.get("reasoning")
    return [Reasoning(said)] if isinstance(said, str) and said else []


def _detail(value: Any, where: str) -> Reasoning:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    summary = value.get("type") == "reasoning.summary"
    text = value.get("summary") if summary else value.get("text")
    return Reasoning(
        text or "", signature=value.get("signature"), sealed=value.get("data"), id=value.get("id"), summary=summary
    )


def _assistant(value: dict[str, Any], where: str) -> list[AnyPart]:
    parts: list[AnyPart] = []
    if value.get("refusal"):
        parts.append(Refused(_text(value["refusal"], f"{where}.refusal")))
    if isinstance(value.get("audio"), dict):
        parts.append(Audio(Media(), id=value["audio"].get("id")))
    for place, call in enumerate(value.get("tool_calls") or ()):
        parts.append(_call(call, f"{where}.tool_calls[{place}]"))
    if isinstance(value.get("function_call"), dict):
        called = value["function_call"]
        name = _text(called.get("name"), f"{where}.function_call.name")
        parts.append(ToolCall(name, name, called.get("arguments") or "", extra=dict(LEGACY)))
    return parts


def _call(value: Any, where: str) -> AnyPart:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    function = value.get("function")
    if value.get("type", "function") != "function" or not isinstance(function, dict):
        return Opaque(NAME, value)
    return ToolCall(
        _text(value.get("id"), f"{where}.id"),
        _text(function.get("name"), f"{where}.function.name"),
        function.get("arguments") or "",
        extra=_rest(value, "id", "type", "function", "index"),
    )


# --- the rest --------------------------------------------------------------------------------------------------------


def _tools(value: Any) -> list[Tool | ServerTool]:
    tools: list[Tool | ServerTool] = []
    for place, tool in enumerate(value or ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(tool, dict):
            raise NotStrict(f"`tools[{place}]` has to be an object.", f"tools[{place}]")
        if tool.get("type") != "function" or not isinstance(function, dict):
            tools.append(ServerTool(NAME, tool))
            continue
        tools.append(_tool(function, f"tools[{place}].function", _rest(tool, "type", "function")))
    return tools


def _functions(value: Any) -> list[Tool]:
    return [_tool(function, f"functions[{place}]", dict(LEGACY)) for place, function in enumerate(value or ())]


def _tool(function: dict[str, Any], where: str, extra: dict[str, Any]) -> Tool:
    name = _text(function.get("name"), f"{where}.name")
    more = _rest(function, "name", "description", "parameters", "strict")
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


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NotStrict(f"`{where}` has to be a text.", where)
    return value


def _rest(value: dict[str, Any], *known: str) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in known}
