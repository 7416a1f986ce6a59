"""Messages of a client's chat, in the form that all dialects share."""

from __future__ import annotations

from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import (
    AnyPart,
    Audio,
    File,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from headgate_openai.chat.thoughts import thought_of

NAME: Final = "openai"
LEGACY: Final = {"legacy": True}
ROLES: Final[dict[str, Role]] = {
    "system": "system", "developer": "developer", "user": "user", "assistant": "assistant", "tool": "tool",
    "function": "tool",
}  # fmt: skip


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
        text_in(ident, f"{where}.tool_call_id"), allowed, value.get("name"), extra=dict(LEGACY) if legacy else {}
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
                return Text(text_in(value["text"], f"{where}.text"), extra=rest_of(value, "type", "text"))
            case "refusal":
                return Refused(text_in(value["refusal"], f"{where}.refusal"))
            case "image_url":
                # Mistral's clients send the address alone, and sound as its base64 alone.
                image = value["image_url"] if isinstance(value["image_url"], dict) else {"url": value["image_url"]}
                return Image(
                    _media(image["url"], f"{where}.image_url.url"),
                    image.get("detail"),
                    extra=rest_of(value, "type", "image_url"),
                )
            case "input_audio":
                sound = value["input_audio"]
                if isinstance(sound, str):
                    return Audio(media=_media(sound, where) if ":" in sound else Media(data=sound))
                form = sound.get("format")
                return Audio(
                    Media(mime=f"audio/{form}", data=sound["data"]), form, extra=rest_of(value, "type", "input_audio")
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
    if data is not None and given.get("file_id") is not None:
        raise NotStrict(f"`{where}.file` has to have `file_data` or `file_id`, not both.", f"{where}.file")
    media = _media(data, f"{where}.file.file_data") if data is not None else Media(file=given.get("file_id"))
    media.name = given.get("filename")
    return File(media, extra=rest_of(value, "type", "file"))


def _media(url: Any, where: str) -> Media:
    """An address, or the data itself as a `data:` URL (RFC 2397)."""
    text = text_in(url, where)
    if not text.startswith("data:"):
        return Media(url=text)
    head, comma, data = text[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise NotStrict(f"`{where}` has to be a URL, or data:TYPE;base64,DATA.", where)
    return Media(mime=head[:-7] or None, data=data)


def _thought(value: dict[str, Any], where: str) -> list[AnyPart]:
    """What the model thought, as OpenRouter tells it, or else as DeepSeek does."""
    details = value.get("reasoning_details")
    said = value.get("reasoning_content") or value.get("reasoning")
    if isinstance(details, list) and details:
        read = [_detail(detail, f"{where}.reasoning_details[{place}]") for place, detail in enumerate(details)]
        if isinstance(said, str) and not any(part.text for part in read):
            # In a stream the words came by themselves, and the proof behind them.
            read[0].text = said
        return [*read]
    return [Reasoning(said)] if isinstance(said, str) and said else []


def _detail(value: Any, where: str) -> Reasoning:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    return thought_of(value)


def _assistant(value: dict[str, Any], where: str) -> list[AnyPart]:
    parts: list[AnyPart] = []
    if value.get("refusal"):
        parts.append(Refused(text_in(value["refusal"], f"{where}.refusal")))
    if isinstance(value.get("audio"), dict):
        parts.append(Audio(Media(), id=value["audio"].get("id")))
    for place, call in enumerate(value.get("tool_calls") or ()):
        parts.append(_call(call, f"{where}.tool_calls[{place}]"))
    if isinstance(value.get("function_call"), dict):
        called = value["function_call"]
        name = text_in(called.get("name"), f"{where}.function_call.name")
        parts.append(ToolCall(name, name, called.get("arguments") or "", extra=dict(LEGACY)))
    return parts


def _call(value: Any, where: str) -> AnyPart:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    function = value.get("function")
    if value.get("type", "function") != "function" or not isinstance(function, dict):
        return Opaque(NAME, value)
    return ToolCall(
        text_in(value.get("id"), f"{where}.id"),
        text_in(function.get("name"), f"{where}.function.name"),
        function.get("arguments") or "",
        extra=rest_of(value, "id", "type", "function", "index"),
    )


def text_in(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NotStrict(f"`{where}` has to be a text.", where)
    return value


def rest_of(value: dict[str, Any], *known: str) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in known}
