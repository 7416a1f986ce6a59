"""A chat that came in another dialect, or that a line changed, in OpenAI's words.

1. What tools gave are messages of their own here, right behind the call; pictures among it, for which such a message has
   no place, follow in a message of the user.
2. A document that is plain text becomes a text. What has no place at all is `Unsupported`; a parameter is left out and
   named.
3. Thoughts go back only under the name that the provider's row gives (`reasoning`), or to a client's own provider.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headgate.api.ai import (
    AnyPart,
    Audio,
    Content,
    Dropped,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    ServerTool,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
)
from headgate_openai.chat.reading import NAME, PLAIN

_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}

# The other dialect of OpenAI, and what it names as this one does, which no other dialect has.
RESPONSES: Final = "openai-responses"
SHARED: Final = ("verbosity", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")


# --- messages --------------------------------------------------------------------------------------------------------


def render_message(said: Message, came: str, options: Mapping[str, Any], dropped: Dropped) -> list[dict[str, Any]]:
    """One turn as the messages that it takes here. `came` is the dialect it came in. Unsupported."""
    own = came == NAME
    results = [part for part in said.parts if isinstance(part, ToolResult)]
    rest = [part for part in said.parts if not isinstance(part, ToolResult)]
    made: list[dict[str, Any]] = []
    for result in results:
        made.append(_result(result, said if said.role == "tool" else None, own=own))
        if not own:
            rest += [part for part in result.parts if not isinstance(part, Text)]
    if not own:
        dropped.drop("messages.extra", said.extra or [part.extra for part in said.parts if part.extra])
    if rest and said.role == "assistant":
        made.append(_assistant(said, rest, own=own, options=options, dropped=dropped))
    elif rest or not results:
        role = "user" if said.role == "tool" else said.role
        if role == "developer" and options.get("developer") is False:
            role = "system"
        body: dict[str, Any] = {"role": role, "content": _content(rest, own=own)}
        made.append(_named(body, said, own=own))
    return made


def _named(body: dict[str, Any], said: Message, *, own: bool) -> dict[str, Any]:
    if said.name is not None:
        body["name"] = said.name
    return {**body, **(said.extra if own else {})}


def _result(result: ToolResult, said: Message | None, *, own: bool) -> dict[str, Any]:
    shown = result.parts if own else [part for part in result.parts if isinstance(part, Text)]
    content = _content(shown, own=own) if shown else ""
    if result.extra.get("legacy") and own:
        return {"role": "function", "name": result.id, "content": content}
    body: dict[str, Any] = {"role": "tool", "tool_call_id": result.id, "content": content}
    if own and result.name is not None:
        body["name"] = result.name
    return {**body, **(said.extra if own and said is not None else {})}


def _assistant(
    said: Message, parts: Sequence[AnyPart], *, own: bool, options: Mapping[str, Any], dropped: Dropped
) -> dict[str, Any]:
    body: dict[str, Any] = {"role": "assistant"}
    words = [part for part in parts if isinstance(part, (Text, Image, File)) or (isinstance(part, Refused) and not own)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    opaque = [part for part in parts if isinstance(part, Opaque)]
    if words:
        body["content"] = _content([Text(part.text) if isinstance(part, Refused) else part for part in words], own=own)
    elif not calls and not opaque:
        body["content"] = ""
    for part in parts:
        if isinstance(part, Refused) and own:
            body["refusal"] = part.text
        elif isinstance(part, Audio) and part.id is not None:
            body["audio"] = {"id": part.id}
    plain = [_call(call, own=own) for call in calls if not (call.extra.get("legacy") and own)]
    plain += [_own(part, own=own) for part in opaque]
    if plain:
        body["tool_calls"] = plain
    for call in calls:
        if call.extra.get("legacy") and own:
            body["function_call"] = {"name": call.name, "arguments": call.arguments}
    _thoughts(body, [part for part in parts if isinstance(part, Reasoning)], own=own, options=options, dropped=dropped)
    return _named(body, said, own=own)


def _thoughts(
    body: dict[str, Any], thoughts: list[Reasoning], *, own: bool, options: Mapping[str, Any], dropped: Dropped
) -> None:
    if not thoughts:
        return
    text = "".join(part.text for part in thoughts)
    if own:
        body["reasoning_content"] = text
        if any(part.signature or part.sealed or part.id or part.summary for part in thoughts):
            body["reasoning_details"] = [detail(part) for part in thoughts]
    elif options.get("reasoning"):
        body[options["reasoning"]] = text
        if options.get("proofs") and any(part.signature for part in thoughts):
            body["reasoning_details"] = [detail(part) for part in thoughts]
    else:
        dropped.drop("reasoning", text or [part.sealed for part in thoughts])


def detail(part: Reasoning) -> dict[str, Any]:
    """A thought as OpenRouter tells it: https://openrouter.ai/docs/use-cases/reasoning-tokens."""
    if part.sealed is not None:
        body: dict[str, Any] = {"type": "reasoning.encrypted", "data": part.sealed}
    elif part.summary:
        body = {"type": "reasoning.summary", "summary": part.text}
    else:
        body = {"type": "reasoning.text", "text": part.text}
    for name, value in (("signature", part.signature), ("id", part.id)):
        if value is not None:
            body[name] = value
    return body


def _call(call: ToolCall, *, own: bool) -> dict[str, Any]:
    body = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return {**body, **(call.extra if own else {})}


# --- parts -----------------------------------------------------------------------------------------------------------


def _content(parts: list[Any], *, own: bool) -> Any:
    """A text where it is one, which every server takes; else a list."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text) and not (own and parts[0].extra):
        return parts[0].text
    return [_part(part, own=own) for part in parts]


def _part(part: AnyPart, *, own: bool) -> dict[str, Any]:
    extra = part.extra if own else {}
    match part:
        case Text(text=text):
            return {"type": "text", "text": text, **extra}
        case Refused(text=text):
            return {"type": "refusal", "refusal": text}
        case Image(media=media, detail=size):
            if media.file is not None:
                raise Unsupported(
                    "A picture that is a provider's file cannot be sent to a provider of this kind.", "messages"
                )
            return {
                "type": "image_url",
                "image_url": {"url": _url(media), **({"detail": size} if size else {})},
                **extra,
            }
        case Audio(media=media, format=form):
            form = form or _FORMATS.get(media.mime or "")
            if media.data is None or form is None:
                raise Unsupported("Sound has to be sent as data, in wav or mp3.", "messages")
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}, **extra}
        case File():
            return _file(part, extra)
        case Opaque():
            return _own(part, own=own)
    raise Unsupported(f"A {part.__struct_config__.tag} has no place in this message.", "messages")


def _own(part: Opaque, *, own: bool) -> dict[str, Any]:
    if not own or part.dialect != NAME:
        kind = part.value.get("type", "part")
        raise Unsupported(f"`{kind}` is known to {part.dialect} alone.", "messages")
    return part.value


def _file(part: File, extra: dict[str, Any]) -> dict[str, Any]:
    media = part.media
    if media.file is not None:
        given: dict[str, Any] = {"file_id": media.file}
    elif media.data is None:
        raise Unsupported("A file has to be sent as its data; an address is not taken here.", "messages")
    elif (media.mime or "").startswith("text/"):
        return {"type": "text", "text": _plain(media.data)}
    else:
        given = {"filename": media.name or part.title or "file", "file_data": _url(media)}
    if media.file is not None and media.name is not None:
        given["filename"] = media.name
    return {"type": "file", "file": given, **extra}


def _plain(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unsupported("A text file is not base64 of UTF-8.", "messages") from None


def _url(media: Media) -> str:
    return (
        media.url if media.url is not None else f"data:{media.mime or 'application/octet-stream'};base64,{media.data}"
    )


# --- the rest --------------------------------------------------------------------------------------------------------


def render_content(content: Content, came: str, options: Mapping[str, Any], dropped: Dropped) -> dict[str, Any]:
    """Everything but the messages. Unsupported."""
    own = came == NAME
    body: dict[str, Any] = {}
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
