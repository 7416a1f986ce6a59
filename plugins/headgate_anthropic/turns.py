"""Turns of another dialect as turns of this one.

1. There is one system prompt, in front. What is said to the model later as `system` or `developer` joins it, as it does in
   Anthropic's own layer for clients of OpenAI: https://platform.claude.com/docs/en/api/openai-sdk
2. Turns of one side that follow one another become one. What tools gave stands first in the turn behind the calls.
3. A turn without a word is left out: it would be refused.
"""

from __future__ import annotations

from typing import Any

from headgate.api.ai import Dropped, Image, Message, Unsupported
from headgate_anthropic.saying import say_all


def turns(messages: list[Message], dropped: Dropped) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The blocks of the system prompt, and the messages. Unsupported."""
    system: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        blocks = say_all(message.parts, f"{where}.content", dropped, own=False)
        dropped.drop(f"{where}.name", message.name if message.role != "tool" else None)
        if message.role in ("system", "developer"):
            system += _words(blocks, where)
        elif blocks:
            _check(message, where)
            _join(made, "assistant" if message.role == "assistant" else "user", blocks)
    for turn in made:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    return system, made


def _join(made: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    if made and made[-1]["role"] == role:
        made[-1]["content"] += blocks
    else:
        made.append({"role": role, "content": blocks})


def _words(blocks: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    if any(block["type"] != "text" for block in blocks):
        raise Unsupported("A system prompt of Claude is made of text.", where)
    return blocks


def _check(message: Message, where: str) -> None:
    if message.role == "assistant" and any(isinstance(part, Image) for part in message.parts):
        raise Unsupported("Claude takes no pictures in a turn of the assistant.", where)
