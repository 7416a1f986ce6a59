"""Whole answers, read: https://ai.google.dev/api/generate-content#generatecontentresponse.

1. Google ends with STOP where functions are to be called, too; an answer with calls stopped for its tools.
2. A prompt that was blocked has no candidates but a reason: that is a choice which a filter stopped.
3. A signature that is not of thoughts or of a call becomes a thought of its own, without words.
4. What has no field of its own (safety ratings, grounding) is kept in `extra`, by candidate.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Answer,
    Choice,
    Counted,
    File,
    Garbled,
    Media,
    Opaque,
    Reasoning,
    Refused,
    Said,
    Stop,
    Text,
    ToolCall,
)
from headgate_gemini import ids
from headgate_gemini.grounding import cite
from headgate_gemini.logprobs import read_logprobs
from headgate_gemini.media import media_part
from headgate_gemini.usage import WireUsage

STOPS: Final[dict[str, Stop]] = {
    "STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "filter", "RECITATION": "filter", "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter", "SPII": "filter", "MODEL_ARMOR": "filter", "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter", "IMAGE_RECITATION": "filter", "CONTINUATION": "pause",
}  # fmt: skip
_TAKEN: Final = frozenset({"content", "finishReason", "index"})
_OF_AN_ANSWER: Final = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})


class WireCall(msgspec.Struct):
    """`functionCall`; the arguments keep their bytes."""

    name: str = ""
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")


class WireBlob(msgspec.Struct, rename="camel"):
    """`inlineData` or `fileData`."""

    mime_type: str | None = None
    data: str | None = None
    file_uri: str | None = None
    display_name: str | None = None


class WirePart(msgspec.Struct, rename="camel"):
    """One part, as far as it is known."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None
    inline_data: WireBlob | None = None
    file_data: WireBlob | None = None


class WireContent(msgspec.Struct):
    """What a candidate says."""

    parts: list[msgspec.Raw] | None = None


class WireCandidate(msgspec.Struct, rename="camel"):
    """One answer of several."""

    content: WireContent | None = None
    finish_reason: str | None = None
    index: int | None = None
    grounding_metadata: dict[str, Any] | None = None
    citation_metadata: dict[str, Any] | None = None
    logprobs_result: dict[str, Any] | None = None


class WireFeedback(msgspec.Struct, rename="camel"):
    """What became of the prompt."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class WireAnswer(msgspec.Struct, rename="camel"):
    """An answer, or one chunk of it."""

    candidates: list[WireCandidate] | None = None
    usage_metadata: WireUsage | None = None
    prompt_feedback: WireFeedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = msgspec.Raw()


# Whose proof it is: a signature goes back to no other dialect.
_OWN: Final[dict[str, Any]] = {"dialect": "gemini"}
_answers = msgspec.json.Decoder(WireAnswer)
_parts = msgspec.json.Decoder(WirePart)
_objects = msgspec.json.Decoder(dict[str, Any])


def decode(data: bytes) -> WireAnswer:
    """An answer or a chunk. Garbled."""
    try:
        answer = _answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no answer of generateContent in JSON" if data else "with an empty body") from None
    if not (answer.candidates is not None or answer.prompt_feedback or answer.usage_metadata or bytes(answer.error)):
        raise Garbled("with JSON that is no answer of generateContent: it has no `candidates`")
    return answer


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled."""
    used = decode(data).usage_metadata
    return None if used is None else used.counted()


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    wire = decode(data)
    if bytes(wire.error):
        raise Garbled("with an error where an answer belongs")
    raw = _objects.decode(data)
    choices = [_choice(one, wire.response_id or "", at) for at, one in enumerate(wire.candidates or ())] or [
        blocked(wire.prompt_feedback)
    ]
    extra = {name: value for name, value in raw.items() if name not in _OF_AN_ANSWER}
    rest = [{k: v for k, v in one.items() if k not in _TAKEN} for one in raw.get("candidates") or ()]
    if any(rest):
        extra["candidates"] = rest
    counted = None if wire.usage_metadata is None else wire.usage_metadata.counted()
    return Answer(choices, wire.response_id, wire.model_version, counted=counted, extra=extra)


def blocked(feedback: WireFeedback | None) -> Choice:
    """What a prompt got that was not answered."""
    message = feedback and feedback.block_reason_message
    return Choice([Refused(text=message)] if message else [], "filter" if feedback else "other")


def _choice(wire: WireCandidate, answer_id: str, at: int) -> Choice:
    parts: list[Said] = []
    for raw in (wire.content and wire.content.parts) or ():
        for part in read_part(raw, f"{answer_id}.{at}.{sum(isinstance(part, ToolCall) for part in parts)}"):
            _add(parts, part)
    cite(wire.grounding_metadata, wire.citation_metadata, [part for part in parts if isinstance(part, Text)])
    index = at if wire.index is None else wire.index
    return Choice(parts, stop_of(wire.finish_reason, parts), None, index, read_logprobs(wire.logprobs_result))


def _add(parts: list[Said], part: Said) -> None:
    """Texts that follow one another are one text, and thoughts without a proof between them one thought."""
    last = parts[-1] if parts else None
    if isinstance(part, Text) and isinstance(last, Text):
        last.text += part.text
    elif isinstance(part, Reasoning) and isinstance(last, Reasoning) and not last.signature and part.summary:
        last.text, last.signature = last.text + part.text, part.signature
    else:
        parts.append(part)


def stop_of(reason: str | None, parts: list[Said]) -> Stop:
    """Why it ended."""
    if reason in (None, "STOP") and any(isinstance(part, ToolCall) for part in parts):
        return "tools"
    return STOPS.get(reason or "STOP", "other")


def read_part(raw: msgspec.Raw, place: str) -> list[Said]:
    """One part as ours: two where it has a signature that we keep apart. Garbled."""
    try:
        wire = _parts.decode(raw)
    except msgspec.DecodeError:
        raise Garbled("with a part that is none") from None
    if wire.function_call is not None:
        call = wire.function_call
        args = msgspec.json.format(bytes(call.args), indent=-1).decode()
        return [
            ToolCall(
                id=ids.pack(call.id, wire.thought_signature, place),
                name=call.name,
                arguments="{}" if args == "null" else args,
            )
        ]
    made = _made(wire, raw)
    if isinstance(made, Reasoning) or wire.thought_signature is None:
        return [made]
    proof = Reasoning(signature=wire.thought_signature, extra=_OWN)
    return [proof] if isinstance(made, Text) and not made.text else [made, proof]


def _made(wire: WirePart, raw: msgspec.Raw) -> Said:
    blob = wire.inline_data or wire.file_data
    if blob is not None:
        media = Media(blob.mime_type, blob.file_uri, blob.data, name=blob.display_name)
        part = media_part(media, {})
        return Opaque(dialect="gemini", value=_objects.decode(raw)) if isinstance(part, File) else part
    if wire.text is None:
        return Opaque(dialect="gemini", value=_objects.decode(raw))
    if wire.thought:
        return Reasoning(text=wire.text, signature=wire.thought_signature, summary=True, extra=_OWN)
    return Text(text=wire.text)
