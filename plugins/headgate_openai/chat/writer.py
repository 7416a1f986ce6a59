"""A streamed answer for a client, chunk by chunk.

1. The first chunk of a choice names the role. Tool calls are numbered in the order in which they open.
2. The counts go out at the end, in a chunk of their own, if the client asked for them (`stream_options.include_usage`);
   then every other chunk says that it has none, as OpenAI does.
3. A thought's proof goes out in `reasoning_details`, from which the same client may bring it back.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api import render_event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Chat,
    CitationDelta,
    Counted,
    Ended,
    Failed,
    Happening,
    Image,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Stopped,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.chat.answers import new_id, reason_of, render_citation, render_picture, render_prob, render_usage
from headgate_openai.chat.errors import broken_off
from headgate_openai.chat.rendering import detail


class ChunkWriter:
    """See `EventWriter`."""

    __slots__ = ("_at", "_calls", "_common", "_counted", "_lengths", "_model", "_said", "_wants_counts")

    def __init__(self, chat: Chat, at: float) -> None:
        options = chat.raw().get("stream_options")
        self._wants_counts = isinstance(options, dict) and options.get("include_usage") is True
        self._at = int(at)
        self._model = chat.model
        self._common: dict[str, Any] = {}
        self._counted: Counted | None = None
        self._said: set[int] = set()
        self._calls: dict[tuple[int, int], int] = {}
        self._lengths: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<ChunkWriter {self._common.get('id', 'not begun')} [{len(self._calls)} calls]>"

    def write(self, happening: Happening) -> bytes:
        match happening:
            case TextDelta(text=text, choice=choice, logprobs=probs):
                self._lengths[choice] = self._lengths.get(choice, 0) + len(text)
                logprobs = None if probs is None else {"content": [render_prob(one) for one in probs], "refusal": None}
                return self._delta(choice, {"content": text}, logprobs)
            case ArgumentsDelta(text=text, index=index, choice=choice):
                call = {"index": self._calls[choice, index], "function": {"arguments": text}}
                return self._delta(choice, {"tool_calls": [call]})
            case ReasoningDelta(text=text, choice=choice):
                return self._delta(choice, {"reasoning_content": text})
            case Opened():
                return self._opened(happening)
            case Stopped(stop=stop, choice=choice):
                return self._delta(choice, {}, reason=reason_of(stop))
            case Used(counted=counted):
                self._counted = counted
            case Began(id=ident, model=model, created=created):
                self._begin(ident, model, created)
            case Ended():
                return self._counts() + render_event(b"[DONE]")
            case Failed(message=message):
                return broken_off(message, "upstream.status")
            case _:
                return self._rarer(happening)
        return b""

    def _rarer(self, happening: Happening) -> bytes:
        match happening:
            case SignatureDelta(signature=signature, choice=choice, index=index):
                said = {"type": "reasoning.text", "text": "", "signature": signature, "index": index}
                return self._delta(choice, {"reasoning_details": [said]})
            case RefusalDelta(text=text, choice=choice):
                return self._delta(choice, {"refusal": text})
            case AudioDelta(data=data, transcript=transcript, choice=choice):
                sound = {name: value for name, value in (("data", data), ("transcript", transcript)) if value}
                return self._delta(choice, {"audio": sound})
            case CitationDelta(citation=citation, choice=choice) if citation.url is not None:
                said = render_citation(citation, 0, self._lengths.get(choice, 0))
                return self._delta(choice, {"annotations": [said]})
        return b""

    def _opened(self, happening: Opened) -> bytes:
        part, choice = happening.part, happening.choice
        match part:
            case ToolCall():
                number = sum(1 for of, _ in self._calls if of == choice)
                self._calls[choice, happening.index] = number
                function = {"name": part.name, "arguments": part.arguments}
                call = {"index": number, "id": part.id, "type": "function", "function": function}
                return self._delta(choice, {"tool_calls": [call]})
            case Audio(id=ident, expires_at=expires):
                return self._delta(choice, {"audio": {"id": ident or "audio", "expires_at": expires or 0}})
            case Image():
                return self._delta(choice, {"images": [render_picture(part)]})
            case Reasoning(sealed=sealed) if sealed is not None:
                return self._delta(choice, {"reasoning_details": [{**detail(part), "index": happening.index}]})
        return self._words(part, choice)

    def _words(self, part: Any, choice: int) -> bytes:
        """What a part has said already when it opens."""
        text = getattr(part, "text", "")
        if not text:
            return b""
        names = {"text": "content", "reasoning": "reasoning_content", "refusal": "refusal"}
        return self._delta(choice, {names[part.__struct_config__.tag]: text})

    # --- chunks --------------------------------------------------------------------------------------------------------

    def _begin(self, ident: str | None, model: str | None, created: int | None) -> None:
        self._common = {
            "id": ident or new_id(),
            "object": "chat.completion.chunk",
            "created": created if created is not None else self._at,
            "model": model or self._model,
        }

    def _delta(self, choice: int, delta: dict[str, Any], logprobs: Any = None, *, reason: str | None = None) -> bytes:
        if choice not in self._said:
            self._said.add(choice)
            first = {"role": "assistant", "content": delta.get("content") if "content" in delta else ""}
            delta = {**first, **delta}
        said = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._chunk([said], {"usage": None} if self._wants_counts else {})

    def _counts(self) -> bytes:
        if not self._wants_counts:
            return b""
        counted = self._counted or Counted()
        return self._chunk([], {"usage": render_usage(counted)})

    def _chunk(self, choices: list[Any], more: dict[str, Any]) -> bytes:
        if not self._common:
            self._begin(None, None, None)
        return render_event(msgspec.json.encode({**self._common, "choices": choices, **more}))
