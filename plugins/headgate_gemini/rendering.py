"""Whole answers for clients of this dialect, and the parts that streams for them are made of."""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from headgate.api.ai import (
    MARK,
    Answer,
    Audio,
    Chat,
    Choice,
    Image,
    Opaque,
    Reasoning,
    Refused,
    Said,
    Stop,
    Text,
    ToolCall,
    Unsupported,
    carry,
)
from headgate_gemini.grounding import metadata as grounding
from headgate_gemini.logprobs import write_logprobs
from headgate_gemini.media import write_media
from headgate_gemini.outgoing import write_call
from headgate_gemini.usage import metadata

REASONS: Final[dict[Stop, str]] = {
    "stop": "STOP", "tools": "STOP", "sequence": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY",
    "refusal": "SAFETY", "pause": "OTHER", "other": "OTHER",
}  # fmt: skip
MALFORMED: Final = "MALFORMED_FUNCTION_CALL"

# How what is carried begins, as base64.
_CARRIED: Final = base64.b64encode(MARK.encode()).decode()


def render(answer: Answer, chat: Chat) -> bytes:
    """A whole answer."""
    kept = answer.extra.get("candidates")
    of_each = kept if isinstance(kept, list) else []
    made: dict[str, Any] = {
        "candidates": [
            _candidate(choice) | (of_each[at] if at < len(of_each) else {}) for at, choice in enumerate(answer.choices)
        ],
        **({"usageMetadata": metadata(answer.counted)} if answer.counted is not None else {}),
        **named(answer.model or chat.model, answer.id),
    }
    if "promptFeedback" in answer.extra:
        made["promptFeedback"] = answer.extra["promptFeedback"]
    return msgspec.json.encode(made)


def named(model: str | None, ident: str | None) -> dict[str, Any]:
    """Who answered."""
    return {key: one for key, one in (("modelVersion", model), ("responseId", ident)) if one}


def _candidate(choice: Choice) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    made: dict[str, Any] = {"finishReason": REASONS[choice.stop], "index": choice.index}
    for part in choice.parts:
        try:
            parts += said(part)
        except Unsupported as error:
            made |= {"finishReason": MALFORMED, "finishMessage": error.message}
    cited = grounding([part for part in choice.parts if isinstance(part, Text)])
    if cited is not None:
        made["groundingMetadata"] = cited
    if choice.logprobs:
        made["logprobsResult"] = write_logprobs(choice.logprobs)
    return {"content": {"parts": parts, "role": "model"}, **made}


def said(part: Said) -> list[dict[str, Any]]:
    """A part as Google has it; none for what it has no place for. Unsupported for a call whose arguments are no object."""
    match part:
        case Text() | Refused():
            return [{"text": part.text}] if part.text else []
        case Reasoning():
            return thought(part.text, proof(part, part.signature), summary=part.summary)
        case ToolCall():
            return [write_call(part, "")]
        case Image() | Audio():
            return [write_media(part, "")] if part.media.data or part.media.url else []
        case Opaque():
            return [part.value] if part.dialect == "gemini" else []


def thought(text: str, signature: str | None, *, summary: bool = True) -> list[dict[str, Any]]:
    """Thoughts, or a signature that stands by itself."""
    signed = {"thoughtSignature": signature} if signature else {}
    # A client keeps a proof apart where it is no thought: only Google's own stand by themselves.
    thinks = {"thought": True} if text or summary or (signature or "").startswith(_CARRIED) else {}
    return [{"text": text, **thinks, **signed}] if text or signed else []


def proof(part: Reasoning, signature: str | None) -> str | None:
    """A signature, if it is Google's own; another's, so that it comes back to whom it belongs."""
    if part.extra.get("dialect") != "gemini":
        foreign = carry(part, signature)
        return base64.b64encode(foreign.encode()).decode() if foreign else None
    if not signature:
        return None
    try:
        base64.b64decode(signature, altchars=b"-_" if "-" in signature or "_" in signature else None, validate=True)
    except ValueError:
        return None
    return signature
