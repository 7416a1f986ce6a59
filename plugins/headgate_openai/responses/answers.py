"""Whole answers, read from providers.

A message's parts, the calls and the reasoning stand one behind the other, as the items do. All other fields of the response
are kept for clients of the same dialect.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import Answer, Choice, Garbled, Refused, Said, Stop, TokenProb, ToolCall
from headgate_openai.responses.counting import count
from headgate_openai.responses.items import said
from headgate_openai.responses.responding import INCOMPLETE
from headgate_openai.responses.shapes import NAME

_STOPS: Final = {reason: stop for stop, reason in INCOMPLETE.items()}
# What a response built here says itself.
_BUILT: Final = frozenset({"id", "object", "created_at", "status", "incomplete_details", "model", "output", "usage"})
_CALLS: Final = ("function_call", "custom_tool_call")


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    counted = count(data)
    body = msgspec.json.decode(data)
    try:
        parts = parts_of(body["output"])
    except (NotStrict, TypeError, AttributeError, KeyError) as error:
        raise Garbled(f"with a response that has an item which is none: {error}") from None
    created = body.get("created_at")
    probs = [prob_of(one) for one in _probabilities(body["output"])]
    return Answer(
        [Choice(parts, stop_of(body, parts), logprobs=probs or None)],
        body.get("id"),
        body.get("model"),
        int(created) if isinstance(created, (int, float)) else None,
        counted,
        {NAME: {name: value for name, value in body.items() if name not in _BUILT}},
    )


def parts_of(output: list[dict[str, Any]]) -> list[Said]:
    """All that was said, item by item. NotStrict."""
    parts: list[Said] = []
    for place, item in enumerate(output):
        parts += said(item, f"output[{place}]")
    for part in parts:
        part.extra.pop("logprobs", None)
    return parts


def stop_of(response: dict[str, Any], parts: list[Said]) -> Stop:
    """Why it ended."""
    if response.get("status") == "incomplete":
        details = response.get("incomplete_details") or {}
        return _STOPS.get(str(details.get("reason")), "other")
    if any(isinstance(part, ToolCall) for part in parts) or any(
        item.get("type") in _CALLS for item in response.get("output") or ()
    ):
        return "tools"
    return "refusal" if any(isinstance(part, Refused) for part in parts) else "stop"


def _probabilities(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts = [part for item in output if item.get("type") == "message" for part in item.get("content") or ()]
    return [one for part in parts for one in part.get("logprobs") or ()]


def prob_of(value: dict[str, Any]) -> TokenProb:
    """A token's probability."""
    top = [prob_of(one) for one in value.get("top_logprobs") or ()]
    return TokenProb(value.get("token") or "", value.get("logprob") or 0.0, value.get("bytes"), top)
