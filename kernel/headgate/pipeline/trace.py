"""What the traced twin of a route tells: each line that ran, when, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headgate.contracts.clock import Clock
from headgate.language.source import Span


@dataclass(slots=True)
class TracedLine:
    """One line that ran: where it stands, when it began (monotonic seconds), and its value if it has one."""

    span: Span
    at: float
    value: Any = None
    has_value: bool = False


@dataclass(slots=True)
class Trace:
    """Collects lines while a traced route runs."""

    lines: tuple[Span, ...]
    clock: Clock
    ran: list[TracedLine] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Trace {len(self.ran)} of {len(self.lines)} lines>"

    def at(self, number: int) -> None:
        self.ran.append(TracedLine(self.lines[number], self.clock.monotonic()))

    def saw(self, number: int, value: Any) -> None:
        for line in reversed(self.ran):
            if line.span == self.lines[number]:
                line.value, line.has_value = value, True
                return
