"""What Headgate is held to, and whether it is there. A goal is a row of data."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.cases import AI, ONE, RELAY, REST, STREAM, TWO
from tests.bench.ratios import by_cpu, by_rate
from tests.bench.runs import Measured


@dataclass(frozen=True, slots=True)
class Goal:
    """In a case, the subject is to do at least so many times what the peer does. `cpu_alone`: by processor time, and
    nothing else is asked."""

    text: str
    case: str
    subject: str
    peer: str
    least: float
    cpu_alone: bool = False


GOALS = (
    Goal("AI route, everything on, beside Envoy bare", "chat-32", AI, "envoy", 0.5),
    Goal("AI route, everything on, beside LiteLLM", "chat-32", AI, "litellm", 80),
    Goal("AI route, everything on, beside Portkey", "chat-32", AI, "portkey", 9),
    Goal("REST route (key, limit, log row), beside Caddy bare", "rest-small-32", REST, "caddy", 1.0),
    Goal("SSE relay, beside a bare relay in trio", "stream-32", STREAM, RELAY, 0.5),
    Goal("Two workers, beside one (≤ 1.1 × its processor time)", "workers-32", TWO, ONE, 1 / 1.1, cpu_alone=True),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both ratios, and what they say of the goal."""

    goal: Goal
    rate: float | None
    cpu: float | None

    @property
    def word(self) -> str:
        if self.rate is None or self.cpu is None:
            return "not measured"
        clock, cpu = self.rate >= self.goal.least, self.cpu >= self.goal.least
        if self.goal.cpu_alone or clock == cpu:
            return "met" if cpu else "missed"
        return "met by the clock, missed by processor time" if clock else "missed by the clock, met by processor time"


def verdicts(measured: Measured) -> list[Verdict]:
    """Every goal."""
    return [
        Verdict(goal, by_rate(measured, goal.case, goal.subject, goal.peer), by_cpu(measured, goal.case, goal.subject, goal.peer))
        for goal in GOALS
    ]  # fmt: skip
