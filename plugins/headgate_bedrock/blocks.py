"""Messages and their parts, written as Bedrock has them.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html

1. Messages of one role that follow one another become one: Bedrock wants them to alternate. Results of calls are the
   user's.
2. What the operator says (system and developer messages) goes to `system`, in its order, wherever it stood.
3. Bedrock refuses blocks of text without text: they are left out, and messages in which nothing is left.
4. Thoughts go back with their proof, which is good wherever Claude runs
   (https://platform.claude.com/docs/en/build-with-claude/extended-thinking). Without one they are left out, and so are
   another family's.
5. An id of a call that Bedrock would refuse is replaced by its hash, with the call and with its result.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec

from headgate.api.ai import (
    AnyPart,
    Chat,
    Dropped,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from headgate_bedrock.media import write_media

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}", re.ASCII)
_objects = msgspec.json.Decoder(dict[str, Any])
# Whose proofs are no use to a model here.
_STRANGERS: Final = frozenset({"gemini", "responses"})


def write_messages(chat: Chat, dropped: Dropped) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`system` and `messages`. Unsupported."""
    system: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for at, message in enumerate(chat.content().messages):
        where = f"messages[{at}]"
        dropped.drop(f"{where}.name", message.name)
        blocks = [
            block
            for place, part in enumerate(message.parts)
            if (block := write_part(part, f"{where}.content[{place}]", chat, dropped)) is not None
        ]
        if message.role in ("system", "developer"):
            system += _system(blocks, where)
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
    return system, messages


def _system(blocks: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    for block in blocks:
        if not block.keys() & {"text", "guardContent", "cachePoint"}:
            raise Unsupported("Bedrock takes a system message only as text.", where)
    return blocks


def write_part(part: AnyPart, where: str, chat: Chat, dropped: Dropped) -> dict[str, Any] | None:
    """The block of a part; None where there is nothing to say. Unsupported."""
    match part:
        case Text() | Refused():
            if isinstance(part, Text):
                dropped.drop(f"{where}.citations", part.citations)
            return {"text": part.text} if part.text.strip() else None
        case Reasoning():
            return _reasoning(part, where, chat, dropped)
        case ToolCall():
            made = {"toolUseId": call_id(part.id), "name": part.name, "input": _input(part.arguments, where)}
            return {"toolUse": made}
        case ToolResult():
            return {"toolResult": _result(part, where, chat, dropped)}
        case Opaque():
            if part.dialect != "bedrock":
                raise Unsupported("Bedrock has no way to say what only another provider knows.", where)
            return part.value
        case _:
            return write_media(part, where)


def call_id(ident: str) -> str:
    """An id that Bedrock takes."""
    return ident if _ID.fullmatch(ident) else "call_" + hashlib.sha256(ident.encode()).hexdigest()[:40]


def _input(text: str, where: str) -> dict[str, Any] | msgspec.Raw:
    if not text.strip():
        return {}
    try:
        _objects.decode(text)
    except msgspec.DecodeError:
        raise Unsupported("Bedrock takes the arguments of a call only as a JSON object.", where) from None
    return msgspec.Raw(text.encode())


def _reasoning(part: Reasoning, where: str, chat: Chat, dropped: Dropped) -> dict[str, Any] | None:
    if part.maker == "bedrock" or (part.maker is None and chat.dialect not in _STRANGERS):
        if part.sealed is not None:
            return {"reasoningContent": {"redactedContent": part.sealed}}
        if part.signature is not None:
            return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
    dropped.drop(f"{where}.reasoning", value=True)
    return None


def _result(part: ToolResult, where: str, chat: Chat, dropped: Dropped) -> dict[str, Any]:
    content = [write_part(one, where, chat, dropped) for one in part.parts]
    made: dict[str, Any] = {"toolUseId": call_id(part.id), "content": [one for one in content if one is not None]}
    if any("audio" in one for one in made["content"]):
        raise Unsupported("Bedrock takes no sound in what a tool gave.", where)
    return made | ({"status": "error"} if part.failed else {})
