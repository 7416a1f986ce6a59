"""h2load: requests at their own pace, whether or not the ones before were answered; and how long each took.

1. `--rps` is a pace for each client, so there are as many clients as make up the wanted rate with a request every 40 ms
   or so each: enough that one is rarely late because its last request is still out.
2. Clients that start together stay together, and every request would stand in a line of all of them. So they start one by
   one, milliseconds apart: `plan`. (`-r` rules out `-D`, hence a number of requests.)
3. Percentiles are our own, from the log of every request, and from the middle of the run: in the beginning not all clients
   are there, in the end not all are left.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bed import LOAD_CORE

PERIOD_S = 0.04
FEWEST, MOST = 8, 2000
MIDDLE = (0.25, 0.75)


@dataclass(frozen=True, slots=True)
class Pace:
    """How h2load is told a rate."""

    clients: int
    apart_ms: int
    rps: float
    requests: int


@dataclass(frozen=True, slots=True)
class Paced:
    """What came back in the middle of a run. `rate` is what h2load managed to send in a second."""

    rate: float
    p50_us: float
    p99_us: float
    answered: int
    wrong: str


def plan(rate: float, seconds: float) -> Pace:
    """Clients whose beats fill the time: spread over a period where they are few; where there are more than milliseconds,
    a period that is a bit longer than a whole number of these, so that no two rounds of starts fall together."""
    clients = min(MOST, max(FEWEST, round(rate * PERIOD_S)))
    period_ms = clients / rate * 1000
    apart_ms = max(1, round(period_ms / clients))
    if clients > period_ms:
        period_ms = round(period_ms) * (1 + 1 / clients)
    return Pace(clients, apart_ms, round(1000 / period_ms, 3), clients * math.ceil(rate * seconds / clients))


def load(url: str, folder: Path, headers: Mapping[str, str], body: str, *, rate: float, seconds: float) -> Paced:
    """Ask at a rate for so many seconds."""
    pace, log = plan(rate, seconds), folder / "h2load.tsv"
    log.unlink(missing_ok=True)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    data = []
    if body:
        (folder / "body.json").write_text(body)
        lines.append("content-type: application/json")
        data = ["-d", str(folder / "body.json")]
    command = [
        "taskset", "-c", str(LOAD_CORE), "h2load", "--h1", "-t1", f"-c{pace.clients}", "-r1", f"--rate-period={pace.apart_ms}ms",
        f"--rps={pace.rps}", f"-n{pace.requests}", f"--log-file={log}", *data, *(part for line in lines for part in ("-H", line)),
        url,
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True, timeout=10 * seconds + 60)
    return parsed(log.read_text())


def parsed(log: str) -> Paced:
    """From h2load's log: microseconds since the epoch, status, microseconds until the answer was there."""
    rows = sorted(tuple(map(int, line.split("\t")[:3])) for line in log.splitlines())
    if not rows:
        raise ValueError("h2load logged nothing")
    begin, span = rows[0][0], rows[-1][0] - rows[0][0]
    after, until = (begin + span * share for share in MIDDLE)
    middle = [row for row in rows if after <= row[0] <= until]
    took = sorted(row[2] for row in middle)
    others = sum(row[1] // 100 != 2 for row in rows)
    rate = len(middle) / ((until - after) / 1e6) if until > after else 0.0
    return Paced(rate, percentile(took, 50), percentile(took, 99), len(rows), f"{others} not 2xx" if others else "")


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
