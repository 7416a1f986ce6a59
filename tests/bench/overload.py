"""`python -m tests.bench.overload`: more than a worker can take, with and without shedding, side by side.

1. What a worker can take without shedding is measured first, with wrk. Then h2load sends at a half of it, at all of it,
   twice and four times, to the one and to the other, turn by turn; medians of the turns are shown.
2. The load is as open as HTTP/1.1 allows: many connections, each with a pace of its own. A connection that has no answer
   yet sends late, which flatters whoever lets all wait: so there are twice as many as are answered in a second.
3. Times are those of answers with 200; the middle of a run counts. In the meantime `/-/health` is asked, ten times a second.
4. Recovery: four times the load ends from one moment to the next, with all that waits; half a load takes its place. What
   counts is when the last answer came that was no 200, or later than usual, to a client that asks all along. (h2load sends
   behind what it could not send in time: its own answers would tell of that.)
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.bench import wrk
from tests.bench.bed import LOAD_CORE, SMALL, Bed
from tests.bench.h2load import percentile
from tests.bench.peers.headgate import Rest
from tests.bench.running import Running, started

FEWEST, MOST = 1000, 8000
PROBE_S = 0.01
MIDDLE = (0.4, 0.95)
FACTORS = (0.5, 1.0, 2.0, 4.0)


class Shedding(Rest):
    name, port, tls_port, admin = "headgate-shedding", 18117, 0, 18119
    lag = ""

    def settle(self, bed: Bed) -> None:
        super().settle(bed)
        with (bed.of(self.name) / "headgate.toml").open("a") as file:
            file.write(f'admin_bind = "127.0.0.1:{self.admin}"\n')

    def environ(self, bed: Bed) -> dict[str, str]:
        return {**super().environ(bed), **({"HEADGATE_LIMITS__LAG_S": self.lag} if self.lag else {})}


class Unshedding(Shedding):
    name, port, admin = "headgate-not-shedding", 18118, 18120
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


def normal_after(found: Sequence[Answer], since: float, usual_s: float) -> float:
    """How long after `since` the last answer came that was not as usual."""
    bad = [one.at + one.took for one in found if one.status != 200 or one.took > usual_s]
    return max(0.0, *(at - since for at in bad)) if bad else 0.0


def crowd(capacity: float) -> int:
    """How many connections a load has."""
    return round(min(MOST, max(FEWEST, 2 * capacity)))


def h2load(url: str, key: str, log: Path, rate: float, seconds: float, clients: int) -> subprocess.Popen[bytes]:
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
def probing(admin: int) -> Iterator[list[float]]:
    """Ask for the node's health all along; how long each answer took."""
    took, stop = [0.0], threading.Event()

    def ask() -> None:
        while not stop.wait(0.1):
            begin = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/-/health", timeout=10) as answer:
                answer.read()
            took.append(time.monotonic() - begin)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


@contextmanager
def asking(port: int, key: str) -> Iterator[list[Answer]]:
    """Ask for the route all along, over one connection; when it was asked is on the monotonic clock."""
    found: list[Answer] = []
    stop = threading.Event()

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        while not stop.wait(PROBE_S):
            at, status = time.monotonic(), 0
            try:
                connection.request("GET", SMALL, headers={"authorization": key})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                connection.close()
            found.append(Answer(at, status, time.monotonic() - at))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway that runs, and how it is asked."""

    peer: Shedding
    folder: Path
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.peer.port}{SMALL}"

    def capacity(self, seconds: float) -> float:
        """Requests a second of a closed loop."""
        lua = wrk.script(self.folder / "load.lua", {"authorization": self.key})
        return wrk.load(self.url, lua, seconds=seconds, connections=32).rate

    def at_rate(self, rate: float, seconds: float, clients: int) -> Measured:
        """One rate."""
        log = self.folder / "h2load.tsv"
        with probing(self.peer.admin) as health:
            h2load(self.url, self.key, log, rate, seconds, clients).wait(timeout=20 * seconds + 60)
        time.sleep(1)
        return measured(answers(log), rate, max(health))

    def recovery(self, capacity: float, seconds: float, usual_s: float) -> float:
        """Seconds from the end of a burst until all was as usual."""
        log = self.folder / "h2load.tsv"
        with asking(self.peer.port, self.key) as found:
            burst = h2load(self.url, self.key, log, 4 * capacity, 60 * seconds, crowd(capacity))
            time.sleep(seconds)
            burst.kill()
            burst.wait()
            ended = time.monotonic()
            h2load(self.url, self.key, log, capacity / 2, seconds, clients=200).wait(timeout=20 * seconds + 60)
        return normal_after(found, ended, usual_s)


class Found:
    """What was measured of one gateway: its rows by factor, and its recoveries."""

    def __init__(self) -> None:
        self.rows: dict[float, list[Measured]] = {factor: [] for factor in FACTORS}
        self.recovery_s: list[float] = []

    def middle(self, factor: float, figure: str) -> float:
        return statistics.median(getattr(row, figure) for row in self.rows[factor])


def run(targets: dict[str, Target], seconds: float, turns: int) -> tuple[float, dict[str, Found]]:
    """All of it: what a worker takes, and what was found."""
    capacity = next(iter(targets.values())).capacity(seconds)
    say(f"a worker takes {capacity:.0f} requests a second; the load has {crowd(capacity)} connections")
    found = {name: Found() for name in targets}
    for _ in range(turns):
        for factor in FACTORS:
            for name, target in targets.items():
                row = target.at_rate(capacity * factor, seconds, crowd(capacity))
                found[name].rows[factor].append(row)
                say(f"{factor:g} x, {target.peer.name}: {row}")
        usual_s = max(0.05, *(3 * one.middle(0.5, "p99_ms") / 1e3 for one in found.values()))
        for name, target in targets.items():
            found[name].recovery_s.append(target.recovery(capacity, seconds, usual_s))
            say(f"{target.peer.name}: normal again after {found[name].recovery_s[-1]:.2f} s")
    return capacity, found


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(found: dict[str, Found]) -> str:
    """For docs/reliability.md."""
    lines = [
        "| load | shedding | answered 200, a second | shed | p50, ms | p99, ms | health, worst, ms |",
        "| --- " * 7 + "|",
    ]
    for factor in FACTORS:
        for name, one in found.items():
            goodput, shed, p50, p99 = (one.middle(factor, key) for key in ("goodput", "shed", "p50_ms", "p99_ms"))
            health = max(row.health_ms for row in one.rows[factor])
            lines.append(
                f"| {factor:g} × | {name} | {goodput:,.0f} | {shed:.0%} | {p50:,.0f} | {p99:,.0f} | {health:,.0f} |"
            )
    ends = [f"{name}: {statistics.median(one.recovery_s):.2f} s" for name, one in found.items()]
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
    asked.add_argument("--seconds", type=float, default=12.0, help="how long each rate is held")
    asked.add_argument("--turns", type=int, default=2)
    asked.add_argument("--json", type=Path)
    args = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started ends with it
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bed = Bed(Path(name)).made()
        Path(name).chmod(0o755)
        stack.enter_context(upstream(bed))
        targets = {}
        for told, peer in (("no", Unshedding()), ("yes", Shedding())):
            stack.enter_context(peer.run(bed))
            targets[told] = Target(peer, bed.of(peer.name), peer.headers(bed)["authorization"])
        time.sleep(1)
        capacity, found = run(targets, args.seconds, args.turns)
    if args.json:
        told = {name: {"rows": one.rows, "recovery_s": one.recovery_s} for name, one in found.items()}
        args.json.write_text(json.dumps({"capacity": capacity, **told}, indent=1, default=asdict))
    print(f"A worker takes {capacity:,.0f} requests a second.\n\n{table(found)}")


if __name__ == "__main__":
    main()
