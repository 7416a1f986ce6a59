"""Passive health: what the requests themselves tell of a target. Pure; times are the node's monotonic clock.

1. `max_fails` failures in a row, all within `window_s`, take a target out for `cooldown_s`. One success forgets them.
2. After that it is half open: one request at a time is its probe. A success takes it in, a failure puts it out again.
3. A target is *dead* if it went out by not answering (unreachable, late, not HTTP), *sick* if by answers with 5xx.
   What that means where no target is left is `balance`'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """When a target goes out, and for how long. `max_fails` 0: never."""

    max_fails: int = 5
    window_s: float = 10.0
    cooldown_s: float = 10.0


class Health:
    """One target's. `out_until` is None as long as it is in."""

    __slots__ = ("_since", "dead", "fails", "out_until", "probing", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.fails = 0
        self.out_until: float | None = None
        self.dead = False
        self.probing = False
        self._since = 0.0

    def __repr__(self) -> str:
        if self.out_until is None:
            return f"<Health in, {self.fails} fails>"
        return f"<Health {'dead' if self.dead else 'sick'}{', probing' if self.probing else ''}>"

    def admits(self, now: float) -> bool:
        """Whether a request may go there: the target is in, or waits for a probe."""
        return self.out_until is None or (now >= self.out_until and not self.probing)

    def begin(self) -> None:
        """A request goes there."""
        if self.out_until is not None:
            self.probing = True

    def passed(self) -> None:
        """It answered, and not with 5xx."""
        self.fails = 0
        self.out_until = None
        self.probing = False

    def failed(self, now: float, *, dead: bool) -> None:
        """It did not answer, or with 5xx."""
        if self.out_until is not None:
            self._out(now, dead)
            return
        if now - self._since > self.rules.window_s:
            self.fails = 0
        if not self.fails:
            self._since = now
        self.fails += 1
        if self.fails == self.rules.max_fails:
            self._out(now, dead)

    def abandoned(self) -> None:
        """The request ended without a word about the target: the client went away, or its body failed."""
        self.probing = False

    def _out(self, now: float, dead: bool) -> None:
        self.out_until = now + self.rules.cooldown_s
        self.dead = dead
        self.fails = 0
        self.probing = False
