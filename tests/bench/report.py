"""The tables, for the console and for the page: one for each case, the goals, and the open loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.cases import CASES, PACES, Case, Pace
from tests.bench.goals import Goal, verdicts
from tests.bench.ratios import added_us, by_cpu, by_rate, latency_ratio, median
from tests.bench.runs import Measured, Run

Table = tuple[Sequence[str], list[list[str]]]
CORES = 8


def case_table(measured: Measured, case: Case) -> Table:
    """Every gateway of a case: its medians, and how many times as much the subject does."""
    what = "events/s" if case.streams else "requests/s"
    head = ("gateway", what, "µs of CPU each", "of its core", f"{case.subject} ÷ it, by clock", "by CPU")
    return head, [_row(measured, case, peer) for peer in case.peers if measured.of(case.name, peer)]


def _row(measured: Measured, case: Case, peer: str) -> list[str]:
    runs = measured.of(case.name, peer)
    own = peer == case.subject
    ratios = [
        "" if own else number(ratio(measured, case.name, case.subject, peer)) for ratio in (by_rate, by_cpu)
    ]  # fmt: skip
    middle = (
        median(runs, lambda run: run.rate),
        median(runs, lambda run: run.cpu_us),
        median(runs, lambda run: run.busy),
    )
    rate, cpu_us, busy = (value or 0.0 for value in middle)
    return [peer, f"{rate:,.0f}", f"{cpu_us:,.1f}", f"{busy:.0%}", *ratios]


def goal_table(measured: Measured) -> Table:
    """What was to be reached, and what was."""
    rows = []
    for one in verdicts(measured):
        rows.append([one.goal.text, _least(one.goal), number(one.rate), number(one.cpu), one.word])
    return ("goal", "at least", "by clock", "by CPU", ""), rows


def _least(goal: Goal) -> str:
    return f"{goal.least:.2f} (CPU)" if goal.cpu_alone else f"{goal.least:g}"


def pace_table(measured: Measured, pace: Pace) -> Table:
    """What each of the two adds to an answer's time, at half of its own load and at the same load."""
    head = ("", "requests/s", "median added", "p99 added", "ratio of medians", "ratio of p99")
    rows = []
    for name, at in ((pace.subject, pace.subject), (pace.beside, pace.subject), (pace.beside, pace.beside)):
        runs = measured.of(pace.at(at), name)
        if runs:
            values = [added_us(measured, pace.at(at), name, value) for value in (_p50, _p99)]
            ratios = ["", ""] if name == pace.subject else [
                number(latency_ratio(measured, pace, at, value)) for value in (_p50, _p99)
            ]  # fmt: skip
            whose = "half of its own" if name == at else "the same"
            rows.append(
                [f"{name}, {whose}", f"{median(runs, lambda run: run.rate) or 0:,.0f}", *map(milliseconds, values), *ratios]
            )  # fmt: skip
    return head, rows


def promise(measured: Measured) -> Table:
    """What the measured cost of a request makes of a node with eight cores."""
    rows = []
    for case in CASES:
        runs = measured.of(case.name, case.subject)
        cost = median(runs, lambda run: run.cpu_us)
        if cost and case.connections == 32 and not case.streams:
            rows.append([f"{case.title}: {case.subject}", f"{cost:,.0f} µs", f"{CORES / cost * 1e6:,.0f}"])
    return ("route", "CPU a request", f"{CORES} cores, requests/s"), rows


def tables(measured: Measured) -> Iterable[tuple[str, Table]]:
    """All of them, with their titles; those without a row are left out."""
    found = [("Goals", goal_table(measured))]
    found += [(case.title, case_table(measured, case)) for case in CASES]
    found += [(f"Open loop: {pace.title}", pace_table(measured, pace)) for pace in PACES]
    found.append((f"What that makes of {CORES} cores, if nothing else is short", promise(measured)))
    return [(title, table) for title, table in found if table[1]]


def console(table: Table) -> str:
    """Columns under one another."""
    head, rows = table
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *rows)
    )  # fmt: skip


def markdown(table: Table) -> str:
    """As the page has it."""
    head, rows = table
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def number(value: float | None) -> str:
    """Two figures behind the point where they count."""
    if value is None:
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def milliseconds(us: float | None) -> str:
    return "–" if us is None else f"{us / 1000:.2f} ms"


def _p50(run: Run) -> float:
    return run.p50_us


def _p99(run: Run) -> float:
    return run.p99_us
