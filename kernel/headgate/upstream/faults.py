"""The faults of the way out, each with the target and the phase in its message and its record.

Phases: `wait` (no connection free), `connect` (name, TCP and TLS), `head` (from sending to the answer's head)
and `body` (until its last byte).
"""

from __future__ import annotations

from headgate.contracts.transport import Target
from headgate.errors import UpstreamFault

_LATE = {
    "wait": "had no connection free",
    "connect": "could not be connected to",
    "head": "did not answer",
    "body": "stopped sending its answer",
}


def record(target: Target, phase: str) -> dict[str, str]:
    return {"target": str(target), "phase": phase}


def refused(target: Target, why: str) -> UpstreamFault:
    """The egress rules stand against it. Nothing was sent."""
    return UpstreamFault(
        "upstream.refused", f"{target} is refused: {why}.", status=502, sent=False, record=record(target, "connect")
    )


def unreachable(target: Target, why: str) -> UpstreamFault:
    """No connection came about: the name, TCP or TLS failed. Nothing was sent."""
    return UpstreamFault(
        "upstream.unreachable",
        f"{target} cannot be reached: {why}.",
        status=502,
        sent=False,
        record=record(target, "connect"),
    )


def late(target: Target, phase: str, seconds: float | None, *, sent: bool) -> UpstreamFault:
    """A bound of `Timeouts` passed. `seconds` is that bound; None where it was the bound on the whole."""
    bound = "in the time for the whole call" if seconds is None else f"within {seconds:g} s"
    return UpstreamFault(
        "upstream.timeout",
        f"{target} {_LATE[phase]} {bound}.",
        status=504,
        sent=sent,
        record=record(target, phase),
    )


def broken(target: Target, phase: str, why: str, *, sent: bool = True) -> UpstreamFault:
    """It did not speak valid HTTP, or did not finish what it began to say."""
    return UpstreamFault("upstream.protocol", f"{target} {why}.", status=502, sent=sent, record=record(target, phase))
