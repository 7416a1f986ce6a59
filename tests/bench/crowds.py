"""`python -m tests.bench.crowds`: what a node holds for ten thousand idle connections, and for thousands of streams, or of
long polls, for as long as one likes."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.cpu import cpu_s, family
from tests.bench.crowd import Crowd
from tests.bench.h2load import percentile
from tests.bench.memory import pss_mb, rss_mb, sampling, slope
from tests.support.live_node import live_node

from headgate.supervise.files import raise_open_files

POLICY = """policy 1
upstream u {{ url = "http://127.0.0.1:{port}" }}
route hello GET /hello {{ respond 200 text="hello" }}
route events GET /events public {{ log.call
    forward u timeout=24h }}
route poll GET /poll public {{ log.call
    forward u timeout=24h }}
"""


@dataclass(frozen=True, slots=True)
class Crowded:
    """Memory in MB: all processes together, before, in the middle of it, and what each connection makes of it in KB.
    `slope_mb_h`: by how much it grew in an hour, in the later half."""

    kind: str
    connections: int
    workers: int
    seconds: float
    rss_before: float
    rss: float
    pss: float
    kb_each: float
    slope_mb_h: float
    came_a_second: float
    p50_ms: float
    p99_ms: float
    cut: int
    refused: int
    cpu: float
    said: str = ""


@contextmanager
def opened(period_s: float, workers: int) -> Iterator[tuple[Crowd, int, int]]:
    """A node before a crowd: with its port and its process."""
    raise_open_files()
    crowd = Crowd(period_s)
    with tempfile.TemporaryDirectory() as name:
        policies = Path(name) / "crowd.policy"
        policies.write_text(POLICY.format(port=crowd.port))
        args = ("--workers", str(workers), "--no-access-log", "--no-reload")
        env = {"HEADGATE_EGRESS__ALLOW": "127.0.0.1", "HEADGATE_DRAIN_S": "5"}
        with live_node(policies, Path(name), *args, env=env) as node:
            try:
                yield crowd, int(node.url.rpartition(":")[2].strip("/")), node.process.pid
            finally:
                crowd.close()


def gathered(
    kind: str, count: int, *, period_s: float, seconds: float, workers: int, csv: Path | None = None
) -> Crowded:
    """Open so many, and watch them for so long."""
    with opened(period_s, workers) as (crowd, port, pid):
        path = {"idle": "/hello", "sse": "/events", "poll": "/poll"}[kind]
        crowd.open(port, "/hello", 10)
        before = _sum(pid)
        crowd.open(port, path, count - 10, polling=kind == "poll")
        crowd.run(min(5.0, seconds))
        tally = crowd.tally
        tally.came, tally.late_s = 0, []
        used, began = cpu_s(pid), time.monotonic()
        with sampling(pid) as samples:
            crowd.run(seconds)
        took = time.monotonic() - began
        if csv is not None:
            samples.write(csv)
        late = sorted(tally.late_s) or [0.0]
        rss = _sum(pid)
        return Crowded(
            kind, len(crowd), workers, took, before, rss, sum(map(pss_mb, family(pid))), 1024 * (rss - before) / (count - 10),
            3600 * slope(samples.sums()), tally.came / took, 1e3 * percentile(late, 50), 1e3 * percentile(late, 99), tally.cut,
            tally.refused, (cpu_s(pid) - used) / took, tally.said,
        )  # fmt: skip


def _sum(pid: int) -> float:
    return sum(rss_mb(one) for one in family(pid))


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.crowds", description=__doc__)
    asked.add_argument("kind", choices=["idle", "sse", "poll"])
    asked.add_argument("--connections", type=int, default=5000)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--minutes", type=float, default=0.0)
    asked.add_argument("--period", type=float, default=2.0, help="seconds between events, or until a poll is answered")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--csv", type=Path, help="memory of each process, a second a line")
    args = asked.parse_args()
    seconds = args.minutes * 60 or args.seconds
    found = gathered(
        args.kind, args.connections, period_s=args.period, seconds=seconds, workers=args.workers, csv=args.csv
    )
    print(
        json.dumps(
            {name: round(one, 2) if isinstance(one, float) else one for name, one in asdict(found).items()}, indent=1
        )
    )


if __name__ == "__main__":
    main()
