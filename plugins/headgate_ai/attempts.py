"""One try: what was sent, what for, and everybody who waits to hear what it used.

1. A try ends once. It is settled with what its provider says it used; or it is given up, and then what was used is guessed
   (see `guessing`). That is told to the accounts that hold something for it, and to the row, with accounts or without.
2. What was refused with a status, or brought no byte to its provider, used nothing. But a status that says that somebody on
   the way waited no longer says nothing of the provider: that is an answer that never came.
3. A whole answer that was asked for and never came is booked at its bound: nobody here knows what the provider made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from headgate.api import Attempt, Bound, Exchange, Failure, Hold, Money, Usage
from headgate.api.ai import Counted, Written
from headgate_ai.guessing import believed, guess, safe_side

if TYPE_CHECKING:
    from headgate_ai.models import Model
    from headgate_ai.questions import Asking

# Of a proxy in front of the provider that waited no longer: request timeout, client closed, gateway timeout, Cloudflare's.
GAVE_UP: Final = frozenset({408, 499, 504, 524})


@dataclass(slots=True)
class Asked:
    """One try, while it runs. `said` and `seen_bytes` are what its provider has said of what it used, and how much of an
    answer came, for the case that it is given up; `place` is where it stands among the attempts."""

    ctx: Exchange
    model: Model
    question: Asking
    written: Written
    began: float
    bound: Bound
    holds: list[Hold] = field(default_factory=list)
    key: str | None = None
    sent: bool = False
    settled: bool = False
    said: Counted | None = None
    seen_bytes: int = 0
    cost: Money | None = None
    answered_tokens: int = 0
    place: int | None = None
    status: int | None = None
    why: str | None = None

    def settle(self, counted: Counted, booked: Counted | None = None) -> None:
        """What was used, told to everybody who waits for it; accounts are told `booked` where that is more."""
        cost = self._cost(counted)
        usage = counted.usage(cost)
        self._account(usage, usage if booked is None else booked.usage(self._cost(booked)))
        if cost is None:
            self.ctx.note("unpriced", self.model.label)

    def _cost(self, counted: Counted) -> Money | None:
        """What so many cost. An estimate is never more than the bound; and counts below nothing give no credit."""
        cost, most = self.model.prices.cost(counted), self.bound.cost
        if cost is None:
            return None
        if counted.estimated and most is not None and self.bound.unbounded is None:
            cost = min(cost, most)
        return max(cost, Money(0))

    def settle_whole(self, said: Counted | None, answered_bytes: int) -> None:
        """As `settle`, for a whole answer: its provider's counts where it has any."""
        said = believed(said, answered_bytes)
        if said is not None:
            self.settle(said)
        else:
            self.settle_guessed(None, answered_bytes)

    def settle_guessed(self, said: Counted | None, answered_bytes: int) -> None:
        """As `settle`, for what ended before its provider could say all of it: `said` is what it has said."""
        booked = safe_side(self, said, answered_bytes) if self.holds else None
        self.settle(guess(self, said, answered_bytes), booked)

    def answered(self, status: int) -> None:
        """The provider answered with that status, which is no answer."""
        if status not in GAVE_UP:
            self.refused()

    def refused(self) -> None:
        """Nothing was used."""
        self.settled = True
        holds, self.holds = self.holds, []
        for hold in holds:
            hold.release()

    def give_up(self) -> None:
        """The try ended without an answer, or has been settled: then nothing is left to do."""
        if self.settled:
            return
        if not self.sent:
            self.refused()
        elif self.question.streams or not self.holds:
            self.settle_guessed(self.said, self.seen_bytes)
        else:
            self._book_all()

    def note(self, result: str) -> None:
        """Put this try among the attempts; said again, it is corrected."""
        served, clock = self.ctx.served, self.ctx.node.clock
        assert served is not None
        attempt = Attempt(
            target=self.model.label,
            result=result,
            duration_s=clock.monotonic() - self.began,
            cost=self.cost,
            key=self.key,
            status=self.status,
            why=self.why,
        )
        if self.place is None:
            self.place = len(served.attempts)
            served.attempts.append(attempt)
        else:
            served.attempts[self.place] = attempt

    def _book_all(self) -> None:
        """Rule 3."""
        usage = guess(self, self.said, self.seen_bytes).usage(self.bound.cost)
        output = max(usage.output_tokens, (self.bound.tokens or 0) - usage.input_tokens)
        self._account(usage, replace(usage, output_tokens=output))

    def _account(self, usage: Usage, booked: Usage) -> None:
        self.settled = True
        holds, self.holds = self.holds, []
        for hold in holds:
            hold.settle(booked)
        self.cost, self.answered_tokens = usage.cost, usage.output_tokens
        self.ctx.usage = usage if self.ctx.usage is None else self.ctx.usage.plus(usage)


def end(asked: Asked, result: str, fault: BaseException | None = None) -> None:
    """A try is over, by that fault if it failed; what it still holds is given up."""
    asked.give_up()
    if isinstance(fault, Failure):
        asked.why = fault.message
    asked.note(result)


def unsent(target: str, refusal: Failure) -> Attempt:
    """A try that a limit refused before anything was sent."""
    return Attempt(target=target, result=refusal.kind, duration_s=0.0, why=refusal.message)
