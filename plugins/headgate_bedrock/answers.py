"""Whole answers, read: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Answer,
    Choice,
    Citation,
    Counted,
    Garbled,
    Opaque,
    Reasoning,
    Said,
    Stop,
    Text,
    ToolCall,
)
from headgate_bedrock.media import read_image
from headgate_bedrock.usage import WireUsage

STOPS: Final[dict[str, Stop]] = {
    "end_turn": "stop", "tool_use": "tools", "max_tokens": "length", "stop_sequence": "sequence",
    "guardrail_intervened": "filter", "content_filtered": "filter", "model_context_window_exceeded": "length",
}  # fmt: skip
_OF_AN_ANSWER: Final = frozenset({"output", "stopReason", "usage"})


class WireToolUse(msgspec.Struct, rename="camel"):
    """`toolUse`; the arguments keep their bytes."""

    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class WireBlock(msgspec.Struct, rename="camel"):
    """One block, as far as it is known."""

    text: str | None = None
    tool_use: WireToolUse | None = None
    reasoning_content: dict[str, Any] | None = None
    citations_content: dict[str, Any] | None = None
    image: dict[str, Any] | None = None


class _Message(msgspec.Struct):
    content: list[msgspec.Raw]


class _Output(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str
    usage: WireUsage | None = None
    additional_model_response_fields: dict[str, Any] | None = None


class _Counts(msgspec.Struct):
    output: msgspec.Raw
    usage: WireUsage | None = None


_answers = msgspec.json.Decoder(_Answer)
_counts = msgspec.json.Decoder(_Counts)
_blocks = msgspec.json.Decoder(WireBlock)
_objects = msgspec.json.Decoder(dict[str, Any])


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled."""
    try:
        used = _counts.decode(data).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _garbled(data) from None
    return None if used is None else used.counted()


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    try:
        wire = _answers.decode(data)
        parts = [read_block(raw) for raw in wire.output.message.content]
        rest = {name: value for name, value in _objects.decode(data).items() if name not in _OF_AN_ANSWER}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _garbled(data) from None
    choice = Choice(parts, STOPS.get(wire.stop_reason, "other"), met(wire.additional_model_response_fields))
    return Answer([choice], counted=None if wire.usage is None else wire.usage.counted(), extra=rest)


def met(fields: dict[str, Any] | None) -> str | None:
    """The stop sequence that was met, where the row asks for Claude's field `/stop_sequence`."""
    found = (fields or {}).get("stop_sequence")
    return found if isinstance(found, str) else None


def _garbled(data: bytes) -> Garbled:
    return Garbled("with what is no answer of Converse in JSON" if data else "with an empty body")


def read_block(raw: msgspec.Raw) -> Said:
    """One block of an answer."""
    wire = _blocks.decode(raw)
    if wire.text is not None:
        return Text(text=wire.text)
    if wire.tool_use is not None:
        use = wire.tool_use
        arguments = msgspec.json.format(bytes(use.input), indent=-1).decode()
        return ToolCall(id=use.tool_use_id, name=use.name, arguments=arguments)
    if wire.reasoning_content is not None:
        return _reasoning(wire.reasoning_content)
    if wire.citations_content is not None:
        said = wire.citations_content
        text = "".join(one.get("text", "") for one in said.get("content") or ())
        return Text(text=text, citations=[read_citation(one) for one in said.get("citations") or ()])
    image = read_image(wire.image) if wire.image is not None else None
    return image or Opaque(dialect="bedrock", value=_objects.decode(raw))


def _reasoning(block: dict[str, Any]) -> Reasoning:
    text = block.get("reasoningText") or {}
    return Reasoning(
        text=text.get("text", ""), signature=text.get("signature"), sealed=block.get("redactedContent"), maker="bedrock"
    )


def read_citation(block: dict[str, Any]) -> Citation:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html: where in the source it stands is
    kept as it is; it says nothing of where in the answer."""
    location = block.get("location") or {}
    source = "".join(one.get("text", "") for one in block.get("sourceContent") or ())
    extra = {} if not location else {"location": location}
    url = (location.get("web") or {}).get("url")
    return Citation(source or None, block.get("title"), url, block.get("source"), extra=extra)
