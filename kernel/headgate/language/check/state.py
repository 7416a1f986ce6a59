"""What is known at a point of a path, and how paths join.

`facts` hold on every path to here (intersected where paths join); `seen` are the steps that some path has passed
(united). `answered` is "no", "yes", or "maybe" where the paths differ. A path that has ended is no state at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from headgate.language.source import Span


@dataclass(frozen=True, slots=True)
class State:
    facts: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    answered: str = "no"
    answered_at: Span | None = None

    def with_facts(self, *facts: str) -> State:
        return replace(self, facts=self.facts | set(facts))

    def having_run(self, marks: frozenset[str]) -> State:
        """Where steps may have run that stand on no line above: in a second round, or at once with this."""
        return replace(self, seen=self.seen | marks)

    def with_name(self, name: str) -> State:
        return replace(self, names=self.names | {name})

    def passing(self, marks: frozenset[str]) -> State:
        """Behind a step, which rules know by several names."""
        return replace(self, facts=self.facts | marks, seen=self.seen | marks)

    def answer(self, at: Span) -> State:
        return replace(self, answered="yes", answered_at=at, facts=self.facts | {"response"})


@dataclass(frozen=True, slots=True)
class Raised:
    """A line that can raise a kind, and what holds right before it."""

    kind: str
    before: State
    span: Span


def meet(before: State, states: Iterable[State | None]) -> State:
    """Behind lines that ran at once: all that each of them gave."""
    for state in states:
        if state is not None:
            answered = before.answered if state.answered == "no" else state.answered
            before = replace(
                before, facts=before.facts | state.facts, seen=before.seen | state.seen, names=before.names | state.names,
                answered=answered, answered_at=before.answered_at or state.answered_at,
            )  # fmt: skip
    return before


def join(states: Iterable[State | None]) -> State | None:
    """Where paths meet. None, a path that has ended, joins with nothing."""
    live = [state for state in states if state is not None]
    if not live:
        return None
    first, *others = live
    for other in others:
        answered = first.answered if first.answered == other.answered else "maybe"
        first = State(
            first.facts & other.facts, first.seen | other.seen, first.names & other.names, answered,
            first.answered_at or other.answered_at,
        )  # fmt: skip
    return first
