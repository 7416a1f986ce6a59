"""Whole answers, written for clients, and the pieces that streams are made of."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Answer,
    Audio,
    Chat,
    Choice,
    Citation,
    Counted,
    Image,
    Reasoning,
    Refused,
    Said,
    Stop,
    Text,
    TokenProb,
    ToolCall,
)
from headgate_openai.chat.thoughts import detail

REASONS: Final[dict[Stop, str]] = {"length": "length", "tools": "tool_calls", "filter": "content_filter"}


def render_answer(said: Answer, chat: Chat, at: float) -> bytes:
    """A whole answer for the client of this chat."""
    body: dict[str, Any] = {
        "id": said.id or new_id(),
        "object": "chat.completion",
        "created": said.created if said.created is not None else int(at),
        "model": said.model or chat.model,
        "choices": [_render_choice(one) for one in said.choices],
    }
    if said.counted is not None:
        body["usage"] = render_usage(said.counted)
    return msgspec.json.encode(body)


def new_id() -> str:
    """An id for an answer whose provider gave none."""
    return f"chatcmpl-{secrets.token_hex(12)}"


def _render_choice(said: Choice) -> dict[str, Any]:
    logprobs = (
        None if said.logprobs is None else {"content": [render_prob(one) for one in said.logprobs], "refusal": None}
    )
    return {
        "index": said.index,
        "message": _render_message(said.parts),
        "logprobs": logprobs,
        "finish_reason": reason_of(said.stop),
    }


def reason_of(stop: Stop) -> str:
    """The word for it; a refusal, a pause and a stop sequence are ends like any other here."""
    return REASONS.get(stop, "stop")


def _render_message(parts: list[Said]) -> dict[str, Any]:
    texts = [part for part in parts if isinstance(part, Text)]
    declined = [part.text for part in parts if isinstance(part, Refused)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in texts) if texts else None,
        "refusal": "".join(declined) or None,
    }
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    annotations = _annotations(texts)
    if annotations:
        message["annotations"] = annotations
    _render_thoughts(message, [part for part in parts if isinstance(part, Reasoning)])
    for part in parts:
        if isinstance(part, Audio):
            message["audio"] = {
                "id": part.id or "audio",
                "data": part.media.data or "",
                "transcript": part.transcript or "",
                "expires_at": part.expires_at or 0,
            }
    pictures = [render_picture(part) for part in parts if isinstance(part, Image)]
    if pictures:
        message["images"] = pictures
    return message


def render_picture(part: Image) -> dict[str, Any]:
    """A picture that a model made, as OpenRouter tells it."""
    media = part.media
    return {
        "type": "image_url",
        "image_url": {"url": media.url or f"data:{media.mime or 'image/png'};base64,{media.data}"},
    }


def _render_thoughts(message: dict[str, Any], thoughts: list[Reasoning]) -> None:
    if not thoughts:
        return
    message["reasoning_content"] = "".join(part.text for part in thoughts)
    if any(part.signature or part.sealed or part.summary for part in thoughts):
        message["reasoning_details"] = [detail(part) for part in thoughts]


def _annotations(texts: list[Text]) -> list[dict[str, Any]]:
    """Citations of addresses. A citation that belongs to a whole part supports all of it."""
    found, begin = [], 0
    for part in texts:
        end = begin + len(part.text)
        for one in part.citations:
            if one.url is not None:
                found.append(render_citation(one, begin, end))
        begin = end
    return found


def render_citation(one: Citation, begin: int, end: int) -> dict[str, Any]:
    """One citation of a text that stands from `begin` to `end` in the whole."""
    cited = {
        "start_index": begin if one.start is None else begin + one.start,
        "end_index": end if one.end is None else begin + one.end,
        "title": one.title or "",
        "url": one.url,
    }
    return {"type": "url_citation", "url_citation": cited}


def render_prob(one: TokenProb) -> dict[str, Any]:
    return {
        "token": one.token,
        "logprob": one.logprob,
        "bytes": one.bytes,
        "top_logprobs": [{"token": top.token, "logprob": top.logprob, "bytes": top.bytes} for top in one.top],
    }


def render_usage(counted: Counted) -> dict[str, Any]:
    """Counts, as OpenAI gives them."""
    return {
        "prompt_tokens": counted.input_tokens,
        "completion_tokens": counted.output_tokens,
        "total_tokens": counted.input_tokens + counted.output_tokens,
        "prompt_tokens_details": {"cached_tokens": counted.cached_tokens, "audio_tokens": counted.input_audio_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning_tokens,
            "audio_tokens": counted.output_audio_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
