"""Converse and ConverseStream: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headgate.testing.providers.asking import Asked, Reply, Turn
from headgate.testing.providers.bedrock.events import event
from headgate.testing.providers.bedrock.rules import check
from headgate.testing.providers.bedrock.shapes import fits, service
from headgate.testing.providers.frames import Frame, compact
from headgate.testing.providers.says import Call, Citation, Flags, Part, Text, Thought, Tokens

STOPS = {
    "stop": "end_turn",
    "sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "filter": "content_filtered",
}


class Converse:
    """The whole answer."""

    method = "POST"
    pattern = re.compile("/model/[^/]+/converse")

    def check(self, asked: Asked) -> None:
        check(asked, "Converse")

    def reply(self, turn: Turn) -> Reply:
        content = [block(turn, at, part) for at, part in enumerate(parts(turn))]
        whole = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": STOPS[turn.says.ends],
            "usage": usage(turn.tokens),
            "metrics": {"latencyMs": 7},
        }
        fits(whole, service().operation_model("Converse").output_shape)
        if turn.says.manners.no_usage:
            del whole["usage"]
        return Reply(compact(whole))


class ConverseStream:
    """The answer in binary frames."""

    method = "POST"
    pattern = re.compile("/model/[^/]+/converse-stream")

    def check(self, asked: Asked) -> None:
        check(asked, "ConverseStream")

    def reply(self, turn: Turn) -> Reply:
        return Reply(frames=frames(turn), content_type="application/vnd.amazon.eventstream")


def parts(turn: Turn) -> list[Part]:
    """The parts that become blocks."""
    return [part for part in turn.says.content if not isinstance(part, Flags)]


def block(turn: Turn, at: int, part: Part) -> dict[str, Any]:
    """A block of content, whole."""
    if isinstance(part, Call):
        return {"toolUse": {"toolUseId": use_id(turn, at, part), "name": part.name, "input": dict(part.arguments)}}
    if isinstance(part, Thought):
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
    if isinstance(part, Text) and part.citations:
        citations = [citation(each) for each in part.citations]
        return {"citationsContent": {"content": [{"text": part.text}], "citations": citations}}
    return {"text": part.text}


def use_id(turn: Turn, at: int, call: Call) -> str:
    """The id of a call: the script's, or one that Bedrock could have made."""
    return call.id or f"tooluse_{turn.number:018d}{at:04d}"


def citation(cited: Citation) -> dict[str, Any]:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html."""
    place: dict[str, Any] = {"documentChar": {"documentIndex": cited.document, "start": cited.start, "end": cited.end}}
    if cited.url:
        place = {"web": {"url": cited.url}}
    return {"title": cited.title, "sourceContent": [{"text": cited.cited}], "location": place}


def usage(tokens: Tokens) -> dict[str, int]:
    """`inputTokens` are those that were neither read from the cache nor written to it.

    See https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
    """
    return {
        "inputTokens": tokens.input - tokens.cached - tokens.cache_write,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": tokens.cache_write,
    }


def frames(turn: Turn) -> Iterator[Frame]:
    """The events: the message, each block with its deltas, why it stopped, what it cost."""
    yield sent("messageStart", {"role": "assistant"})
    for at, part in enumerate(parts(turn)):
        if isinstance(part, Call):
            start = {"toolUse": {"toolUseId": use_id(turn, at, part), "name": part.name}}
            yield sent("contentBlockStart", {"start": start, "contentBlockIndex": at})
        for delta, produced in deltas(turn, part):
            yield sent("contentBlockDelta", {"delta": delta, "contentBlockIndex": at}, produced=produced)
        yield sent("contentBlockStop", {"contentBlockIndex": at})
    quiet = turn.says.manners.no_usage
    yield sent("messageStop", {"stopReason": STOPS[turn.says.ends]}, last=quiet)
    if not quiet:
        yield sent("metadata", {"usage": usage(turn.tokens), "metrics": {"latencyMs": 7}}, last=True)


def deltas(turn: Turn, part: Part) -> Iterator[tuple[dict[str, Any], int]]:
    """The pieces of a block, and how much each carries."""
    pieces = turn.says.pieces
    if isinstance(part, Call):
        for piece in pieces.of_arguments(part.text):
            yield {"toolUse": {"input": piece}}, len(piece)
    elif isinstance(part, Thought):
        for piece in pieces.of_text(part.text):
            yield {"reasoningContent": {"text": piece}}, len(piece)
        yield {"reasoningContent": {"signature": part.signature}}, 0
    else:
        for piece in pieces.of_text(part.text):
            yield {"text": piece}, len(piece)
        for cited in part.citations if isinstance(part, Text) else ():
            yield {"citation": citation(cited)}, 0


def sent(kind: str, value: dict[str, Any], *, produced: int = 0, last: bool = False) -> Frame:
    """An event that fits the service model."""
    stream = service().operation_model("ConverseStream").output_shape.members["stream"]
    fits(value, stream.members[kind])
    return event(kind, value, produced=produced, last=last)
