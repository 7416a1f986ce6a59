"""The runner: every gateway is started once, and wakes up for its turns.

1. Every round goes through all cases, and in each case through its gateways: so what is compared was measured within
   seconds.
2. A run that went wrong (an answer that is not 2xx, rows of the call log that do not fit) is printed and kept as wrong, and
   the benchmark ends with status 1.
3. `full` gives a gateway all that it takes, `streamed` the same with streams, `paced` what it is told to.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.bench import h2load, wrk
from tests.bench.bed import CHAT, LOAD_CORE, QUESTION, STREAMS, UPSTREAM, Bed
from tests.bench.cases import DIRECT, EVENTS, Case, Pace
from tests.bench.ledger import Ledger
from tests.bench.peers.peer import Peer
from tests.bench.probe import probe
from tests.bench.running import Running, started
from tests.bench.runs import Run
from tests.bench.stream_load import Load
from tests.bench.watch import watched

WARM_S = 1.0
PACED_S = 4.0
# Whoever listens may still have something to do before it can sleep in peace.
READY_S = 1.0


@dataclass(slots=True)
class Turns:
    """All gateways of a run, started and asleep, and the upstreams behind them."""

    bed: Bed
    peers: Mapping[str, Peer]
    running: Mapping[str, Running]
    streams: Load
    ledger: Ledger
    args: argparse.Namespace

    def warm(self, case: Case, name: str) -> str:
        """What is wrong with a gateway's answers in a case; "" if nothing is. What compiles as it runs, has."""
        peer, running = self.peers[name], self.running[name]
        if case.streams:
            return ""  # its load looks at every byte
        headers, body = peer.headers(self.bed), _body(case.path)
        url = _origin(peer, tls=case.tls)
        with running.awake():
            wrong = probe(url, case.path, headers)
            if not wrong:
                lua = wrk.script(running.folder / "load.lua", headers, body)
                wrong = wrk.load(url + case.path, lua, seconds=WARM_S * peer.patience, connections=8).wrong
        return wrong

    def full(self, turn: int, case: Case, name: str) -> Run:
        """As many requests as it takes."""
        peer, running = self.peers[name], self.running[name]
        lua = wrk.script(running.folder / "load.lua", peer.headers(self.bed), _body(case.path))
        url = _origin(peer, tls=case.tls) + case.path
        seconds = self.args.seconds * _patience(peer, case)
        self.ledger.opened(peer)
        with running.awake():
            with watched(running) as used:
                loaded = wrk.load(url, lua, seconds=seconds, connections=case.connections)
            rows, wrong = self.ledger.closed(peer, loaded.answered, case.connections)
        silent = "" if loaded.answered else "nothing was answered"
        wrong = " ".join(filter(None, (loaded.wrong, wrong, silent)))
        return Run(
            turn, case.name, name, used.seconds, loaded.answered, loaded.rate, used.cpu_s, used.others, wrong, rows
        )  # fmt: skip

    def streamed(self, turn: int, case: Case, name: str) -> Run:
        """As many events as it takes."""
        peer, running = self.peers[name], self.running[name]
        key = peer.headers(self.bed).get("authorization", "").removeprefix("Bearer ")
        path = peer.stream_path.rstrip("/") + case.path
        self.streams.length = EVENTS
        self.ledger.opened(peer)
        with running.awake():
            with watched(running) as used:
                result = self.streams.run(
                    peer.port, path, key, running.process.pid, streams=case.connections, seconds=self.args.seconds
                )
            rows, wrong = self.ledger.closed(peer, result.finished, case.connections)
        events = round(result.rate * self.args.seconds)
        return Run(
            turn, case.name, name, self.args.seconds, events, result.rate, events / result.cpu_rate, used.others, wrong, rows
        )  # fmt: skip

    def paced(self, turn: int, pace: Pace, at: str, name: str, rate: float) -> Run:
        """As many requests as are asked, at their own pace; `direct` is the upstream itself."""
        if name == DIRECT:
            paced = h2load.load(
                _upstream() + pace.path, self.bed.folder, {}, _body(pace.path), rate=rate, seconds=PACED_S
            )
            return _paced(turn, pace.at(at), name, rate, paced)
        peer, running = self.peers[name], self.running[name]
        headers, url = peer.headers(self.bed), _origin(peer, tls=False) + pace.path
        self.ledger.opened(peer)
        with running.awake():
            with watched(running) as used:
                paced = h2load.load(url, running.folder, headers, _body(pace.path), rate=rate, seconds=PACED_S)
            rows, wrong = self.ledger.closed(peer, paced.answered, 0)
        wrong = " ".join(filter(None, (paced.wrong, wrong)))
        return _paced(
            turn, pace.at(at), name, rate, paced, cpu_s=used.cpu_s, seconds=used.seconds, others=used.others, wrong=wrong, rows=rows
        )  # fmt: skip


@contextmanager
def ready(bed: Bed, peers: Mapping[str, Peer], skipped: list[str], args: argparse.Namespace) -> Iterator[Turns]:
    """Start the upstreams and every gateway, each asleep until its turn. Who does not come up is skipped, and said."""
    command = ["nginx", "-p", ".", "-e", "upstream.err", "-c", "upstream.conf"]
    with ExitStack() as stack:
        stack.enter_context(
            started(command, bed.of("upstream"), core=LOAD_CORE, port=UPSTREAM, configuration="upstream.conf")
        )
        streams, running = Load(STREAMS, length=EVENTS), {}
        for name, peer in peers.items():
            print(f"starting {name} {peer.version()}", flush=True)
            try:
                running[name] = stack.enter_context(peer.run(bed))
            except RuntimeError as error:
                skipped.append(f"{name}: it did not come up")
                print(f"SKIPPED: {skipped[-1]}: {error}", file=sys.stderr, flush=True)
                continue
            with running[name].awake():
                time.sleep(READY_S)
        up = {name: peer for name, peer in peers.items() if name in running}
        yield Turns(bed, up, running, streams, Ledger(bed), args)


def _paced(turn: int, case: str, name: str, wanted: float, paced: h2load.Paced, **more: object) -> Run:
    values: dict[str, object] = {"cpu_s": 0.0, "seconds": PACED_S, "wrong": paced.wrong, **more}
    return Run(
        turn, case, name, answered=paced.answered, rate=paced.rate, wanted=round(wanted, 1), p50_us=paced.p50_us,
        p99_us=paced.p99_us, **values,  # type: ignore[arg-type]
    )  # fmt: skip


def _patience(peer: Peer, case: Case) -> float:
    """Whoever is slow needs time, and twice as much for many connections: the first answers are late then."""
    return peer.patience * (2 if peer.patience > 1 and case.connections > 100 else 1)


def _body(path: str) -> str:
    return QUESTION if path == CHAT else ""


def _origin(peer: Peer, *, tls: bool) -> str:
    return f"https://127.0.0.1:{peer.tls_port}" if tls else f"http://127.0.0.1:{peer.port}"


def _upstream() -> str:
    return f"http://127.0.0.1:{UPSTREAM}"
