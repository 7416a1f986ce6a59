"""An edit of what a model says, whole or as it happens.

1. Each part of each choice is a text of its own. What is held back of it goes out with what comes next, at the latest
   before the part is closed, signed, or the answer is over in any way.
2. A delta that goes on as it came is the same object: the block that it came in may pass untouched.
3. The probabilities of tokens show the tokens. An edit that hides leaves them out wherever it changed or held back
   something; one that restores gives them on, with the first words that follow.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from msgspec.structs import replace

from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    AudioDelta,
    Choice,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Happening,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    Stopped,
    StreamFilter,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
)
from headgate_guard.editing.cuts import Cut, Edit
from headgate_guard.editing.messages import edit_citation, edit_part

_Words = TextDelta | ArgumentsDelta | ReasoningDelta | RefusalDelta
_WORDS: Final = (TextDelta, ArgumentsDelta, ReasoningDelta, RefusalDelta)
# Where a part that grows by deltas has its words, and by which deltas.
_NAMES: Final[dict[type[Any], tuple[str, type[Any]]]] = {
    Text: ("text", TextDelta), Reasoning: ("text", ReasoningDelta), Refused: ("text", RefusalDelta),
    ToolCall: ("arguments", ArgumentsDelta),
}  # fmt: skip
_Place = tuple[int, int]


class EditFilter:
    """An `AnswerFilter` that runs an edit over every text."""

    __slots__ = ("_edit", "_key")

    def __init__(self, edit: Edit, key: Callable[[], bytes] | None = None) -> None:
        self._edit = edit
        self._key = key

    def __repr__(self) -> str:
        return f"<EditFilter {self._edit.finder!r}>"

    def key(self) -> bytes:
        """See `AnswerFilter`."""
        return b"" if self._key is None else self._key()

    def whole(self, answer: Answer) -> None:
        """See `AnswerFilter`."""
        for choice in answer.choices:
            self._choice(choice)

    def _choice(self, choice: Choice) -> None:
        before = [_words(part) for part in choice.parts]
        for part in choice.parts:
            edit_part(part, self._edit)
        if self._edit.hides and before != [_words(part) for part in choice.parts]:
            choice.logprobs = None

    def stream(self) -> StreamFilter:
        """See `AnswerFilter`."""
        return EditStream(self._edit)


def _words(part: Any) -> Any:
    return getattr(part, "text", None)


class _Part:
    """One part of a streamed answer, while it is told."""

    __slots__ = ("cut", "kind", "probs")

    def __init__(self, edit: Edit, kind: type[Any]) -> None:
        self.kind = kind
        self.cut = Cut(edit, json=kind is ArgumentsDelta)
        self.probs: list[TokenProb] | None = None

    def delta(self, text: str, place: _Place) -> Happening:
        """Words of this part."""
        choice, index = place
        made: Happening
        if self.kind is AudioDelta:
            made = AudioDelta("", text, index, choice)
        elif self.kind is TextDelta:
            made = TextDelta(text, index, choice, self.probs)
        else:
            made = self.kind(text, index, choice)
        self.probs = None
        return made


class EditStream:
    """A `StreamFilter` that runs an edit over every text."""

    __slots__ = ("_edit", "_parts")

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._parts: dict[_Place, _Part] = {}

    def __repr__(self) -> str:
        return f"<EditStream {self.held} characters held back>"

    @property
    def held(self) -> int:
        """How many characters are held back, in all parts."""
        return sum(part.cut.held for part in self._parts.values())

    def take(self, happening: Happening) -> list[Happening]:
        """See `StreamFilter`."""
        match happening:
            case TextDelta() | ArgumentsDelta() | ReasoningDelta() | RefusalDelta():
                return self._say(happening)
            case Opened():
                return [self._open(happening)]
            case Closed() | SignatureDelta():
                return [*self._flush(happening.choice, happening.index), happening]
            case Stopped():
                return [*self._flush(happening.choice), happening]
            case Ended() | Failed():
                return [*self._flush(), happening]
            case CitationDelta():
                return [self._cite(happening)]
            case AudioDelta() if happening.transcript:
                return self._sound(happening)
        return [happening]

    def _part(self, choice: int, index: int, kind: type[Any]) -> _Part:
        part = self._parts.get((choice, index))
        if part is None:
            part = self._parts[choice, index] = _Part(self._edit, kind)
        return part

    def _say(self, delta: _Words) -> list[Happening]:
        place = (delta.choice, delta.index)
        part = self._part(*place, type(delta))
        idle = part.cut.held == 0
        said = part.cut.take(delta.text)
        if idle and said == delta.text:
            return [delta]
        if isinstance(delta, TextDelta) and delta.logprobs and not self._edit.hides:
            part.probs = [*(part.probs or ()), *delta.logprobs]
        return [part.delta(said, place)] if said else []

    def _open(self, opened: Opened) -> Happening:
        """A part that has something to say already when it opens, or that comes whole."""
        name, kind = _NAMES.get(type(opened.part), ("", TextDelta))
        if not name:
            part = deepcopy(opened.part)
            edit_part(part, self._edit)
            return opened if part == opened.part else replace(opened, part=part)
        words = getattr(opened.part, name)
        said = self._part(opened.choice, opened.index, kind).cut.take(words) if words else words
        return opened if said == words else replace(opened, part=replace(opened.part, **{name: said}))

    def _cite(self, cited: CitationDelta) -> Happening:
        citation = replace(cited.citation)
        edit_citation(citation, self._edit, self._part(cited.choice, cited.index, TextDelta).cut)
        return cited if citation == cited.citation else replace(cited, citation=citation)

    def _sound(self, delta: AudioDelta) -> list[Happening]:
        part = self._part(delta.choice, delta.index, AudioDelta)
        idle = part.cut.held == 0
        said = part.cut.take(delta.transcript)
        if idle and said == delta.transcript:
            return [delta]
        return [replace(delta, transcript=said)] if said or delta.data else []

    def _flush(self, choice: int | None = None, index: int | None = None) -> list[Happening]:
        """What is held back of these parts, which say nothing more."""
        out = []
        for place in list(self._parts):
            if choice in (None, place[0]) and index in (None, place[1]):
                part = self._parts.pop(place)
                rest = part.cut.take("", final=True)
                if rest or part.probs:
                    out.append(part.delta(rest, place))
        return out
