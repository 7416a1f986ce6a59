"""Messages, written as contents.

1. `systemInstruction` is the one place for what the operator says: system and developer messages go there, in their
   order, wherever they stood.
2. Results of calls that stand one after the other become one content, as many results as there were calls
   (https://ai.google.dev/gemini-api/docs/function-calling#parallel_function_calling).
3. A message that has nothing to say is left out: Google refuses a content without parts.
4. Gemini 3 wants a signature with the first call of a turn of the model, and names a word to give for calls that another
   model made (https://ai.google.dev/gemini-api/docs/thought-signatures#faqs).
"""

from __future__ import annotations

import re
from typing import Any, Final

from headgate.api.ai import Content, Dropped, Endpoint, Message, ToolCall
from headgate_gemini.outgoing import write_part

FOREIGN: Final = "skip_thought_signature_validator"
_GENERATION = re.compile(r"gemini-(\d+)")


def generation(model: str) -> int | None:
    """The 3 of gemini-3-pro; None for a model whose name does not say it."""
    found = _GENERATION.search(model)
    return int(found[1]) if found else None


def write_messages(content: Content, to: Endpoint, dropped: Dropped, *, own: bool) -> tuple[Any, list[dict[str, Any]]]:
    """`systemInstruction` and `contents`. Unsupported."""
    called = {
        part.id: part.name for message in content.messages for part in message.parts if isinstance(part, ToolCall)
    }
    system: list[Any] = []
    contents: list[dict[str, Any]] = []
    said: dict[str, Any]
    results, bare, said = False, "", {}
    for at, message in enumerate(content.messages):
        where = f"messages[{at}]"
        parts = [
            written
            for place, part in enumerate(message.parts)
            if (written := write_part(part, f"{where}.content[{place}]", called, dropped, own=own)) is not None
        ]
        if message.role in ("system", "developer"):
            system += parts
            bare, said = message.text if message.extra.get("bare") else "", message.extra
            continue
        if not own:
            dropped.drop(f"{where}.name", message.name)
            _sign(parts, to)
        if message.role == "tool" and results and not own:
            contents[-1]["parts"] += parts
        elif parts or own:
            contents.append({**_role(message, own=own), "parts": parts})
        results = message.role == "tool"
    if not system and not (own and any(message.role == "system" for message in content.messages)):
        return None, contents
    if own and bare:
        return bare, contents
    return {**(said if own else {}), "parts": system}, contents


def _role(message: Message, *, own: bool) -> dict[str, Any]:
    role = "model" if message.role == "assistant" else "user"
    made = {"role": role}
    if own:
        made |= {name: value for name, value in message.extra.items() if name != "role"}
        given = message.extra.get("role", role)
        if given is None:
            del made["role"]
        elif role == "user":
            made["role"] = given
    return made


def _sign(parts: list[dict[str, Any]], to: Endpoint) -> None:
    """Give the first call of a message the word that stands for a signature, where the model wants one."""
    wanted = to.options.get("signatures")
    if wanted is None:
        wanted = (generation(to.model) or 0) >= 3
    first = next((part for part in parts if "functionCall" in part), None)
    if wanted and first is not None and "thoughtSignature" not in first:
        first["thoughtSignature"] = FOREIGN
