"""Measures Headgate beside its peers, in turns, and says what is above what. See docs/performance.md.

Each gateway has one core to itself while it is loaded; the upstream and the load have the other.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import page
from tests.bench.bed import LOAD_CORE, Bed
from tests.bench.cases import CASES, DIRECT, PACES, Case, Pace
from tests.bench.machine import machine
from tests.bench.peers.all import PEERS
from tests.bench.peers.peer import Peer
from tests.bench.report import console, tables
from tests.bench.runs import Measured, Run, write
from tests.bench.turns import Turns, ready

NEEDED = {"nginx": "nginx-light", "wrk": "wrk", "taskset": "util-linux"}


def main() -> int:
    args = asked()
    # What sleeps would stay: a gateway that is stopped does not see that its benchmark is gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if (os.cpu_count() or 1) < 2:
        print("make bench needs two cores: one for the gateway, one for the load", file=sys.stderr)
        return 2
    lacking = [package for tool, package in NEEDED.items() if shutil.which(tool) is None]
    if lacking:
        print(f"make bench needs more of Debian: apt-get install {' '.join(lacking)}", file=sys.stderr)
        return 2
    peers, skipped = chosen(args)
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as name:
        measured = measure(Bed(Path(name)).made(), peers, skipped, args)
    for title, table in tables(measured):
        print(f"\n{title}\n{console(table)}")
    for line in measured.skipped:
        print(f"\nSKIPPED: {line}")
    if args.json:
        write(measured, args.json)
    if args.page:
        page.publish(measured)
    wrong = [run for run in measured.runs if run.wrong]
    for run in wrong:
        print(f"\nWRONG: {run}", file=sys.stderr)
    return 1 if wrong else 0


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each run loads (slow gateways: longer)")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns each gateway has")
    parser.add_argument("--quick", action="store_true", help="one turn, and only the cases of 32 connections")
    parser.add_argument("--only", default="", metavar="NAMES", help=f"some of {', '.join(PEERS)}")
    parser.add_argument("--cases", default="", metavar="NAMES", help="what the names of the wanted cases begin with")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run here")
    parser.add_argument("--page", action="store_true", help="put the tables and the picture into docs/performance.md")
    args = parser.parse_args()
    if unknown := set(filter(None, args.only.split(","))) - PEERS.keys():
        parser.error(f"no such gateway: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if args.quick:
        args.rounds = 1
    return args


def chosen(args: argparse.Namespace) -> tuple[dict[str, Peer], list[str]]:
    """The gateways that can be measured, and why others cannot, said aloud."""
    wanted = args.only.split(",") if args.only else list(PEERS)
    in_cases = {peer for case in _cases(args) for peer in case.peers} | {
        name for pace in _paces(args) for name in (pace.subject, pace.beside)
    }
    peers, skipped = {}, []
    for name in wanted:
        if name not in in_cases:
            continue
        why = PEERS[name].missing()
        if why:
            skipped.append(f"{name}: {why}")
            print(f"SKIPPED: {skipped[-1]}", file=sys.stderr, flush=True)
        else:
            peers[name] = PEERS[name]
    return peers, skipped


def measure(bed: Bed, peers: dict[str, Peer], skipped: list[str], args: argparse.Namespace) -> Measured:
    """Every run, each printed as it ends."""
    os.sched_setaffinity(0, {LOAD_CORE})
    runs: list[Run] = []
    with ready(bed, peers, skipped, args) as turns:
        cases = list(planned(turns, skipped, args))
        for turn in range(args.rounds):
            for case, name in cases:
                one = turns.streamed if case.streams else turns.full
                runs.append(kept(turn, case.name, name, functools.partial(one, turn, case, name)))
        for run in open_loops(turns, runs, skipped, args):
            runs.append(run)
    method = {
        "rounds": args.rounds,
        "seconds": args.seconds,
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    versions = {name: peer.version() for name, peer in peers.items()}
    return Measured(tuple(runs), machine(), versions, tuple(skipped), method)


def kept(turn: int, case: str, name: str, one: Callable[[], Run]) -> Run:
    """A run, printed. One that breaks is wrong, and the others go on."""
    try:
        run = one()
    except (OSError, ValueError, AssertionError, subprocess.SubprocessError) as error:
        run = Run(turn, case, name, 0.0, 0, 0.0, 0.0, wrong=str(error) or repr(error))
    print(run, flush=True)
    return run


def planned(turns: Turns, skipped: list[str], args: argparse.Namespace) -> Iterator[tuple[Case, str]]:
    """Every case with each of its gateways that answers rightly there."""
    for case in _cases(args):
        for name in case.peers:
            if name not in turns.peers:
                continue
            why = turns.peers[name].no_tls() if case.tls else ""
            if why:
                skipped.append(f"{case.title}: {name}: {why}")
                print(f"SKIPPED: {skipped[-1]}", file=sys.stderr, flush=True)
                continue
            if wrong := turns.warm(case, name):
                raise SystemExit(f"{case.title}: {name} does not answer rightly: {wrong}")
            yield case, name


def open_loops(turns: Turns, runs: list[Run], skipped: list[str], args: argparse.Namespace) -> Iterator[Run]:
    """Each pace in turns: nothing between, then the two, at half of the load of either."""
    paces = list(_paces(args))
    if paces and shutil.which("h2load") is None:
        skipped.append("the open loop: h2load is not there (Debian: apt-get install nghttp2-client)")
        print(f"SKIPPED: {skipped[-1]}", file=sys.stderr, flush=True)
        return
    for turn in range(args.rounds):
        for pace in paces:
            if pace.subject in turns.peers and pace.beside in turns.peers:
                for at, names in (
                    (pace.subject, (DIRECT, pace.subject, pace.beside)),
                    (pace.beside, (DIRECT, pace.beside)),
                ):
                    full = [run.rate for run in runs if run.case == pace.full and run.peer == at and run.answered]
                    for name in names if full else ():
                        rate = statistics.median(full) / 2
                        yield kept(turn, pace.at(at), name, functools.partial(turns.paced, turn, pace, at, name, rate))


def _cases(args: argparse.Namespace) -> list[Case]:
    """In a quick run, those of 32 connections."""
    return [case for case in CASES if _meant(case.name, args) and (case.connections == 32 or not args.quick)]


def _paces(args: argparse.Namespace) -> list[Pace]:
    return [pace for pace in PACES if _meant(pace.name, args)]


def _meant(name: str, args: argparse.Namespace) -> bool:
    return not args.cases or name.startswith(tuple(args.cases.split(",")))


if __name__ == "__main__":
    sys.exit(main())
