"""Whole answers, read from providers."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Answer,
    Audio,
    Choice,
    Citation,
    Garbled,
    Image,
    Media,
    Opaque,
    Reasoning,
    Refused,
    Said,
    Stop,
    Text,
    TokenProb,
    ToolCall,
)
from headgate_openai.chat.messages import LEGACY, NAME
from headgate_openai.chat.thoughts import thought_of
from headgate_openai.chat.wire import WireCall, WireChoice, WireMessage, WireProbs, answers

STOPS: Final[dict[str, Stop]] = {
    "stop": "stop", "length": "length", "tool_calls": "tools", "function_call": "tools", "content_filter": "filter",
    "eos": "stop", "end_turn": "stop", "max_tokens": "length", "model_length": "length",
}  # fmt: skip


def answer(data: bytes) -> Answer:
    """A whole answer. Garbled."""
    try:
        said = answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no chat completion in JSON" if data else "with an empty body") from None
    if said.choices is None:
        raise Garbled("with JSON that is no chat completion: it has no `choices`")
    return Answer(
        [_choice(one) for one in said.choices],
        said.id,
        said.model,
        int(said.created) if said.created is not None else None,
        said.usage.counted() if said.usage is not None else None,
    )


def _choice(said: WireChoice) -> Choice:
    message = said.message
    if message is None:
        raise Garbled("with JSON that is no chat completion: a choice has no `message`")
    parts: list[Said] = [*thoughts(message), *_words(message)]
    if message.refusal:
        parts.append(Refused(message.refusal))
    if message.audio is not None:
        sound = message.audio
        parts.append(Audio(Media(data=sound.data), None, sound.transcript, sound.id, sound.expires_at))
    parts += [call_of(call, place) for place, call in enumerate(message.tool_calls or ())]
    if message.function_call is not None:
        function = message.function_call
        parts.append(
            ToolCall(function.name or "", function.name or "", text_of(function.arguments), extra=dict(LEGACY))
        )
    stop = stop_of(said.finish_reason)
    if stop == "stop" and message.refusal:
        stop = "refusal"
    return Choice(parts, stop, None, said.index, probs_of(said.logprobs))


def thoughts(message: WireMessage) -> list[Said]:
    """What was thought, in details where there are such."""
    if message.reasoning_details:
        return [thought_of(one) for one in message.reasoning_details]
    said = message.thought()
    return [Reasoning(said)] if said else []


def _words(message: WireMessage) -> list[Said]:
    citations = [citation(one) for one in message.annotations or ()]
    if isinstance(message.content, str):
        words: list[Said] = [Text(message.content, citations)] if message.content else []
    else:
        words = [Text(one["text"]) for one in message.content or () if isinstance(one.get("text"), str)]
    return [*words, *(picture(one) for one in message.images or ())]


def picture(value: dict[str, Any]) -> Said:
    """A picture that a model made, as OpenRouter tells it."""
    url = value.get("image_url", {}).get("url")
    if not isinstance(url, str):
        return Opaque(NAME, value)
    head, _, data = url.partition(";base64,")
    return Image(Media(mime=head[5:], data=data)) if url.startswith("data:") else Image(Media(url=url))


def citation(value: dict[str, Any]) -> Citation:
    """An annotation: https://platform.openai.com/docs/api-reference/chat/object."""
    cited = value.get("url_citation")
    if not isinstance(cited, dict):
        return Citation(extra=value)
    return Citation(
        title=cited.get("title"), url=cited.get("url"), start=cited.get("start_index"), end=cited.get("end_index"),
        text=cited.get("content"),
    )  # fmt: skip


def call_of(call: WireCall, place: int) -> Said:
    """A tool call; what has no id gets its place as one."""
    if call.function is None:
        return Opaque(NAME, {"id": call.id, "type": call.type, "custom": call.custom})
    return ToolCall(call.id or f"call_{place}", call.function.name or "", text_of(call.function.arguments))


def text_of(arguments: str | dict[str, Any] | None) -> str:
    """Arguments as the JSON text that they are, or should be."""
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""


def stop_of(reason: str | None) -> Stop:
    return "other" if reason is None else STOPS.get(reason, "other")


def probs_of(probs: WireProbs | None) -> list[TokenProb] | None:
    return None if probs is None or probs.content is None else [one.prob() for one in probs.content]
