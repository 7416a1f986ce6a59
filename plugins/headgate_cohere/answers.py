"""Whole answers, both ways: https://docs.cohere.com/reference/chat.

1. What only this API has of an answer (all of `usage`, the tokens' ids) is kept under its name in `extra`.
2. What others have and this API has not: a refusal is told as a text, a picture as a text that shows it (Markdown), sound as
   its transcript; sealed thoughts stay behind, and of several choices the first is told.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import (
    Answer,
    AnyPart,
    Audio,
    Choice,
    Counted,
    Garbled,
    Image,
    Opaque,
    Reasoning,
    Refused,
    Said,
    Text,
    TokenProb,
    ToolCall,
)
from headgate_cohere.citing import cited
from headgate_cohere.facts import FAILURES, NAME, PLAN, REASONS, STOPS
from headgate_cohere.reading import call as read_call
from headgate_cohere.reading import cite, content
from headgate_cohere.saying import call as say_call
from headgate_cohere.usage import WireUsage, usage


class _Counts(msgspec.Struct):
    message: msgspec.Raw
    usage: WireUsage | None = None


_counts = msgspec.json.Decoder(_Counts)
_objects = msgspec.json.Decoder(dict[str, Any])


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled where it is none."""
    try:
        said = _counts.decode(data).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _garbled(data) from None
    return None if said is None else said.counted()


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    counted = count(data)
    try:
        value = _objects.decode(data)
        message = value["message"]
        parts = _parts(message)
    except (NotStrict, TypeError, AttributeError, msgspec.DecodeError, UnicodeDecodeError):
        raise _garbled(data) from None
    reason = value.get("finish_reason")
    stop = STOPS.get(str(reason), "other")
    own = {name: value[name] for name in ("usage", "logprobs") if value.get(name) is not None}
    own.update({"finish_reason": reason} if reason in FAILURES else {})
    choice = Choice(parts, stop, logprobs=_logprobs(value.get("logprobs")))
    return Answer([choice], value.get("id"), counted=counted, extra={NAME: own})


def _garbled(data: bytes) -> Garbled:
    return Garbled("with JSON that is no answer of Cohere's" if data else "with an empty body")


def _parts(message: dict[str, Any]) -> list[Said]:
    parts: list[AnyPart] = content(message.get("content"), "content")
    for part in parts:
        part.extra = {}
    cite(parts, message.get("citations"))
    plan = message.get(PLAN)
    told = [Reasoning(text=plan, maker=NAME, extra={PLAN: True})] if plan else []
    calls = [read_call(each, "tool_calls") for each in message.get("tool_calls") or ()]
    allowed = (Text, Reasoning, Opaque)
    return [*told, *(part for part in parts if isinstance(part, allowed)), *calls]


def _logprobs(value: Any) -> list[TokenProb] | None:
    if not isinstance(value, list):
        return None
    return [each for item in value for each in token_probs(item)]


def token_probs(item: dict[str, Any]) -> list[TokenProb]:
    """The tokens of one piece of text, which stands with the first of them."""
    probs = item.get("logprobs") or []
    return [TokenProb(item.get("text") or "" if place == 0 else "", prob) for place, prob in enumerate(probs)]


def log_item(prob: TokenProb) -> dict[str, Any]:
    """A token in Cohere's words; ids of tokens are Cohere's own."""
    return {"text": prob.token, "token_ids": [], "logprobs": [prob.logprob]}


# --- for a client ----------------------------------------------------------------------------------------------------


def render_answer(said: Answer) -> bytes:
    """An answer, as bytes."""
    choice = said.choices[0] if said.choices else Choice()
    more = said.extra.get(NAME)
    own: dict[str, Any] = more if isinstance(more, dict) else {}
    body: dict[str, Any] = {
        "id": said.id or "headgate",
        "finish_reason": own.get("finish_reason") or REASONS[choice.stop],
        "message": _message(choice),
        "usage": own.get("usage") or usage(said.counted),
    }
    if choice.logprobs is not None:
        body["logprobs"] = own.get("logprobs") or [log_item(each) for each in choice.logprobs]
    return msgspec.json.encode(body)


def _message(choice: Choice) -> dict[str, Any]:
    plans = [part.text for part in choice.parts if isinstance(part, Reasoning) and PLAN in part.extra]
    told = [(part, block) for part in choice.parts if (block := told_block(part)) is not None]
    calls = [say_call(part, own=False) for part in choice.parts if isinstance(part, ToolCall)]
    citations = [
        cited(each, part.text, place)
        for place, (part, _) in enumerate(told)
        if isinstance(part, Text)
        for each in part.citations
    ]
    body: dict[str, Any] = {"role": "assistant"}
    body.update({PLAN: "".join(plans)} if plans else {})
    body.update({"content": [block for _, block in told]} if told else {})
    body.update({"tool_calls": calls} if calls else {})
    return {**body, **({"citations": citations} if citations else {})}


def told_block(part: Said) -> dict[str, Any] | None:
    """A part as a block for a client; None where it has another place, or none."""
    match part:
        case Text(text=text) | Refused(text=text):
            return {"type": "text", "text": text}
        case Reasoning(text=text):
            return {"type": "thinking", "thinking": text} if text and PLAN not in part.extra else None
        case Image() | Audio():
            text = shown(part)
            return {"type": "text", "text": text} if text else None
        case Opaque(dialect=dialect, value=value):
            return value if dialect == NAME else None
    return None


def shown(part: Image | Audio) -> str:
    """A picture as Markdown shows it, sound as what is said in it."""
    if isinstance(part, Audio):
        return part.transcript or ""
    data = f"data:{part.media.mime or 'image/png'};base64,{part.media.data}"
    return f"![]({part.media.url or data})"
