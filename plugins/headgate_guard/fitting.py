"""Answers that have to be of a form: `guard.json`, `guard.schema`.

1. A whole answer is held against the form before its head: what does not fit is `ai.bad_output`, which another model may
   mend, and which a route can handle.
2. A stream goes on as it comes, and is held against the form when a choice is complete: a client that reads to the end
   learns there, from an error, that it may not use what it has.
3. A choice that calls tools, or that was declined, says nothing that could have a form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headgate.api import (
    BEFORE_RESPONSE,
    HEAD,
    Const,
    Exchange,
    NotStrict,
    Text,
    TypeRef,
    UpstreamFault,
    decode_strictly,
    step,
)
from headgate.api.ai import (
    Answer,
    Happening,
    Opened,
    Refused,
    Stopped,
    StreamFilter,
    TextDelta,
    ToolCall,
    filter_answers,
)
from headgate.api.ai import Text as Words

Check = Callable[[bytes], object]
"""Raises ValueError where a text is not of the form; the message says why, without the text."""
# Of a stream this much is kept to be looked at; what is longer is not looked at in vain.
_MOST: Final = 1 << 22


class FitFilter:
    """An `AnswerFilter` that holds what is said against a form."""

    __slots__ = ("_check", "_guard")

    def __init__(self, check: Check, guard: str) -> None:
        self._check = check
        self._guard = guard

    def __repr__(self) -> str:
        return f"<FitFilter {self._guard}>"

    def key(self) -> bytes:
        """See `AnswerFilter`."""
        return b""

    def whole(self, answer: Answer) -> None:
        """See `AnswerFilter`. UpstreamFault `ai.bad_output`."""
        for choice in answer.choices:
            if not any(isinstance(part, (ToolCall, Refused)) for part in choice.parts):
                self.hold("".join(part.text for part in choice.parts if isinstance(part, Words)))

    def stream(self) -> StreamFilter:
        """See `AnswerFilter`."""
        return FitStream(self)

    def hold(self, text: str) -> None:
        """Hold a whole text against the form."""
        try:
            self._check(text.encode())
        except ValueError as error:
            said = error.message if isinstance(error, NotStrict) else str(error)
            raise self.misfit(said) from None

    def misfit(self, why: str) -> UpstreamFault:
        """What is said of an answer that does not fit."""
        return UpstreamFault("ai.bad_output", f"The answer is not what `{self._guard}` asks for: {why}", status=502)


class FitStream:
    """A `StreamFilter` that lets everything pass, and looks at the end."""

    __slots__ = ("_filter", "_other", "_said", "_size")

    def __init__(self, one: FitFilter) -> None:
        self._filter = one
        self._said: dict[int, list[str]] = {}
        self._other: set[int] = set()
        self._size = 0

    def __repr__(self) -> str:
        return f"<FitStream {self._size} characters>"

    def take(self, happening: Happening) -> list[Happening]:
        """See `StreamFilter`. UpstreamFault `ai.bad_output`."""
        match happening:
            case Opened(part=ToolCall() | Refused(), choice=choice):
                self._other.add(choice)
            case Opened(part=Words(text=text), choice=choice) | TextDelta(text=text, choice=choice):
                self._keep(choice, text)
            case Stopped(choice=choice) if choice not in self._other:
                self._filter.hold("".join(self._said.pop(choice, ())))
        return [happening]

    def _keep(self, choice: int, text: str) -> None:
        self._said.setdefault(choice, []).append(text)
        self._size += len(text)
        if self._size > _MOST:
            raise self._filter.misfit(f"it has more than {_MOST} characters.")


@step("guard.json", after=HEAD, phase=BEFORE_RESPONSE)
def json(ctx: Exchange, /, *, name: Const[Text] = "guard.json") -> None:
    """Refuse an answer that is not JSON, and nothing but JSON, with `ai.bad_output`.

    A stream passes as it comes, and ends with an error where it was none.
    """
    filter_answers(ctx, FitFilter(decode_strictly, name))


@step("guard.schema", after=HEAD, phase=BEFORE_RESPONSE)
def schema(ctx: Exchange, shape: TypeRef, /, *, name: Const[Text] = "guard.schema") -> None:
    """Refuse an answer that is not JSON of this `type` of the policy, with `ai.bad_output`: `guard.schema Sentiment`.

    A stream passes as it comes, and ends with an error where it was none.
    """
    filter_answers(ctx, FitFilter(shape.decode, name))
