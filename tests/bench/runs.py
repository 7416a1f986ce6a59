"""One run of one gateway under one load, as it is printed, kept as JSON, and compared."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """`answered` counts answers, or events of streams. `others` is the share of the gateway's core that went to anybody
    else: a run with much of that has a rate that says little, and a processor time that says nearly as much as ever."""

    turn: int
    case: str
    peer: str
    seconds: float
    answered: int
    rate: float
    cpu_s: float
    others: float = 0.0
    wrong: str = ""
    rows: int | None = None
    wanted: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time for an answer."""
        return self.cpu_s / self.answered * 1e6 if self.answered else 0.0

    @property
    def busy(self) -> float:
        """The share of its core that the gateway used."""
        return self.cpu_s / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        head = f"turn {self.turn}  {self.case:<24} {self.peer:<24}"
        rows = "" if self.rows is None else f"  {self.rows} rows"
        wrong = f"  WRONG: {self.wrong}" if self.wrong else ""
        if self.wanted:
            return f"{head} {self.rate:>8.0f}/s of {self.wanted:.0f} wanted, median {self.p50_us / 1000:.2f} ms, p99 {self.p99_us / 1000:.2f} ms{rows}{wrong}"
        return (
            f"{head} {self.rate:>8.0f}/s {self.cpu_us:>8.1f} us each, core {self.busy:>4.0%} its own, {self.others:>4.0%} others'"
            f"{rows}{wrong}"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole run of the benchmark: every run, what it ran on, and what was left out and why."""

    runs: tuple[Run, ...]
    machine: dict[str, str]
    versions: dict[str, str]
    skipped: tuple[str, ...]
    method: dict[str, Any]

    def of(self, case: str, peer: str) -> list[Run]:
        """A gateway's runs of a case, by turn; those in which nothing was answered are no measurement."""
        return [run for run in self.runs if run.case == case and run.peer == peer and run.answered]


def write(measured: Measured, file: Path) -> None:
    """As JSON, one run a line."""
    head = {
        "machine": measured.machine,
        "versions": measured.versions,
        "method": measured.method,
        "skipped": measured.skipped,
    }
    lines = ",\n".join(
        json.dumps({k: v for k, v in asdict(run).items() if v or k in ("turn", "rows")}) for run in measured.runs
    )
    file.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "runs": [\n{lines}\n ]\n}}\n')


def read(file: Path) -> Measured:
    """What `write` wrote."""
    found = json.loads(file.read_text())
    runs = tuple(Run(**{"answered": 0, "rate": 0.0, "cpu_s": 0.0, "seconds": 0.0, **row}) for row in found["runs"])
    return Measured(runs, found["machine"], found["versions"], tuple(found["skipped"]), found["method"])
