"""What a node's processes hold of memory, once and over time."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.cpu import family


def rss_mb(pid: int) -> float:
    """Resident memory of one process, what it shares with others included; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS:")), 0.0)


def pss_mb(pid: int) -> float:
    """The same, but what n processes share is counted to each as one n-th: sums of it are true."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


@dataclass(slots=True)
class Samples:
    """Resident memory of every process of a node, again and again: seconds since the beginning, and MB by process."""

    began: float
    rows: list[tuple[float, dict[int, float]]] = field(default_factory=list)

    def take(self, pid: int) -> None:
        self.rows.append((time.monotonic() - self.began, {one: rss_mb(one) for one in family(pid)}))

    @property
    def pids(self) -> list[int]:
        return sorted({pid for _, row in self.rows for pid in row})

    def sums(self) -> list[tuple[float, float]]:
        """All processes together."""
        return [(at, sum(row.values())) for at, row in self.rows]

    def write(self, file: Path) -> None:
        """As CSV, a column for each process."""
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["seconds", *(f"pid {pid}, MB" for pid in self.pids)])
            for at, row in self.rows:
                writer.writerow([f"{at:.1f}", *(f"{row[pid]:.1f}" if pid in row else "" for pid in self.pids)])


@contextmanager
def sampling(pid: int, every_s: float = 1.0) -> Iterator[Samples]:
    """Take samples of a process and its descendants for the time of the block."""
    samples, stop = Samples(time.monotonic()), threading.Event()
    samples.take(pid)

    def go_on() -> None:
        while not stop.wait(every_s):
            samples.take(pid)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()
        samples.take(pid)


def slope(points: list[tuple[float, float]], after: float = 0.5) -> float:
    """How much it grows in a unit of x, over what comes behind `after` of all points: least squares."""
    late = points[int(len(points) * after) :]
    mean_x = sum(x for x, _ in late) / len(late)
    mean_y = sum(y for _, y in late) / len(late)
    spread = sum((x - mean_x) ** 2 for x, _ in late)
    return sum((x - mean_x) * (y - mean_y) for x, y in late) / spread if spread else 0.0
