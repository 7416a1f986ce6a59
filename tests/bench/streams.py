"""Streams through Headgate beside a bare trio relay, in turns: `make bench-streams`.

The gateway has one core, the upstream and the clients (`stream_load`) have the other. Prints events as ratios
to the relay of the same turn, by the clock and by the gateway's processor time, and how much later the first event comes
at the median. Where somebody else uses the load's core the gateway waits for its load, which flatters it by the clock; its
processor time does not wait. So the goal is held against that.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from live_node import live_node
from tests.bench.stream_load import Load

POLICIES = Path(__file__).parent / "streams_policies"
GATEWAY_CORE, LOAD_CORE = 0, 1
UPSTREAM, RELAY = 18091, 18092
OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
LATER_MS = 1.0
# One stream behind the other is how a busy gateway lives, and the goal is held against that. After a rest the processor's
# caches and its clock have to come back first, which costs a large program more than a small one: it is shown beside.
RESTS_S = (0.0, 0.003)


class Way(NamedTuple):
    """A way through: where its client posts, what its upstream speaks, and the ratio that it is to have."""

    name: str
    path: str
    upstream: str
    goal: float


WAYS = (
    Way("openai -> openai", "/passed" + OPENAI, OPENAI, 0.5),
    Way("anthropic -> openai", OPENAI, ANTHROPIC, 0.2),
    Way("openai -> anthropic", ANTHROPIC, OPENAI, 0.2),
)


class Turn(NamedTuple):
    """Both of one pair: events a second with many streams, and how much later the first event comes with one, by rest."""

    way: str
    rate: float
    bare_rate: float
    cpu_rate: float
    bare_cpu_rate: float
    later_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return self.rate / self.bare_rate

    @property
    def cpu_ratio(self) -> float:
        return self.cpu_rate / self.bare_cpu_rate

    @property
    def later_ms(self) -> float:
        return self.later_s[0] * 1000

    @property
    def rested_ms(self) -> float:
        return self.later_s[1] * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each run loads")
    parser.add_argument("--rounds", type=int, default=5, help="how many turns each way has")
    parser.add_argument("--streams", type=int, default=32, help="how many streams run at a time")
    parser.add_argument("--length", type=int, default=500, help="how many events of content a stream has")
    parser.add_argument("--json", type=Path, help="write every turn here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        turns = measure(Path(name), args)
    report(turns)
    if args.json:
        args.json.write_text(json.dumps([turn._asdict() for turn in turns], indent=1))
    return 0


def measure(folder: Path, args: argparse.Namespace) -> list[Turn]:
    """Every way in every round: the relay, then Headgate."""
    os.sched_setaffinity(0, {LOAD_CORE})
    load = Load(UPSTREAM, length=args.length)
    env = {"BENCH_PROVIDER_KEY": "sk-bench"}
    turns = []
    with bare_relay() as relay, live_node(POLICIES, folder, "--no-access-log", "--no-reload", env=env) as node:
        subprocess.run(["taskset", "-apc", str(GATEWAY_CORE), str(node.process.pid)], capture_output=True, check=True)
        port, pids = int(node.url.rpartition(":")[2]), (relay.pid, node.process.pid)
        for number in range(args.rounds):
            for way in WAYS:
                turn = taken(load, way, port, node.key, pids, args)
                turns.append(turn)
                print(
                    f"turn {number}  {way.name:<20} {turn.rate:>8.0f} / {turn.bare_rate:>8.0f} events/s = {turn.ratio:.3f}, by processor {turn.cpu_ratio:.3f}"
                    f"   first event {turn.later_ms:+.2f} ms, after a rest {turn.rested_ms:+.2f} ms"
                )
    return turns


def taken(load: Load, way: Way, port: int, key: str, pids: tuple[int, int], args: argparse.Namespace) -> Turn:
    """One turn of one way. First events are timed with one stream at a time: with nothing before them in the line."""
    many, firsts = [], []
    for at, path, pid in ((RELAY, way.upstream, pids[0]), (port, way.path, pids[1])):
        load.length = args.length
        many.append(load.run(at, path, key, pid, streams=args.streams, seconds=args.seconds))
        load.length = 3
        alone = [load.run(at, path, key, pid, streams=1, seconds=args.seconds / 2, rest_s=rest_s) for rest_s in RESTS_S]
        firsts.append([statistics.median(one.first_s) for one in alone])
    bare, ours = many
    later = tuple(own - other for other, own in zip(*firsts, strict=True))
    return Turn(way.name, ours.rate, bare.rate, ours.cpu_rate, bare.cpu_rate, later)


@contextmanager
def bare_relay() -> Iterator[subprocess.Popen[str]]:
    """The relay, in a process and on the core where Headgate is measured too."""
    program = Path(__file__).parent / "stream_relay.py"
    command = ["taskset", "-c", str(GATEWAY_CORE), sys.executable, str(program), str(RELAY), str(UPSTREAM)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()  # it says when it listens
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def report(turns: list[Turn]) -> None:
    """Medians of the pairs, and the goals."""
    print(
        f"\n{'':<22}{'Headgate':>9}{'relay':>9}{'ratio':>7}{'by CPU':>8}  goal           first event later               after a rest"
    )
    for way in WAYS:
        mine = [turn for turn in turns if turn.way == way.name]
        names = ("rate", "bare_rate", "ratio", "cpu_ratio", "later_ms", "rested_ms")
        rate, bare, ratio, cpu, later, rested = (
            statistics.median(getattr(turn, name) for turn in mine) for name in names
        )
        met = "met" if cpu >= way.goal else "MISSED"
        soon = "met" if later <= LATER_MS else "MISSED"
        print(
            f"{way.name:<22}{rate:>9.0f}{bare:>9.0f}{ratio:>7.3f}{cpu:>8.3f}  {way.goal:.2f} {met:<8} {later:>8.2f} ms  (≤ {LATER_MS:g}) {soon:<6} {rested:>8.2f} ms"
        )


if __name__ == "__main__":
    sys.exit(main())
