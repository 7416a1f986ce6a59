"""One call under its time bounds: which phase it is in, until when, and what to say when that moment passes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from headgate.contracts.transport import Target, Timeouts
from headgate.errors import UpstreamFault
from headgate.upstream import faults

if TYPE_CHECKING:
    from headgate.upstream.patience import Patience


class Call:
    """The clock of one call. One cancel scope serves every phase up to the head; its deadline moves with the phase.
    A call that `Patience` looks after never enters it.

    `sent` is whether an attempt that failed can have brought a byte of the request to the upstream. `patience` keeps the
    time of the body's receives, where it can.
    """

    __slots__ = ("_bound_s", "_moved", "_scope", "patience", "phase", "sent", "target", "timeouts", "total_at")

    def __init__(self, target: Target, timeouts: Timeouts, now: float, patience: Patience | None = None) -> None:
        self.target = target
        self.timeouts = timeouts
        self.total_at = math.inf if timeouts.total_s is None else now + timeouts.total_s
        self.sent = False
        self.phase = "head"
        self._bound_s = timeouts.head_s
        # A call that finds a connection begins with its head at once, and moving a deadline costs as much as a scope.
        self._moved = False
        self._scope: trio.CancelScope | None = None
        suffices = patience is not None and patience.suffices(timeouts.idle_s, timeouts.total_s)
        self.patience = patience if suffices else None

    def __repr__(self) -> str:
        return f"<Call {self.target} [{self.phase}]>"

    @property
    def scope(self) -> trio.CancelScope:
        """The scope of the phases up to the head; to be entered once, by a call that has just begun."""
        if self._scope is None:
            self._scope = trio.CancelScope(deadline=self.head_by(trio.current_time()))
        return self._scope

    def head_by(self, now: float) -> float:
        """When a head is late that is waited for from now on."""
        return self._deadline(self.timeouts.head_s, now)

    def enter(self, phase: str, bound_s: float | None) -> None:
        """Begin a phase that may take `bound_s` seconds."""
        self.phase = phase
        self._moved = True
        self._bound_s = bound_s
        self.scope.deadline = self._deadline(bound_s, trio.current_time())

    def enter_head(self) -> None:
        """Begin the phase in which every call begins."""
        if self._moved:
            self.enter("head", self.timeouts.head_s)

    def _deadline(self, bound_s: float | None, now: float) -> float:
        return self.total_at if bound_s is None else min(self.total_at, now + bound_s)

    def late(self, *, sent: bool) -> UpstreamFault:
        """The fault of the bound that passed."""
        whole = self._bound_s is None or trio.current_time() >= self.total_at
        return faults.late(self.target, self.phase, None if whole else self._bound_s, sent=sent)

    def silence(self) -> trio.CancelScope:
        """A scope for one receive of the body."""
        return trio.CancelScope(deadline=self.silent_until())

    def silent_until(self) -> float:
        """When a piece of the body is late that is waited for from now on."""
        self.phase = "body"
        self._bound_s = self.timeouts.idle_s
        return self._deadline(self._bound_s, trio.current_time())
