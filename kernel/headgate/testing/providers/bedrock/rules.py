"""What Converse asks of a conversation beyond the service model.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html (roles) and
https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use.html (a result for each use, in the next message).
"""

from __future__ import annotations

from typing import Any

from headgate.testing.providers.asking import Asked, Refused, refuse
from headgate.testing.providers.bedrock.shapes import fits, service
from headgate.testing.providers.strict import Misfit

Message = dict[str, Any]


def check(asked: Asked, operation: str) -> None:
    """Raises Refused with a sentence as Bedrock has them."""
    if not isinstance(asked.body, dict):
        raise refuse("Unexpected end of input while reading the body.")
    try:
        fits(asked.body, service().operation_model(operation).input_shape)
    except Misfit as misfit:
        raise said(misfit) from None
    _turns(asked.body.get("messages") or [])
    _tools(asked.body)


def said(misfit: Misfit) -> Refused:
    """The sentence for a body that does not fit its schema."""
    if misfit.complaint == "unknown":
        return refuse(
            f"Malformed input request: #/{misfit.dotted}: extraneous key [{misfit.path[-1]}] is not permitted"
        )
    if misfit.complaint == "missing":
        sentence = f"Value at '{misfit.dotted}' failed to satisfy constraint: Member must not be null"
        return refuse(f"1 validation error detected: {sentence}")
    sentence = f"Value at '{misfit.dotted}' failed to satisfy constraint: Member must be {misfit.expected}"
    return refuse(f"1 validation error detected: {sentence}")


def _turns(messages: list[Message]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise refuse("A conversation must start with a user message. Try again with a conversation that starts with a user message.")  # fmt: skip
    for at, message in enumerate(messages):
        if at and message["role"] == messages[at - 1]["role"]:
            raise refuse("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")  # fmt: skip
        _content(message, at)
        _results(messages, at)


def _content(message: Message, at: int) -> None:
    if not message["content"]:
        raise refuse(f"The content field in the Message object at messages.{at} is empty. Add a ContentBlock object to the content field and try again.")  # fmt: skip
    for index, block in enumerate(message["content"]):
        if "text" in block and not block["text"].strip():
            raise refuse(f"The text field in the ContentBlock object at messages.{at}.content.{index} is blank. Add text to the text field, and try again.")  # fmt: skip


def _ids(message: Message | None, kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in message["content"] if kind in block] if message else []


def _results(messages: list[Message], at: int) -> None:
    used = _ids(messages[at - 1] if at else None, "toolUse")
    given = _ids(messages[at], "toolResult")
    if missing := [each for each in used if each not in given]:
        raise refuse(f"Expected toolResult blocks at messages.{at}.content for the following Ids: {', '.join(missing)}")
    if len(given) > len(used):
        raise refuse(f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of previous turn.")  # fmt: skip
    if at == len(messages) - 1 and _ids(messages[at], "toolUse"):
        ids = ", ".join(_ids(messages[at], "toolUse"))
        raise refuse(f"Expected toolResult blocks at messages.{at + 1}.content for the following Ids: {ids}")


def _tools(body: dict[str, Any]) -> None:
    blocks = [block for message in body["messages"] for block in message["content"]]
    if any("toolUse" in block or "toolResult" in block for block in blocks) and not body.get("toolConfig"):
        raise refuse("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    tools = (body.get("toolConfig") or {}).get("tools") or []
    names = [tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool]
    if len(set(names)) != len(names):
        raise refuse("The toolConfig field has two tools of one name.")
    chosen = ((body.get("toolConfig") or {}).get("toolChoice") or {}).get("tool")
    if chosen and chosen["name"] not in names:
        raise refuse(f"The tool {chosen['name']} of toolChoice is not defined in toolConfig.tools.")
