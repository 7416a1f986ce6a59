"""A streamed answer, chunk by chunk, as what happens in it.

1. The dialect does not say where parts begin and end: a part opens with its first delta. A text, a thought or a refusal is
   closed when one of another sort begins. Tool calls may grow side by side; each is closed when its arguments are whole, or
   with its choice, so that a client whose dialect has one part after the other need not wait.
2. Which call a delta belongs to is `Calls`' to say.
3. `[DONE]` is the end. A stream whose choices have all stopped is whole without it, for some never send it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import Event
from headgate.api.ai import (
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Garbled,
    Happening,
    Media,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    Said,
    SignatureDelta,
    SseReader,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
)
from headgate_openai.chat.answers import citation, picture, probs_of, stop_of, text_of
from headgate_openai.chat.calls import Calls, CallSoFar
from headgate_openai.chat.counting import refusal
from headgate_openai.chat.thoughts import thought_of
from headgate_openai.chat.wire import WireCall, WireChoice, WireMessage, answers

DONE: Final = b"[DONE]"


class _Choice:
    """What is open of one choice. `single` is the part that closes when one of another sort begins."""

    __slots__ = ("calls", "count", "number", "open", "refused", "single", "stopped")

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0
        self.single: tuple[str, int] | None = None
        self.calls = Calls()
        self.open: list[int] = []
        self.refused = False
        self.stopped = False


class ChunkReader(SseReader):
    """See `EventReader`."""

    __slots__ = ("_began", "_choices", "_ended")

    def __init__(self) -> None:
        super().__init__()
        self._began = False
        self._ended = False
        self._choices: dict[int, _Choice] = {}

    def finish(self) -> list[Happening]:
        whole = bool(self._choices) and all(choice.stopped for choice in self._choices.values())
        return [Ended()] if whole and not self._ended else []

    def take(self, event: Event) -> list[Happening]:
        data = event.data.strip()
        if data == DONE:
            self._ended = True
            return [*self._close_all(), Ended()]
        if b'"error"' in data or event.event == b"error":
            said = refusal(data)
            if said is not None:
                return [Failed(said.message, dict(said.fields))]
        try:
            chunk = answers.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Garbled("with a stream that holds what is no chunk in JSON") from None
        out: list[Happening] = []
        if not self._began:
            self._began = True
            out.append(Began(chunk.id, chunk.model, int(chunk.created) if chunk.created is not None else None))
        for choice in chunk.choices or ():
            self._choice(choice, out)
        if chunk.usage is not None:
            out.append(Used(chunk.usage.counted()))
        return out

    def _close_all(self) -> list[Happening]:
        """Some end without a reason: what is open is closed all the same."""
        out: list[Happening] = []
        for choice in self._choices.values():
            self._stop(choice, None, out)
        return out

    def _choice(self, said: WireChoice, out: list[Happening]) -> None:
        choice = self._choices.get(said.index)
        if choice is None:
            choice = self._choices[said.index] = _Choice(said.index)
        delta = said.delta or said.message
        if delta is not None and not choice.stopped:
            self._delta(choice, delta, said, out)
        if said.finish_reason is not None:
            self._stop(choice, said.finish_reason, out)

    def _stop(self, choice: _Choice, reason: str | None, out: list[Happening]) -> None:
        if choice.stopped:
            return
        choice.stopped = True
        out.extend(Closed(index, choice.number) for index in choice.open)
        choice.open = []
        stop = stop_of(reason)
        out.append(Stopped("refusal" if stop == "stop" and choice.refused else stop, choice.number))

    # --- deltas --------------------------------------------------------------------------------------------------------

    def _delta(self, choice: _Choice, delta: WireMessage, said: WireChoice, out: list[Happening]) -> None:
        number = choice.number
        self._thought(choice, delta, out)
        if delta.content:
            text = delta.content if isinstance(delta.content, str) else _joined(delta.content)
            index = self._single(choice, "text", Text(""), out)
            out.append(TextDelta(text, index, number, probs_of(said.logprobs)))
        for one in delta.annotations or ():
            out.append(CitationDelta(citation(one), self._single(choice, "text", Text(""), out), number))
        if delta.refusal:
            choice.refused = True
            index = self._single(choice, "refusal", Refused(""), out)
            out.append(RefusalDelta(delta.refusal, index, number))
        if delta.audio is not None:
            sound = delta.audio
            part = Audio(Media(), None, None, sound.id, sound.expires_at)
            index = self._single(choice, "audio", part, out)
            if sound.data or sound.transcript:
                out.append(AudioDelta(sound.data or "", sound.transcript or "", index, number))
        for one in delta.images or ():
            self._single(choice, "image", picture(one), out, again=True)
        for call in delta.tool_calls or ():
            self._call(choice, call, out)
        if delta.function_call is not None:
            function = WireCall(delta.function_call, delta.function_call.name, "function", 0)
            self._call(choice, function, out)

    def _thought(self, choice: _Choice, delta: WireMessage, out: list[Happening]) -> None:
        if delta.reasoning_details:
            for one in delta.reasoning_details:
                self._detail(choice, one, out)
            return
        thought = delta.thought()
        if thought:
            index = self._single(choice, "reasoning", Reasoning(""), out)
            out.append(ReasoningDelta(thought, index, choice.number))

    def _detail(self, choice: _Choice, value: dict[str, Any], out: list[Happening]) -> None:
        """A thought as OpenRouter tells it: its index is what belongs together."""
        whole = thought_of(value)
        sealed = whole.sealed
        kind = f"reasoning {value.get('index', 0)} {value.get('type')}"
        part = Reasoning("", sealed=sealed, id=whole.id, summary=whole.summary, maker=whole.maker)
        index = self._single(choice, kind, part, out, again=sealed is not None)
        if whole.text:
            out.append(ReasoningDelta(whole.text, index, choice.number))
        if whole.signature:
            out.append(SignatureDelta(whole.signature, index, choice.number))

    def _single(self, choice: _Choice, kind: str, part: Said, out: list[Happening], *, again: bool = False) -> int:
        """The open part of this sort, opened if there is none; of another sort, what was open is closed."""
        if choice.single is not None:
            if choice.single[0] == kind and not again:
                return choice.single[1]
            self._close(choice, choice.single[1], out)
        index = self._open(choice, part, out)
        choice.single = (kind, index)
        return index

    def _open(self, choice: _Choice, part: Said, out: list[Happening]) -> int:
        index = choice.count
        choice.count += 1
        self._close_calls(choice, out)
        choice.open.append(index)
        out.append(Opened(part, index, choice.number))
        return index

    def _close(self, choice: _Choice, index: int, out: list[Happening]) -> None:
        choice.open.remove(index)
        out.append(Closed(index, choice.number))

    def _call(self, choice: _Choice, said: WireCall, out: list[Happening]) -> None:
        name = (said.function.name if said.function is not None else None) or ""
        text = text_of(said.function.arguments) if said.function is not None else ""
        call = choice.calls.find(said.index, said.id, name, text)
        if call is None:
            call = self._begin_call(choice, said, name, out)
        if text:
            was_open = call.open
            choice.calls.grow(call, text)
            if was_open:
                out.append(ArgumentsDelta(text, call.index, choice.number))
        self._close_calls(choice, out)

    def _begin_call(self, choice: _Choice, said: WireCall, name: str, out: list[Happening]) -> CallSoFar:
        if choice.single is not None:
            self._close(choice, choice.single[1], out)
            choice.single = None
        part = ToolCall(said.id or f"call_{choice.calls.count}", name)
        call = CallSoFar(self._open(choice, part, out), said.id, name)
        choice.calls.begin(said.index, call)
        return call

    def _close_calls(self, choice: _Choice, out: list[Happening]) -> None:
        """Those of which nothing can follow."""
        for index in choice.calls.completed(choice.count - 1):
            self._close(choice, index, out)


def _joined(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
