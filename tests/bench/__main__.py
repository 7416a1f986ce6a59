"""Runs nginx and Headgate in turns on one core, upstream and wrk on the other, and prints ratios."""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from live_node import live_node
from tests.bench import load
from tests.bench.nginx import PEER, nginx

POLICIES = Path(__file__).parent / "policies"
GATEWAY_CORE, LOAD_CORE = 0, 1
GOALS = {"rest": 0.12, "ai": 0.10}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="how long each run loads")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns each peer has")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", type=Path, help="write every run here")
    args = parser.parse_args()
    missing = [tool for tool in ("nginx", "wrk", "taskset") if shutil.which(tool) is None]
    if missing:
        print(
            f"make bench needs {', '.join(missing)} (Debian: apt-get install nginx-light wrk util-linux)",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory() as name:
        runs = measure(Path(name), args)
    report(runs, args)
    return 0


def measure(folder: Path, args: argparse.Namespace) -> list[dict[str, object]]:
    """Every run, in turns: nginx, REST, nginx, AI, and again."""
    env = {"BENCH_PROVIDER_KEY": "sk-bench"}
    quiet = ("--no-access-log", "--no-reload")
    with (
        nginx(folder, "upstream", LOAD_CORE),
        nginx(folder, "peer", GATEWAY_CORE),
        live_node(POLICIES, folder, *quiet, env=env) as node,
    ):
        subprocess.run(["taskset", "-apc", str(GATEWAY_CORE), str(node.process.pid)], capture_output=True, check=True)
        bare, keyed = {}, {}
        for post in (False, True):
            bare[post] = load.script(folder, key="", post=post)
            keyed[post] = load.script(folder, key=node.key, post=post)
        targets = [
            ("nginx-rest", f"http://127.0.0.1:{PEER}/rest", bare[False]),
            ("rest", f"{node.url}/rest", keyed[False]),
            ("nginx-ai", f"http://127.0.0.1:{PEER}/v1/chat/completions", bare[True]),
            ("ai", f"{node.url}/v1/chat/completions", keyed[True]),
        ]
        probe(node.url, node.key)
        runs: list[dict[str, object]] = []
        for turn in range(-1, args.rounds):
            for peer, url, lua in targets:
                seconds = args.seconds if turn >= 0 else 1  # one short turn to warm up, not counted
                rate, answered, wrong = load.run(
                    url, lua, seconds=seconds, connections=args.connections, core=LOAD_CORE
                )  # fmt: skip
                runs.append({"turn": turn, "peer": peer, "rate": rate, "answered": answered, "wrong": wrong})
                print(f"turn {turn:>2}  {peer:<11} {rate:>9.0f} requests/s  {wrong}")
        time.sleep(1.0)
        runs.append({"turn": args.rounds, "peer": "log", "rows": rows(node.data), "asked": asked(runs) + 2})
    return runs


def probe(url: str, key: str) -> None:
    """The answers are the upstream's, or there is nothing to measure."""
    for path, body in (("/rest", None), ("/v1/chat/completions", load.BODY.encode())):
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url + path, body, headers)) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "Hello there.", path


def asked(runs: list[dict[str, object]]) -> int:
    return sum(int(str(run["answered"])) for run in runs if run["peer"] in ("rest", "ai"))


def rows(data: Path) -> int:
    """How many calls the log of this run holds."""
    total = 0
    for file in data.glob("calls-*.db"):
        with sqlite3.connect(file) as connection:
            total += connection.execute("select count(*) from calls").fetchone()[0]
    return total


def report(runs: list[dict[str, object]], args: argparse.Namespace) -> None:
    """Medians, ratios pair by pair, the goals, and whether the log has every call."""
    rates = {
        peer: [float(str(run["rate"])) for run in runs if run["peer"] == peer and int(str(run["turn"])) >= 0]
        for peer in ("nginx-rest", "rest", "nginx-ai", "ai")
    }
    print(f"\n{'':<6}{'Headgate':>10}{'nginx':>10}{'ratio':>8}   goal   (medians of {args.rounds})")
    for peer, goal in GOALS.items():
        ratios = [ours / theirs for ours, theirs in zip(rates[peer], rates[f"nginx-{peer}"], strict=True)]
        ours, theirs = statistics.median(rates[peer]), statistics.median(rates[f"nginx-{peer}"])
        ratio = statistics.median(ratios)
        print(
            f"{peer:<6}{ours:>10.0f}{theirs:>10.0f}{ratio:>8.3f}   {goal:.2f}   {'met' if ratio >= goal else 'MISSED'}"
        )
    log = next(run for run in runs if run["peer"] == "log")
    print(f"\ncall log: {log['rows']} rows; answered: {log['asked']} (wrk drops what is in flight when it ends)")
    if args.json:
        args.json.write_text(json.dumps(runs, indent=1))


if __name__ == "__main__":
    sys.exit(main())
