"""A response as it comes to be: whole answers, streams, and what is kept of a conversation are all made here.

1. What happens goes in; the events of the dialect come out, numbered, one for one, and at the end there is the object.
2. Only one answer has a place here: of several choices the first is told.
3. Sound has no place: its transcript is a text. A picture that is an address becomes a text that shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Chat,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Happening,
    Image,
    Opaque,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    Stop,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.responses.counting import render_usage
from headgate_openai.responses.growing import Calling, Saying, Thinking, Words
from headgate_openai.responses.responding import INCOMPLETE, id_of, item_id, render_prob, skeleton
from headgate_openai.responses.shapes import NAME, Picture

Emit = Callable[[dict[str, Any]], None]


class Building:
    """One response. `emit` takes each event, which has to be encoded at once; without it, there are none."""

    __slots__ = ("_at", "_chat", "_emit", "_message", "_number", "_open", "_stop", "_thought", "response")

    def __init__(self, chat: Chat, at: float, emit: Emit | None = None) -> None:
        self._chat, self._at, self._emit = chat, int(at), emit
        self.response: dict[str, Any] = {}
        self._number = 0
        self._open: dict[int, Words | Calling | Thinking] = {}
        self._message: Saying | None = None
        self._thought: Thinking | None = None
        self._stop: Stop = "other"

    def __repr__(self) -> str:
        return f"<Building {self.response.get('id', 'not begun')} [{len(self._open)} parts open]>"

    def take(self, happening: Happening) -> None:
        """One more thing that happens."""
        if not self.response and not isinstance(happening, Began):
            self._begin(Began())
        match happening:
            case Began():
                self._begin(happening)
            case Used(counted=counted):
                self.response["usage"] = render_usage(counted)
            case Ended():
                self._end()
            case Failed(message=message, fields=fields):
                self._fail(message, fields.get("code"))
            case _ if getattr(happening, "choice", 0) == 0:
                self._part(happening)

    def _part(self, happening: Happening) -> None:
        match happening:
            case Opened(part=part, index=index):
                self._opened(part, index)
            case TextDelta(text=text, index=index, logprobs=probs):
                self._words(index).grow(text, probs)
            case (
                RefusalDelta(text=text, index=index)
                | ReasoningDelta(text=text, index=index)
                | ArgumentsDelta(text=text, index=index)
            ):
                self._open[index].grow(text)
            case SignatureDelta(signature=signature, index=index):
                thought = self._open[index]
                assert isinstance(thought, Thinking)
                thought.sign(signature)
            case CitationDelta(citation=citation, index=index):
                self._words(index).cite(citation)
            case AudioDelta(transcript=words, index=index) if words:
                self._words(index).grow(words)
            case Closed(index=index) if index in self._open:
                self._open.pop(index).close()
            case Stopped(stop=stop):
                self._stop = stop

    def _words(self, index: int) -> Words:
        words = self._open[index]
        assert isinstance(words, Words)
        return words

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _opened(self, part: Any, index: int) -> None:
        match part:
            case Text() | Audio():
                text = part.text if isinstance(part, Text) else part.transcript or ""
                empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
                self._said(index, empty, text)
                for one in getattr(part, "citations", ()):
                    self._words(index).cite(one)
            case Refused(text=text):
                self._said(index, {"type": "refusal", "refusal": ""}, text)
            case ToolCall():
                place, ident = self._next("fc")
                self._grow(index, Calling(self._say, place, ident, part), part.arguments)
                self._keep(self._open[index])
            case Reasoning() if self._thought is not None and self._thought.seal(part):
                pass
            case Reasoning():
                place, ident = self._next("th")
                self._thought = thought = Thinking(self._say, place, ident, part)
                self._keep(thought)
                self._grow(index, thought, part.text)
            case Image(media=media):
                self._picture(part, index, media.data)
            case Opaque(dialect=dialect, value=value) if dialect == NAME:
                self._at_once({**value})

    def _said(self, index: int, empty: dict[str, Any], text: str) -> None:
        """A text or a refusal, in the message that is there, or else in a new one."""
        if self._message is None:
            place, ident = self._next("msg")
            self._message = Saying(self._say, place, ident)
            self._keep(self._message)
        self._grow(index, self._message.open(empty), text)

    def _grow(self, index: int, part: Words | Calling | Thinking, text: str) -> None:
        self._open[index] = part
        if text:
            part.grow(text)

    def _picture(self, part: Image, index: int, data: str | None) -> None:
        if data is None:
            self._opened(Text(text=f"![]({part.media.url})"), index)
            return
        item = part.item if isinstance(part, Picture) else {"type": "image_generation_call", "status": "completed"}
        self._at_once({**item, "result": data})

    def _at_once(self, item: dict[str, Any]) -> None:
        """An item that is whole from the start."""
        place, ident = self._next("ig")
        item = {"id": ident, **item}
        self.response["output"].append(item)
        self._say("response.output_item.added", output_index=place, item=item)
        self._say("response.output_item.done", output_index=place, item=item)

    def _next(self, kind: str) -> tuple[int, str]:
        """The place of a new item, and its id. The message or the thought before it gets no more."""
        self._no_more("completed")
        place = len(self.response["output"])
        return place, item_id(kind, self.response["id"], place)

    def _keep(self, grown: Any) -> None:
        self.response["output"].append(grown.item)

    # --- the whole -----------------------------------------------------------------------------------------------------

    def _begin(self, began: Began) -> None:
        created = self._at if began.created is None else began.created
        self.response = skeleton(self._chat, id_of(began.id), created, began.model or self._chat.model)
        self._say("response.created", response=self.response)
        self._say("response.in_progress", response=self.response)

    def _end(self) -> None:
        self._close()
        reason = INCOMPLETE.get(self._stop)
        status = "completed" if reason is None else "incomplete"
        self.response["status"] = status
        if reason is not None:
            self.response["incomplete_details"] = {"reason": reason}
        else:
            self.response["completed_at"] = self._at
        self._say(f"response.{status}", response=self.response)

    def _close(self) -> None:
        for index in list(self._open):
            self._open.pop(index).close()
        self._no_more("incomplete" if self._stop in INCOMPLETE else "completed")

    def _no_more(self, status: str) -> None:
        if self._message is not None:
            self._message.end(status)
        if self._thought is not None:
            self._thought.end()
        self._message = self._thought = None

    def _fail(self, message: str, code: Any) -> None:
        self.response["status"] = "failed"
        known = code if code in ("rate_limit_exceeded", "invalid_prompt") else "server_error"
        self.response["error"] = {"code": known, "message": message}
        for part in self._open.values():
            part.settle()
        self._say("response.failed", response=self.response)

    def _say(self, kind: str, **fields: Any) -> None:
        if self._emit is not None:
            self._emit({"type": kind, "sequence_number": self._number, **fields})
            self._number += 1


def build(answer: Answer, chat: Chat, at: float) -> dict[str, Any]:
    """A whole answer as a response object."""
    building = Building(chat, at)
    building.take(Began(answer.id, answer.model, answer.created))
    first = answer.choices[0] if answer.choices else None
    for index, part in enumerate(first.parts if first else ()):
        building.take(Opened(part, index))
        building.take(Closed(index))
    if first is not None:
        building.take(Stopped(first.stop))
        _probabilities(building.response["output"], first.logprobs)
    if answer.counted is not None:
        building.take(Used(answer.counted))
    building.take(Ended())
    kept = answer.extra.get(NAME)
    return {**building.response, **(kept if isinstance(kept, dict) else {})}


def _probabilities(output: list[dict[str, Any]], probs: list[Any] | None) -> None:
    """Those of a whole answer belong to its text."""
    said = [item for item in output if item.get("type") == "message" and isinstance(item.get("content"), list)]
    texts = [part for item in said for part in item["content"] if part["type"] == "output_text"]
    if probs and texts:
        texts[0]["logprobs"] = [render_prob(one) for one in probs]
