"""`python -m tests.bench.endurance --requests 5000000`: whether memory stays flat over very many requests.

1. The REST route of the benchmark (key, limit, forwarded, a row in the call log) under wrk, with one worker, until so many
   were answered.
2. The memory of every process of the node is sampled each second into a CSV, with how many were answered by then, and drawn.
3. What is told is by how much memory grew in the later half, for a million requests: what was filled once (pools,
   caches, SQLite's pages) is not growth.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import wrk
from tests.bench.bed import LOAD_CORE, SMALL, UPSTREAM, Bed
from tests.bench.lines import drawn
from tests.bench.memory import Samples, sampling, slope
from tests.bench.peers.headgate import Rest
from tests.bench.running import started

CONNECTIONS = 64
# So long is a round of wrk, after which is known how many were answered.
ROUND_S = 10.0


class Enduring(Rest):
    name, port, tls_port = "headgate-endurance", 18121, 0


@dataclass(slots=True)
class Endured:
    """How many were answered by when (seconds since the beginning), and the memory meanwhile."""

    samples: Samples
    answered: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    wrong: str = ""

    def by(self, at: float) -> float:
        """How many were answered by then; between two rounds as if evenly."""
        for (begin, had), (end, has) in zip(self.answered, self.answered[1:], strict=False):
            if at <= end:
                return had + (has - had) * max(0.0, at - begin) / (end - begin)
        return self.answered[-1][1]

    def points(self) -> list[tuple[float, float]]:
        """Memory of all processes by millions of requests, from when the load ran."""
        return [(self.by(at) / 1e6, mb) for at, mb in self.samples.sums() if at > 0]

    def write(self, file: Path) -> None:
        """As CSV: seconds, requests, and MB of each process."""
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["seconds", "requests", *(f"pid {pid}, MB" for pid in self.samples.pids)])
            for at, row in self.samples.rows:
                memory = (f"{row[pid]:.1f}" if pid in row else "" for pid in self.samples.pids)
                writer.writerow([f"{at:.1f}", round(self.by(at)), *memory])

    def told(self) -> str:
        """In a sentence."""
        points = self.points()
        grew = slope(points)
        return (
            f"{self.answered[-1][1]:,} requests in {self.answered[-1][0]:,.0f} s: {points[0][1]:.1f} MB at first, {points[-1][1]:.1f} MB "
            f"at last, at most {max(mb for _, mb in points):.1f} MB; in the later half {grew:+.2f} MB for a million requests."
        )  # fmt: skip


@contextmanager
def enduring(folder: Path) -> Iterator[tuple[int, dict[str, str], int, Path]]:
    """A node before nginx: its port, what a client has to send, its process, and a folder."""
    bed, peer = Bed(folder).made(), Enduring()
    folder.chmod(0o755)
    upstream = ["nginx", "-p", ".", "-e", "nginx.err", "-c", "upstream.conf"]
    with (
        started(upstream, bed.of("upstream"), core=LOAD_CORE, port=UPSTREAM, configuration="upstream.conf"),
        peer.run(bed) as running,
    ):
        time.sleep(1.0)
        yield peer.port, dict(peer.headers(bed)), running.process.pid, bed.of(peer.name)


def endure(requests: int, folder: Path, round_s: float = ROUND_S) -> Endured:
    """All of it."""
    with enduring(folder) as (port, headers, pid, own):
        lua = wrk.script(own / "load.lua", headers)
        url = f"http://127.0.0.1:{port}{SMALL}"
        with sampling(pid) as samples:
            endured = Endured(samples)
            while endured.answered[-1][1] < requests and not endured.wrong:
                loaded = wrk.load(url, lua, seconds=round_s, connections=CONNECTIONS)
                endured.answered.append((time.monotonic() - samples.began, endured.answered[-1][1] + loaded.answered))
                endured.wrong = loaded.wrong
                print(
                    f"{endured.answered[-1][1]:,} requests, {samples.sums()[-1][1]:.1f} MB", file=sys.stderr, flush=True
                )
    return endured


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.endurance", description=__doc__)
    asked.add_argument("--requests", type=int, default=5_000_000)
    asked.add_argument("--csv", type=Path, default=Path("build/memory.csv"))
    asked.add_argument("--svg", type=Path, default=Path("docs/memory.svg"))
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        endured = endure(args.requests, Path(name))
    args.csv.parent.mkdir(exist_ok=True)
    endured.write(args.csv)
    args.svg.write_text(drawn(endured.points(), "Memory of all processes of a node, MB, by millions of requests"))
    print(endured.told())
    if endured.wrong:
        sys.exit(f"wrk: {endured.wrong}")


if __name__ == "__main__":
    main()
