"""`python -m tests.bench.overload`: more than a worker can take, with and without shedding, side by side.

1. What it can take is measured first, with wrk. Then h2load sends at a half of it, at all of it, twice and four times.
2. The load is as open as HTTP/1.1 allows: `CLIENTS` connections, each with a pace of its own. A connection that has no answer
   yet sends late, which flatters whoever lets all wait.
3. Times are those of answers with 200; the middle of a run counts. In the meantime `/-/health` is asked, ten times a second.
4. Recovery: half a load runs all along, and four times as much comes on top for a while. Behind it, the first moment
   counts from which on every answer for a second was a 200 within what is usual.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench import wrk
from tests.bench.bed import LOAD_CORE, SMALL, Bed
from tests.bench.h2load import percentile
from tests.bench.peers.headgate import Rest
from tests.bench.running import Running, started

CLIENTS = 1000
MIDDLE = (0.4, 0.95)
FACTORS = (0.5, 1.0, 2.0, 4.0)
ADMIN = 18119


class Shedding(Rest):
    name, port, tls_port = "headgate-shedding", 18117, 0
    lag = "0.2"

    def settle(self, bed: Bed) -> None:
        super().settle(bed)
        with (bed.of(self.name) / "headgate.toml").open("a") as file:
            file.write(f'admin_bind = "127.0.0.1:{ADMIN}"\n')

    def environ(self, bed: Bed) -> dict[str, str]:
        return {**super().environ(bed), "HEADGATE_LIMITS__LAG_S": self.lag}


class Unshedding(Shedding):
    name, port = "headgate-not-shedding", 18118
    lag = "null"


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of h2load's log: when it was asked (s), the status, how long it took (s)."""

    at: float
    status: int
    took: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one rate. Times are of what was accepted, milliseconds."""

    offered: float
    sent: float
    goodput: float
    shed: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    health_ms: float


def answers(log: Path) -> list[Answer]:
    """In the order of their asking."""
    rows = (line.split("\t")[:3] for line in log.read_text().splitlines())
    return sorted((Answer(int(a) / 1e6, int(s), int(t) / 1e6) for a, s, t in rows), key=lambda one: one.at)


def middle(found: Sequence[Answer]) -> tuple[list[Answer], float]:
    """The answers of the middle, and how long it was."""
    begin, span = found[0].at, found[-1].at - found[0].at
    after, until = (begin + span * share for share in MIDDLE)
    return [one for one in found if after <= one.at <= until], until - after


def measured(found: Sequence[Answer], rate: float, health_s: float) -> Measured:
    """The figures of a run."""
    counted, seconds = middle(found)
    took = sorted(one.took for one in counted if one.status == 200) or [0.0]
    good, shed = sum(one.status == 200 for one in counted), sum(one.status == 503 for one in counted)
    times = (percentile(took, 50), percentile(took, 99), took[-1], health_s)
    return Measured(rate, len(counted) / seconds, good / seconds, shed / len(counted), *(1e3 * one for one in times))


def normal_after(found: Sequence[Answer], since: float, usual_s: float, calm_s: float = 1.0) -> float:
    """How long after `since` it took until every answer for `calm_s` was as usual."""
    last = since
    for one in found:
        if one.at >= since and (one.status != 200 or one.took > usual_s):
            if one.at - last > calm_s:
                break
            last = one.at
    return last - since


def h2load(
    url: str, key: str, log: Path, rate: float, seconds: float, clients: int = CLIENTS
) -> subprocess.Popen[bytes]:
    """Begin to ask at a rate."""
    log.unlink(missing_ok=True)
    return subprocess.Popen(
        [
            "taskset", "-c", str(LOAD_CORE), "h2load", "--h1", "-t1", f"-c{clients}", "-r1", "--rate-period=1ms",
            f"--rps={rate / clients:.4f}", f"-n{max(clients, round(rate * seconds))}", f"--log-file={log}", "-H", f"authorization: {key}", url,
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def probing() -> Iterator[list[float]]:
    """Ask for the node's health all along; how long each answer took."""
    took, stop = [0.0], threading.Event()

    def ask() -> None:
        while not stop.wait(0.1):
            begin = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{ADMIN}/-/health", timeout=10) as answer:
                answer.read()
            took.append(time.monotonic() - begin)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def at_rate(url: str, key: str, folder: Path, rate: float, seconds: float) -> Measured:
    """One rate."""
    log = folder / "h2load.tsv"
    with probing() as health:
        h2load(url, key, log, rate, seconds).wait(timeout=20 * seconds + 60)
    return measured(answers(log), rate, max(health))


def recovery(url: str, key: str, folder: Path, capacity: float, seconds: float, usual_s: float) -> float:
    """Seconds from the end of a burst until all was as usual."""
    steady, burst = folder / "steady.tsv", folder / "burst.tsv"
    half = h2load(url, key, steady, capacity / 2, 3 * seconds + 2, clients=200)
    time.sleep(seconds)
    h2load(url, key, burst, 4 * capacity, seconds).wait(timeout=20 * seconds + 60)
    half.wait(timeout=60 + 10 * seconds)
    last = answers(burst)[-1]
    return normal_after(answers(steady), last.at, usual_s)


def run(peer: Shedding, bed: Bed, seconds: float) -> dict[str, object]:
    """All of it for one gateway."""
    with peer.run(bed) as _:
        time.sleep(1)
        key, folder = peer.headers(bed)["authorization"], bed.of(peer.name)
        url = f"http://127.0.0.1:{peer.port}{SMALL}"
        lua = wrk.script(folder / "load.lua", {"authorization": key})
        capacity = wrk.load(url, lua, seconds=seconds, connections=32).rate
        print(f"{peer.name}: {capacity:.0f} requests a second", file=sys.stderr, flush=True)
        rows = [at_rate(url, key, folder, capacity * factor, seconds) for factor in FACTORS]
        for factor, row in zip(FACTORS, rows, strict=True):
            print(factor, row, file=sys.stderr, flush=True)
        usual_s = max(0.05, 3 * rows[0].p99_ms / 1e3)
        back = recovery(url, key, folder, capacity, seconds, usual_s)
    return {"capacity": capacity, "rows": [asdict(row) for row in rows], "usual_s": usual_s, "recovery_s": back}


def table(results: dict[str, dict[str, object]]) -> str:
    """For docs/reliability.md."""
    lines = [
        "| load | shedding | answered 200, a second | shed | p50, ms | p99, ms | health, worst, ms |",
        "| --- " * 7 + "|",
    ]
    for at, factor in enumerate(FACTORS):
        for name, found in results.items():
            row = found["rows"][at]  # type: ignore[index]
            lines.append(
                f"| {factor:g} × | {name} | {row['goodput']:,.0f} | {row['shed']:.0%} | {row['p50_ms']:,.0f} | {row['p99_ms']:,.0f} "
                f"| {row['health_ms']:,.0f} |"
            )
    ends = [
        f"{name}: {found['recovery_s']:.2f} s, capacity {found['capacity']:,.0f}/s" for name, found in results.items()
    ]
    return "\n".join([*lines, "", "Normal again after four times the load: " + "; ".join(ends) + "."])


@contextmanager
def upstream(bed: Bed) -> Iterator[Running]:
    with started(
        ["nginx", "-p", ".", "-e", "nginx.err", "-c", "upstream.conf"], bed.of("upstream"), core=LOAD_CORE, port=18081,
        configuration="upstream.conf",
    ) as running:  # fmt: skip
        yield running


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.overload", description=__doc__.splitlines()[0])
    asked.add_argument("--seconds", type=float, default=8.0, help="how long each rate is held")
    asked.add_argument("--json", type=Path)
    asked.add_argument("--only", choices=["no", "yes"])
    args = asked.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        bed = Bed(Path(name)).made()
        Path(name).chmod(0o755)
        with upstream(bed):
            for told, peer in (("no", Unshedding()), ("yes", Shedding())):
                if args.only in (None, told):
                    results[told] = run(peer, bed, args.seconds)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
