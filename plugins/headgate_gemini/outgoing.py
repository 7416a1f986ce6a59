"""Parts of a content, written: https://ai.google.dev/api/caching#Part."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import (
    AnyPart,
    Dropped,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from headgate_gemini import ids
from headgate_gemini.media import write_media
from headgate_gemini.parts import response_parts

_objects = msgspec.json.Decoder(dict[str, Any])
# What parsing puts into `extra` for itself.
_NOTES = frozenset({"named", "response", "id", "willContinue", "scheduling"})


def write_part(
    part: AnyPart, where: str, called: dict[str, str], dropped: Dropped, *, own: bool
) -> dict[str, Any] | None:
    """One part; None where there is nothing to say. `called` has the names of calls by their ids. Unsupported.

    `own`: it came from a client of this dialect, so `extra` is Google's.
    """
    kept = {name: value for name, value in part.extra.items() if name not in _NOTES} if own else {}
    match part:
        case Text():
            if not own:
                dropped.drop(f"{where}.citations", part.citations)
                if not part.text:
                    return None
            return {"text": part.text, **kept}
        case Refused():
            return {"text": part.text, **kept}
        case Reasoning():
            return _reasoning(part, where, kept, dropped, own=own)
        case ToolCall():
            return {**write_call(part, where), **kept}
        case ToolResult():
            return {"functionResponse": _result(part, where, called, own=own), **kept}
        case Opaque():
            if part.dialect != "gemini":
                raise Unsupported("Gemini has no way to say what only another provider knows.", where)
            return part.value
        case _:
            return {**write_media(part, where), **kept}


def _reasoning(
    part: Reasoning, where: str, kept: dict[str, Any], dropped: Dropped, *, own: bool
) -> dict[str, Any] | None:
    """Thoughts go back only to whom they came from: another model's are no use, and its proof would be refused."""
    if not own:
        dropped.drop(f"{where}.reasoning", value=True)
        return None
    signed = {"thoughtSignature": part.signature} if part.signature else {}
    return {"text": part.text, "thought": True, **signed, **kept}


def write_call(part: ToolCall, where: str) -> dict[str, Any]:
    """A call with the signature that its id carries."""
    own, signature = ids.unpack(part.id)
    made: dict[str, Any] = {"functionCall": {**({"id": own} if own else {}), "name": part.name}}
    made["functionCall"]["args"] = arguments(part.arguments, where)
    return made | ({"thoughtSignature": signature} if signature else {})


def arguments(text: str, where: str) -> dict[str, Any] | msgspec.Raw:
    """The arguments of a call, exactly as the model wrote them; Google wants an object."""
    if not text.strip():
        return {}
    try:
        _objects.decode(text)
    except msgspec.DecodeError:
        raise Unsupported("Gemini takes the arguments of a call only as a JSON object.", where) from None
    return msgspec.Raw(msgspec.json.format(text.encode(), indent=-1))


def _result(part: ToolResult, where: str, called: dict[str, str], *, own: bool) -> dict[str, Any]:
    name = called.get(part.id) or part.name
    if name is None:
        raise Unsupported(f"No call before this has the id `{part.id}`, and Gemini has to be told its name.", where)
    ident = part.extra.get("id") if own else ids.unpack(part.id).own
    made: dict[str, Any] = {**({"id": ident} if ident else {}), "name": name, "response": _response(part, own=own)}
    media = [write_part(one, where, {}, Dropped(), own=own) for one in part.parts if not isinstance(one, Text)]
    if media:
        made["parts"] = media
    if own:
        made |= {key: part.extra[key] for key in ("willContinue", "scheduling") if key in part.extra}
    return made


def _response(part: ToolResult, *, own: bool) -> Any:
    texts = [one for one in part.parts if isinstance(one, Text)]
    if own and response_parts(part.extra.get("response")) == (texts, part.failed):
        return part.extra.get("response")
    text = "".join(one.text for one in texts)
    if part.failed:
        return {"error": text}
    try:
        return _objects.decode(text)
    except msgspec.DecodeError:
        return {"output": text}
