"""How a guard looks at answers, whole or streamed, in whatever dialect they come and go.

1. A step that wants to see or change what a model says puts an `AnswerFilter` into the exchange; the AI step that answers
   passes the answer through all of them, in the order of the lines.
2. A whole answer is changed in place. A stream is filtered as it happens: `take` gives what may go on, and holds back
   only what it cannot decide yet; what is held back goes on with what comes next, in order, at the latest before the part
   that it belongs to is closed.
3. A filter may raise a Failure: before the head that is an answer like any other, on a stream its client is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from headgate.contracts.ai.answers import Answer
from headgate.contracts.ai.events import Happening

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange

_KEPT: Final = "ai.filters"


class StreamFilter(Protocol):
    """One stream's filter; it may keep state."""

    def take(self, happening: Happening) -> list[Happening]:
        """What goes on in its place: itself, something else, or nothing yet. May raise a Failure."""
        ...


class AnswerFilter(Protocol):
    """What a guard does to the answers of one exchange."""

    def whole(self, answer: Answer) -> None:
        """Change a whole answer in place. May raise a Failure."""
        ...

    def stream(self) -> StreamFilter:
        """For one streamed answer."""
        ...


def filter_answers(ctx: Exchange, one: AnswerFilter) -> None:
    """Have every answer of this exchange pass through the filter."""
    ctx.remember(_KEPT, [*(ctx.recall(_KEPT) or ()), one])


def answer_filters(ctx: Exchange) -> list[AnswerFilter]:
    """The filters so far, in the order of their lines."""
    return ctx.recall(_KEPT) or []
