"""How a guard looks at answers, whole or streamed, in whatever dialect they come and go.

1. A step that wants to see or change what a model says puts an `AnswerFilter` into the exchange; the AI step that answers
   passes the answer through all of them, in the order of the lines.
2. A whole answer is changed in place. A stream is filtered as it happens: `take` gives what may go on, and holds back
   only what it cannot decide yet; what is held back goes on with what comes next, in order, at the latest before the part
   that it belongs to is closed.
3. An answer that is kept for others is kept as its filters left it. What a filter put in from this one exchange is its
   `key`, and `filters_key` has to be part of what such an answer is kept under.
4. A filter may raise a Failure: before the head that is an answer like any other, on a stream its client is told.
"""

from __future__ import annotations

import hashlib
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

    def key(self) -> bytes:
        """What its changes depend on that is this exchange's own, as a digest; b"" where that is nothing."""
        ...

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


def filters_key(ctx: Exchange) -> bytes:
    """What the answers of this exchange depend on besides what was asked, as far as its filters put it in."""
    keys = [key for one in answer_filters(ctx) if (key := one.key())]
    return hashlib.sha256(b"\0".join(keys)).digest() if keys else b""
