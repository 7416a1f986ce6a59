"""How Mistral's clients speak: they are read by the dialect below, and what differs is changed behind it.

1. What only Mistral has (`random_seed`, documents by address, chunks of thinking) becomes what all dialects share.
2. The client's bytes pass to Mistral. Where a line changed the content, it is written anew from what all share.
3. A stream's counts come without being asked for, thoughts are chunks, and every piece of a call has a name, if an empty
   one: Mistral's client demands it, as it demands counts in every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import EventSplitter, Response, parse_event, render_event
from headgate.api.ai import (
    Answer,
    AnyPart,
    Chat,
    Content,
    EventWriter,
    File,
    Happening,
    Inbound,
    Media,
    Opaque,
    Reasoning,
    carried,
    carry,
    joined,
)
from headgate_mistral.abilities import LACKS

NAME: Final = "mistral"


class MistralIn:
    """See `Inbound`."""

    name = NAME
    lacks: Mapping[str, str] = LACKS

    def __init__(self, below: Inbound) -> None:
        self._below = below

    def __repr__(self) -> str:
        return f"<MistralIn on {self._below.name}>"

    def sample(self) -> object:
        return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Hello!"}]}

    def stream_type(self, chat: Chat) -> bytes:
        return b"text/event-stream"

    def answers(self, path: str) -> bool:
        return False

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return self._below.error(status, message, kind, record)

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        read = self._below.read(data, path, query)
        chat = Chat(read.model, read.stream, read.max_tokens, read.temperature, read.top_p)
        chat.came_as(NAME, data, read.raw(), lambda raw: _shared(read.content()))
        return chat

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        body = msgspec.json.decode(self._below.render(answer, chat, at))
        for choice in body["choices"]:
            _chunked(choice["message"])
        body.setdefault("usage", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
        return msgspec.json.encode(body)

    def writer(self, chat: Chat, at: float) -> EventWriter:
        counted = Chat(chat.model, stream=True)
        counted.came_as(self._below.name, b"", {**chat.raw(), "stream_options": {"include_usage": True}}, _no_content)
        return _MistralWriter(self._below.writer(counted, at))

    def broken_off(self, message: str, kind: str) -> bytes:
        return self._below.broken_off(message, kind)


def below_of(chat: Chat, clients: Inbound) -> Chat:
    """The chat as the dialect below has it: read again from its bytes, or, where its content was changed, made of that."""
    now = {name: getattr(chat, name) for name in ("stream", "max_tokens", "temperature", "top_p")}
    if chat.content_changed():
        return Chat.made(chat.model, chat.content(), **now)
    below = clients.read(chat.original(), "", {})
    below.model = chat.model
    for name, value in now.items():
        setattr(below, name, value)
    return below


def _no_content(raw: dict[str, Any]) -> Content:
    return Content([])


# --- what all dialects share -----------------------------------------------------------------------------------------


def _shared(content: Content) -> Content:
    extra = dict(content.extra)
    seed = extra.pop("random_seed", None)
    messages = [msgspec.structs.replace(one, parts=joined(map(_part, one.parts))) for one in content.messages]
    for one in messages:
        one.extra.pop("prefix", None)
    thinking = content.thinking
    if thinking is not None and thinking.effort not in (None, "none"):
        # Here thoughts are a part of the answer.
        thinking = msgspec.structs.replace(thinking, shown=True)
    return msgspec.structs.replace(content, messages=messages, seed=seed, thinking=thinking, extra=extra)


def _document(url: str, name: str | None) -> Media:
    """At an address, or inside of it."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Media(mime=head[5:-7] or None, data=data, name=name)
    return Media(url=url, name=name)


def _part(part: AnyPart) -> AnyPart:
    """What is known to the dialect below as nothing."""
    value = part.value if isinstance(part, Opaque) else {}
    if isinstance(value.get("document_url"), str):
        return File(media=_document(value["document_url"], value.get("document_name")))
    if value.get("type") == "thinking" and isinstance(value.get("thinking"), list):
        words = "".join(str(one.get("text") or "") for one in value["thinking"] if isinstance(one, dict))
        signature = value.get("signature")
        foreign = carried(signature, words) if isinstance(signature, str) else None
        return foreign or Reasoning(text=words, signature=signature, maker=NAME if signature else None)
    return part


# --- for a client ----------------------------------------------------------------------------------------------------


# Who made a proof, by the word that https://openrouter.ai/docs/use-cases/reasoning-tokens has for its form.
_MAKERS: Final[dict[Any, Any]] = {
    "anthropic-claude-v1": "anthropic", "google-gemini-v1": "gemini", "openai-responses-v1": "openai-responses",
}  # fmt: skip


# Every chunk has a choice, and the last one the counts as well: https://docs.mistral.ai/api/#tag/chat. Its clients rely on it.
_STOPS: Final = b'"finish_reason":"'
_COUNTS: Final = b'"choices":[],'


class _MistralWriter:
    """See `EventWriter`. The chunk in which a choice stops waits for the counts, which belong into it."""

    __slots__ = ("_below", "_last", "_splitter")

    def __init__(self, below: EventWriter) -> None:
        self._below = below
        self._splitter = EventSplitter()
        self._last = b""

    def write(self, happening: Happening) -> bytes:
        return b"".join(self._told(_event(block)) for block in self._splitter.feed(self._below.write(happening)))

    def _told(self, block: bytes) -> bytes:
        last, self._last = self._last, b""
        if _STOPS in block:
            self._last = block
            return last
        return _counted(last, block) if _COUNTS in block else last + block


def _counted(last: bytes, counts: bytes) -> bytes:
    """The last chunk of a choice with the counts in it; without such a chunk there is no place for them."""
    chunk, of = parse_event(last), parse_event(counts)
    if chunk is None or of is None:
        return b""
    body = {**msgspec.json.decode(chunk.data), "usage": msgspec.json.decode(of.data)["usage"]}
    return render_event(msgspec.json.encode(body))


def _event(block: bytes) -> bytes:
    if b'"tool_calls"' not in block and b'"reasoning' not in block:
        return block
    event = parse_event(block)
    assert event is not None
    body = msgspec.json.decode(event.data)
    for choice in body.get("choices", ()):
        _chunked(choice["delta"])
    return render_event(msgspec.json.encode(body))


def _chunked(said: dict[str, Any]) -> None:
    """Thoughts as chunks, and a name for every call."""
    for call in said.get("tool_calls") or ():
        if "function" in call:
            call["function"].setdefault("name", "")
    words = said.pop("reasoning_content", None)
    details = said.pop("reasoning_details", None) or ()
    thoughts = [_thought(one) for one in details] if details else [_thinking(words or "", None)] if words else []
    if thoughts:
        said["content"] = [*thoughts, *([{"type": "text", "text": said["content"]}] if said.get("content") else [])]


def _thought(detail: dict[str, Any]) -> dict[str, Any]:
    """A thought in detail, as the dialect below tells it; the proof of another provider is carried."""
    words = detail.get("text") or detail.get("summary") or ""
    signature = detail.get("signature")
    if detail.get("format") != NAME:
        summary = detail.get("type") == "reasoning.summary"
        sealed, ident, form = detail.get("data"), detail.get("id"), detail.get("format")
        maker = _MAKERS.get(form, form)
        part = Reasoning(text=words, sealed=sealed, id=ident, summary=summary, maker=maker)
        signature = carry(part, signature) or None
    return _thinking(words, signature)


def _thinking(words: str, signature: str | None) -> dict[str, Any]:
    chunk: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": words}]}
    return chunk if signature is None else {**chunk, "signature": signature}
