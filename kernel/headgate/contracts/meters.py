"""How a block that limits what is used (`budget`, `limit.tokens`) meets the steps that use it (`ai.*`).

1. A step that limits puts a `Meter` into `exchange.meters`, and takes it out when its lines have run.
2. A step that uses something asks every meter, outermost first, before the first byte of each attempt: it reserves a
   bound, and settles it with what was really used when the attempt has ended, whichever way. An attempt of which nothing
   was sent is released. Each reservation ends exactly once.
3. What a meter raises, the line that put it there has declared: the step that asks need not.
4. Meters know nothing of models, the steps nothing of accounts. What they share is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from headgate.contracts.shapes.usage import Usage
from headgate.contracts.values import Money


class Around(NamedTuple):
    """A block around a line, as the policy has it: its step, and which of its parameters are given by name."""

    step: str
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that one attempt can use. `tokens` is input and output together, `answered` the output alone, where it is
    known apart, `cost` what that comes to.

    Either is None where nobody can say, and `unbounded` says why, as half a sentence: "`file_id` has no known size".
    `what` names who is asked, for people: `openai/gpt-4.1`.
    """

    what: str
    tokens: int | None = None
    cost: Money | None = None
    unbounded: str | None = None
    answered: int | None = None


class Hold(Protocol):
    """What is reserved for one attempt. One of the two is called, once; neither waits nor fails."""

    def settle(self, usage: Usage) -> None:
        """What was used, measured or estimated. More than the bound is booked in full, as an overrun."""
        ...

    def release(self) -> None:
        """Nothing was sent, so nothing was used."""
        ...


class Meter(Protocol):
    """One limit, for one exchange."""

    cap: int | None
    """The most output tokens to ask for where the client gave no bound; None leaves it to the model's maximum."""

    def reserve_now(self, bound: Bound) -> Hold | None:
        """The half that never waits: as `reserve`, or None where the store has to be asked."""
        ...

    async def reserve(self, bound: Bound) -> Hold:
        """Set the bound aside, or raise the limit's own failure (`budget.exhausted`, `limit.exceeded`,
        `budget.unbounded`). Cancelled, nothing is reserved. StoreError where the store cannot say."""
        ...


async def reserve_all(meters: list[Meter] | None, bound: Bound) -> list[Hold]:
    """A hold of every meter, or none at all."""
    holds: list[Hold] = []
    try:
        for meter in meters or ():
            holds.append(meter.reserve_now(bound) or await meter.reserve(bound))
    except BaseException:
        for hold in holds:
            hold.release()
        raise
    return holds
