"""Whole answers, read from providers and written for clients."""

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
from headgate_openai.chat.counting import WireUsage
from headgate_openai.chat.reading import LEGACY, NAME
from headgate_openai.chat.rendering import detail

STOPS: Final[dict[str, Stop]] = {
    "stop": "stop", "length": "length", "tool_calls": "tools", "function_call": "tools", "content_filter": "filter",
    "eos": "stop", "end_turn": "stop", "max_tokens": "length", "model_length": "length",
}  # fmt: skip
REASONS: Final[dict[Stop, str]] = {"length": "length", "tools": "tool_calls", "filter": "content_filter"}


class WireProb(msgspec.Struct):
    """One token of `logprobs`."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[WireProb] = []

    def prob(self) -> TokenProb:
        return TokenProb(self.token, self.logprob, self.bytes, [one.prob() for one in self.top_logprobs])


class WireProbs(msgspec.Struct):
    content: list[WireProb] | None = None


class WireFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class WireCall(msgspec.Struct):
    """A tool call. Some who are compatible give the arguments as an object, and leave the id out."""

    function: WireFunction | None = None
    id: str | None = None
    type: str | None = None
    index: int | None = None
    custom: dict[str, Any] | None = None


class WireAudio(msgspec.Struct):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class WireMessage(msgspec.Struct):
    """A message of an answer, or a delta of one."""

    role: str | None = None
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    audio: WireAudio | None = None
    annotations: list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | dict[str, Any] | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    images: list[dict[str, Any]] | None = None

    def thought(self) -> str:
        """What the model thought, under whichever name."""
        return self.reasoning_content or (self.reasoning if isinstance(self.reasoning, str) else "") or ""


class WireChoice(msgspec.Struct):
    message: WireMessage | None = None
    delta: WireMessage | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: WireProbs | None = None


class WireAnswer(msgspec.Struct):
    """A whole answer, or a chunk of one."""

    choices: list[WireChoice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: WireUsage | None = None


answers = msgspec.json.Decoder(WireAnswer)


# --- from a provider -------------------------------------------------------------------------------------------------


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
        return [
            Reasoning(
                one.get("text") or one.get("summary") or "",
                signature=one.get("signature"),
                sealed=one.get("data"),
                id=one.get("id"),
                summary=one.get("type") == "reasoning.summary",
            )
            for one in message.reasoning_details
        ]
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


# --- for a client ----------------------------------------------------------------------------------------------------


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
