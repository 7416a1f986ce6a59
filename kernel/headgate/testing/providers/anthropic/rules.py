"""What the Messages API asks of a request beyond its types.

Sources: https://platform.claude.com/docs/en/api/messages (roles, empty content), the guide to handling tool calls
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls: results come next, and first), and the
guide to extended thinking (https://platform.claude.com/docs/en/build-with-claude/extended-thinking: the budget, forced
tools, thinking blocks that come back unchanged), and the history of versions
(https://platform.claude.com/docs/en/api/versioning).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from headgate.testing.providers.asking import Refused, refuse
from headgate.testing.providers.strict import Misfit

Message = dict[str, Any]
Block = dict[str, Any]

VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING = {"temperature": 1.0, "top_p": 1.0, "top_k": float("inf")}


def said(misfit: Misfit) -> Refused:
    """The sentence for a request that does not fit its schema."""
    if misfit.complaint == "unknown":
        return refuse(f"{misfit.dotted}: Extra inputs are not permitted")
    if misfit.complaint == "missing":
        return refuse(f"{misfit.dotted}: Field required")
    return refuse(f"{misfit.dotted}: Input should be {misfit.expected}")


def without_sampling(body: dict[str, Any], version: str) -> dict[str, Any]:
    """A body without the parameters that only the older version knows."""
    for name, most in SAMPLING.items() if version == "2023-06-01" else ():
        if name in body and not 0 <= body[name] <= most:
            raise refuse(f"{name}: range: 0..{most:g}")
    return {name: value for name, value in body.items() if version != "2023-06-01" or name not in SAMPLING}


def check_rules(body: dict[str, Any], version: str) -> None:
    """Raises Refused with the sentence that Anthropic has for it."""
    turns = merged(body["messages"])
    _roles(body["messages"])
    _content(body["messages"])
    _results(turns)
    _tools(body)
    _thinking(body, turns)
    _signatures(body["messages"])
    if version != "2023-06-01":
        _newer(body["messages"])
    if body.get("max_tokens", 1) < 0:
        raise refuse("max_tokens: must be greater than or equal to 0")


def blocks(message: Message) -> list[Block]:
    """The content of a message as blocks; a string is one of text."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def merged(messages: list[Message]) -> list[Message]:
    """Turns: consecutive messages of one role are one."""
    turns: list[Message] = []
    for message in (each for each in messages if each["role"] != "system"):
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"].extend(blocks(message))
        else:
            turns.append({"role": message["role"], "content": list(blocks(message))})
    return turns


def _roles(messages: list[Message]) -> None:
    if not messages:
        raise refuse("messages: at least one message is required")
    first = next((message for message in messages if message["role"] != "system"), messages[0])
    if first["role"] != "user":
        raise refuse('messages: first message must use the "user" role')


def _content(messages: list[Message]) -> None:
    for at, message in enumerate(messages):
        last = at == len(messages) - 1
        if not message["content"] and not (last and message["role"] == "assistant"):
            raise refuse(f"messages.{at}: all messages must have non-empty content except for the optional final assistant message")  # fmt: skip
        if any(block["type"] == "text" and not block["text"] for block in blocks(message) if message["content"]):
            raise refuse("messages: text content blocks must be non-empty")
        if any(
            block["type"] == "text" and not block["text"].strip() for block in blocks(message) if message["content"]
        ):
            raise refuse("messages: text content blocks must contain non-whitespace text")
    if messages[-1]["role"] == "assistant" and blocks(messages[-1]):
        end = blocks(messages[-1])[-1]
        if end["type"] == "text" and end["text"] != end["text"].rstrip():
            raise refuse("messages: final assistant content cannot end with trailing whitespace")


def _of(message: Message, kind: str) -> Iterator[Block]:
    return (block for block in message["content"] if block["type"] == kind)


def _results(turns: list[Message]) -> None:
    """Every use is answered in the next turn, at its beginning; no result is without its use."""
    for at, turn in enumerate(turns):
        used = [block["id"] for block in _of(turn, "tool_use")] if turn["role"] == "assistant" else []
        after = turns[at + 1] if at + 1 < len(turns) else None
        answered = {block["tool_use_id"] for block in _of(after, "tool_result")} if after else set()
        if missing := [each for each in used if each not in answered]:
            raise refuse(
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            )
        if len(set(used)) != len(used):
            raise refuse(f"messages.{at}.content: `tool_use` ids must be unique")
        _no_stray_result(turns, at)


def _no_stray_result(turns: list[Message], at: int) -> None:
    before = {block["id"] for block in _of(turns[at - 1], "tool_use")} if at else set()
    kinds = [block["type"] for block in turns[at]["content"]]
    for index, block in enumerate(turns[at]["content"]):
        if block["type"] != "tool_result":
            continue
        if block["tool_use_id"] not in before:
            raise refuse(
                f"messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if any(kind != "tool_result" for kind in kinds[:index]):
            raise refuse(f"messages.{at}: `tool_result` blocks must come first in the content of a message")


def _tools(body: dict[str, Any]) -> None:
    names = [tool["name"] for tool in body.get("tools") or () if "name" in tool]
    for at, name in enumerate(names):
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            raise refuse(f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if len(set(names)) != len(names):
        raise refuse("tools: Tool names must be unique.")
    chosen = body.get("tool_choice")
    if chosen and not body.get("tools"):
        raise refuse("tool_choice: may only be specified while providing tools")
    if chosen and chosen["type"] == "tool" and chosen["name"] not in names:
        raise refuse(f"Tool '{chosen['name']}' not found in provided tools")


def _thinking(body: dict[str, Any], turns: list[Message]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if thinking["budget_tokens"] < 1024:
        raise refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if thinking["budget_tokens"] >= body.get("max_tokens", float("inf")):
        raise refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise refuse("Thinking may not be enabled when tool_choice forces tool use.")
    _thought_first(turns)


def _thought_first(turns: list[Message]) -> None:
    """While tools are in use, the assistant's turn that used them still begins with its thinking."""
    for at, turn in list(enumerate(turns))[-2:-1]:
        kinds = [block["type"] for block in turn["content"]]
        if turn["role"] == "assistant" and "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking"):
            raise refuse(
                f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kinds[0]}`. "
                "When `thinking` is enabled, a final `assistant` message must start with a thinking block."
            )


def _signatures(messages: list[Message]) -> None:
    for at, message in enumerate(messages):
        for index, block in enumerate(blocks(message)):
            if block["type"] == "thinking" and not _is_base64(block["signature"]):
                raise refuse(f"messages.{at}.content.{index}: Invalid `signature` in `thinking` block")


def _newer(messages: list[Message]) -> None:
    """What version 2026-10-21 no longer takes."""
    for at, message in enumerate(messages):
        for index, block in enumerate(blocks(message)):
            where = f"messages.{at}.content.{index}"
            if message["role"] == "assistant" and block["type"] == "document":
                raise refuse(f"{where}: `document` blocks are not permitted in `assistant` messages")
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                raise refuse(f"{where}.citations: not permitted in `user` messages")


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False
