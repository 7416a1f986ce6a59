"""Runs that nobody made, for the tests of what is said about runs."""

from __future__ import annotations

from tests.bench.runs import Measured, Run


def run(case: str, peer: str, turn: int = 0, *, rate: float = 1000.0, cpu_us: float = 100.0, **more: object) -> Run:
    """Of one second."""
    return Run(turn, case, peer, 1.0, int(rate), rate, int(rate) * cpu_us / 1e6, **more)  # type: ignore[arg-type]


def measured(*runs: Run, skipped: tuple[str, ...] = ()) -> Measured:
    """A benchmark of these."""
    method = {"rounds": 2, "seconds": 1.0, "day": "2026-01-01"}
    return Measured(runs, {"processor": "one, 2 cores"}, {"nginx": "1.22.1"}, skipped, method)
