"""The response object: https://platform.openai.com/docs/api-reference/responses/object.

It repeats what was asked, with OpenAI's defaults where the client said nothing. `INCOMPLETE` has the ends that are none.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from headgate.api.ai import Chat, Stop, TokenProb

INCOMPLETE: Final[dict[Stop, str]] = {"length": "max_output_tokens", "filter": "content_filter"}
_RESPONSE: Final = "resp_"
_ECHOED: Final[dict[str, Any]] = {
    "instructions": None, "metadata": {}, "parallel_tool_calls": True, "previous_response_id": None, "reasoning": {},
    "service_tier": "default", "store": True, "text": {}, "tool_choice": "auto", "tools": [], "top_logprobs": 0,
    "truncation": "disabled", "user": None, "safety_identifier": None, "prompt_cache_key": None, "max_tool_calls": None,
}  # fmt: skip


def new_id() -> str:
    """An id for a response that has none of this dialect."""
    return f"{_RESPONSE}{secrets.token_hex(24)}"


def id_of(given: str | None) -> str:
    """The provider's id, if it is one of this dialect."""
    return given if given is not None and given.startswith(_RESPONSE) else new_id()


def item_id(kind: str, response: str, place: int) -> str:
    """An item's id: the same for the same place in the same response."""
    return f"{kind}_{response.removeprefix(_RESPONSE)}{place:04x}"


def skeleton(chat: Chat, ident: str, created: int, model: str) -> dict[str, Any]:
    """A response that has just begun."""
    raw = chat.raw()
    echoed = {name: raw[name] if raw.get(name) is not None else usual for name, usual in _ECHOED.items()}
    echoed["reasoning"] = {"effort": None, "summary": None, **echoed["reasoning"]}
    echoed["text"] = {"format": {"type": "text"}, **echoed["text"]}
    return {
        "id": ident,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "max_output_tokens": chat.max_tokens,
        "model": model,
        "output": [],
        "temperature": 1.0 if chat.temperature is None else chat.temperature,
        "top_p": 1.0 if chat.top_p is None else chat.top_p,
        "usage": None,
        **echoed,
    }


def render_prob(one: TokenProb) -> dict[str, Any]:
    """A token's probability, with its bytes, which this dialect always has."""
    return {
        "token": one.token,
        "logprob": one.logprob,
        "bytes": _bytes(one),
        "top_logprobs": [{"token": top.token, "logprob": top.logprob, "bytes": _bytes(top)} for top in one.top],
    }


def _bytes(one: TokenProb) -> list[int]:
    return list(one.token.encode()) if one.bytes is None else one.bytes
