"""One answer of a session, from the moment it may begin: what was set aside for it, and what it used.

1. The input of an answer is what was said in the session, and no more than the model's window. So much is reserved, with the
   longest answer, before the answer is asked for; it is settled with what the provider says that it used.
2. What nobody reported is estimated, and marked so: for people what was relayed, for accounts the safe side.
3. An answer ends once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.api import Bound, Exchange, Hold, Money
from headgate.api.ai import Counted, tokens_in
from headgate_ai.prices import Prices

if TYPE_CHECKING:
    from headgate_ai.models import Model

# For what is around all that is said; as for a chat (see `bounds`).
FIXED: Final = 600


def bound_of(model: Model, most_output: int | None, unbounded: str | None, said: int | None = None) -> Bound:
    """The most that one answer can use, where so much (`said`, in tokens) is its input at most, and it was asked to be no
    longer than `most_output`."""
    window = model.context
    if window is None:
        return Bound(model.label, unbounded=unbounded or "its window is not known: say `context` in the model")
    read = window if said is None else min(window, said)
    longest = min(window, model.most_output or window)
    answered = longest if most_output is None else min(longest, most_output)
    cost = model.prices.most(Counted(input_tokens=read, output_tokens=answered))
    return Bound(model.label, read + answered, cost, unbounded, answered)


class Turn:
    """One answer, or one transcript. `text` and `sound` are the tokens of what was relayed of it."""

    __slots__ = ("_ctx", "_holds", "_prices", "bound", "cost", "sound", "text")

    def __init__(self, ctx: Exchange, prices: Prices, bound: Bound, holds: list[Hold]) -> None:
        self._ctx = ctx
        self._prices = prices
        self._holds: list[Hold] | None = holds
        self.bound = bound
        self.cost: Money | None = Money(0)
        self.text = 0
        self.sound = 0.0

    def __repr__(self) -> str:
        return f"<Turn of {self.bound.what} {'over' if self._holds is None else 'open'}>"

    def release(self) -> None:
        """Nothing was used."""
        holds, self._holds = self._holds or [], None
        for hold in holds:
            hold.release()

    def settle(self, counted: Counted, booked: Counted | None = None) -> None:
        """So much was used; accounts are told `booked` where that is more."""
        holds, self._holds = self._holds, None
        if holds is None:
            return
        self.cost = self._cost(counted)
        usage = counted.usage(self.cost)
        told = usage if booked is None else booked.usage(self._cost(booked))
        for hold in holds:
            hold.settle(told)
        ctx = self._ctx
        ctx.usage = usage if ctx.usage is None else ctx.usage.plus(usage)
        if self.cost is None:
            ctx.note("unpriced", self.bound.what)

    def estimate(self, heard: int) -> None:
        """Settle what the provider did not get to report. `heard` is its input, as it likely is."""
        most = None if self.bound.tokens is None else self.bound.tokens - (self.bound.answered or 0)
        read = heard if most is None else min(heard, most)
        sound = int(self.sound)
        text = tokens_in(self.text)
        counted = Counted(
            input_tokens=read, output_tokens=text + sound, output_audio_tokens=sound, estimated=True
        )  # fmt: skip
        self.settle(counted, self._safe(most, sound) if self._holds else None)

    def _safe(self, most: int | None, sound: int) -> Counted | None:
        """The dearest that it can have been: all of the input sound, and a token of text for each byte that came."""
        if most is None:
            return None
        return Counted(
            input_tokens=most, input_audio_tokens=most, output_tokens=self.text + 4 * sound,
            output_audio_tokens=4 * sound, estimated=True,
        )  # fmt: skip

    def _cost(self, counted: Counted) -> Money | None:
        """An estimate is never more than the bound."""
        cost, most = self._prices.cost(counted), self.bound.cost
        if cost is None:
            return None
        if counted.estimated and most is not None and self.bound.unbounded is None:
            cost = min(cost, most)
        return max(cost, Money(0))
