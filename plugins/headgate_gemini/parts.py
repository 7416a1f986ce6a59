"""Parts of a content, read: https://ai.google.dev/api/caching#Part."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import AnyPart, Audio, File, Image, Media, Opaque, Reasoning, Text, ToolCall, ToolResult, carried
from headgate_gemini import names
from headgate_gemini.calls import Calls
from headgate_gemini.media import media_part

# What has a field of its own in the part that is made of it; everything else is kept beside it.
_STANDARD = str.maketrans("-_", "+/")
_TAKEN = ("text", "thought", "inlineData", "fileData", "functionCall", "functionResponse")


def parse_part(part: dict[str, Any], where: str, calls: Calls) -> AnyPart:
    """One part, its names read by `names.PART`. NotStrict."""
    extra = {name: value for name, value in part.items() if name not in _TAKEN}
    if "functionCall" in part:
        return _call(part, where, calls, extra)
    if "functionResponse" in part:
        return _result(names.RESULT.read(part["functionResponse"], f"{where}.functionResponse"), calls, extra, where)
    if "inlineData" in part or "fileData" in part:
        return _media(part, where, extra)
    if not isinstance(part.get("text"), str):
        return Opaque(dialect="gemini", value=part)
    if part.get("thought"):
        signature = extra.pop("thoughtSignature", None)
        foreign = carried(_text_of(signature), part["text"])
        if foreign is not None:
            return foreign
        return Reasoning(text=part["text"], signature=signature, summary=True, extra=extra)
    return Text(text=part["text"], extra=extra)


def _text_of(signature: object) -> str:
    """What a proof of another provider was carried in; empty where it is Google's."""
    try:
        return base64.b64decode(str(signature or "").replace("-", "+").replace("_", "/")).decode()
    except ValueError:
        return ""


def _call(part: dict[str, Any], where: str, calls: Calls, extra: dict[str, Any]) -> ToolCall:
    read = names.CALL.read(part["functionCall"], f"{where}.functionCall")
    name, args = read.get("name"), read.get("args")
    if not isinstance(name, str) or not name:
        raise NotStrict(f"`{where}.functionCall.name` has to be the name of a function.", f"{where}.functionCall.name")
    if args is not None and not isinstance(args, dict):
        raise NotStrict(f"`{where}.functionCall.args` has to be an object.", f"{where}.functionCall.args")
    if part.get("thought"):
        extra["thought"] = True
    ident = calls.call(read.get("id"), extra.pop("thoughtSignature", None), name)
    return ToolCall(id=ident, name=name, arguments=msgspec.json.encode(args or {}).decode(), extra=extra)


def _result(read: dict[str, Any], calls: Calls, extra: dict[str, Any], where: str) -> ToolResult:
    name = read.get("name")
    if not isinstance(name, str) or not name:
        place = f"{where}.functionResponse.name"
        raise NotStrict(f"`{place}` has to be the name of a function.", place)
    parts, failed = response_parts(read.get("response"))
    for at, one in enumerate(read.get("parts") or []):
        place = f"{where}.functionResponse.parts[{at}]"
        parts.append(_media(names.PART.read(one, place), place, {}))
    if read.get("id"):
        extra["id"] = read["id"]
    extra["response"] = read.get("response")
    extra |= {key: one for key, one in read.items() if key not in ("id", "name", "response", "parts")}
    return ToolResult(id=calls.result(read.get("id"), name), parts=parts, name=name, failed=failed, extra=extra)


def response_parts(response: object) -> tuple[list[Text | Image | Audio | File | Opaque], bool]:
    """What a function gave, as text, and whether it failed: `output` and `error` are Google's names for either."""
    if not isinstance(response, dict) or not response:
        return [], False
    failed = "error" in response and len(response) == 1
    value = response["error"] if failed else response["output"] if [*response] == ["output"] else response
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return [Text(text=text)], failed


def _media(part: dict[str, Any], where: str, extra: dict[str, Any]) -> Image | Audio | File | Opaque:
    kind = "inlineData" if "inlineData" in part else "fileData"
    if kind not in part:
        return Opaque(dialect="gemini", value=part)
    read = names.BLOB.read(part[kind], f"{where}.{kind}")
    value = read.get("data" if kind == "inlineData" else "fileUri")
    if not isinstance(value, str):
        raise NotStrict(f"`{where}.{kind}` has to hold what it is about as text.", f"{where}.{kind}")
    if read.get("displayName"):
        extra = {**extra, "named": True}
    # Google takes either alphabet of base64, and its own library sends the one for addresses; nobody else takes that.
    place = {"data": value.translate(_STANDARD)} if kind == "inlineData" else {"url": value}
    return media_part(Media(mime=read.get("mimeType"), name=read.get("displayName"), **place), extra)
