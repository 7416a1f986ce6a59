"""A chat that came in another dialect, or that a line changed, in OpenAI's words.

1. What tools gave are messages of their own here, right behind the call; pictures among it, for which such a message has
   no place, follow in a message of the user.
2. A document that is plain text becomes a text. What has no place at all is `Unsupported`; a parameter is left out and
   named.
3. Thoughts go back only under the name that the provider's row gives (`reasoning`), or to a client's own provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.api.ai import (
    AnyPart,
    Audio,
    Dropped,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Text,
    ToolCall,
    ToolResult,
)
from headgate_openai.chat.messages import NAME
from headgate_openai.chat.parts import content_of, own_value
from headgate_openai.chat.thoughts import detail

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
        body: dict[str, Any] = {"role": role, "content": content_of(rest, own=own)}
        made.append(_named(body, said, own=own))
    return made


def _named(body: dict[str, Any], said: Message, *, own: bool) -> dict[str, Any]:
    if said.name is not None:
        body["name"] = said.name
    return {**body, **(said.extra if own else {})}


def _result(result: ToolResult, said: Message | None, *, own: bool) -> dict[str, Any]:
    shown = result.parts if own else [part for part in result.parts if isinstance(part, Text)]
    content = content_of(shown, own=own) if shown else ""
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
        body["content"] = content_of(
            [Text(part.text) if isinstance(part, Refused) else part for part in words], own=own
        )
    elif not calls and not opaque:
        body["content"] = ""
    for part in parts:
        if isinstance(part, Refused) and own:
            body["refusal"] = part.text
        elif isinstance(part, Audio) and part.id is not None:
            body["audio"] = {"id": part.id}
    plain = [_call(call, own=own) for call in calls if not (call.extra.get("legacy") and own)]
    plain += [own_value(part, own=own) for part in opaque]
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


def _call(call: ToolCall, *, own: bool) -> dict[str, Any]:
    body = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return {**body, **(call.extra if own else {})}
