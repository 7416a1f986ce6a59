"""What is compared with what: pair by pair, since a noisy machine is noisy for both of a pair; then the median."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from tests.bench.cases import DIRECT, Pace
from tests.bench.runs import Measured, Run


def median(runs: Sequence[Run], value: Callable[[Run], float]) -> float | None:
    """None where there is no run."""
    return statistics.median(map(value, runs)) if runs else None


def by_rate(measured: Measured, case: str, subject: str, peer: str) -> float | None:
    """How many times the peer's requests a second the subject answers: more is better."""
    return _paired(measured, case, subject, peer, lambda ours, theirs: ours.rate / theirs.rate)


def by_cpu(measured: Measured, case: str, subject: str, peer: str) -> float | None:
    """The same by processor time, so that more is better here too: the peer's for an answer over the subject's."""
    return _paired(measured, case, subject, peer, lambda ours, theirs: theirs.cpu_us / ours.cpu_us)


def _paired(measured: Measured, case: str, subject: str, peer: str, ratio: Callable[[Run, Run], float]) -> float | None:
    theirs = {run.turn: run for run in measured.of(case, peer) if run.answered and run.cpu_s}
    pairs = [(run, theirs[run.turn]) for run in measured.of(case, subject) if run.turn in theirs]
    ratios = [ratio(ours, other) for ours, other in pairs if ours.answered and ours.cpu_s]
    return statistics.median(ratios) if ratios else None


def added_us(measured: Measured, case: str, peer: str, value: Callable[[Run], float]) -> float | None:
    """What a gateway adds to an answer's time: the median over the turns of its own less that without a gateway."""
    bare = {run.turn: value(run) for run in measured.of(case, DIRECT)}
    added = [value(run) - bare[run.turn] for run in measured.of(case, peer) if run.turn in bare]
    return statistics.median(added) if added else None


def latency_ratio(measured: Measured, pace: Pace, whose: str, value: Callable[[Run], float]) -> float | None:
    """What the subject adds at half of its own load, over what the peer adds at half of `whose`: less is better."""
    ours = added_us(measured, pace.at(pace.subject), pace.subject, value)
    theirs = added_us(measured, pace.at(whose), pace.beside, value)
    return ours / theirs if ours is not None and theirs is not None and theirs > 0 else None
