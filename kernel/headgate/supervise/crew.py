"""The workers of a node, as the master sees them: started, listened to, replaced.

1. A place has at most one living worker. Its name is the place and a few letters of its own: what is counted for one
   worker is never taken for another's.
2. A worker that dies is replaced at once, later where many die (`deaths`). One that does not beat for `stall_s` says
   where it hangs, is killed, and replaced.
3. One worker leads: the longest-lived of those that serve.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from headgate.supervise import frames
from headgate.supervise.channel import Channel
from headgate.supervise.deaths import Deaths
from headgate.supervise.fork import fork, how_it_ended
from headgate.supervise.frames import AnyMessage, Message
from headgate.supervise.loop import Loop
from headgate.supervise.stacks import DUMP
from headgate.wire.balance import Balance, shared_counts

log = logging.getLogger("headgate")

LOOK_AFTER_S: Final = 1.0
# Between the signal that makes a worker say where it hangs, and the one that ends it.
LAST_WORDS_S: Final = 0.3


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process. `state`: starting, ready (it waits to be let serve), going (it was let), serving, draining,
    outdated (it came with a set that is no longer the one, and is to go), hanging, gone."""

    place: int
    name: str
    pid: int
    channel: Channel
    born: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    state: str = "starting"
    generation: int = 0
    beat: frames.Beat = field(default_factory=frames.Beat)
    leads: bool = False
    failed: frames.Failed | None = None

    def __repr__(self) -> str:
        return f"<Worker {self.name} {self.state} pid {self.pid}>"

    @property
    def serves(self) -> bool:
        return self.state == "serving"

    def send(self, message: Message) -> None:
        self.channel.send(message)


# Starts the process of a worker: its name, what all of them hold, whether it leads, whether it greets. Gives what it runs.
Work = Callable[[str, Balance, bool, bool], Callable[..., int]]


class Crew:
    """All workers. `heard` gets what they say, `gone` is told of each that has ended."""

    def __init__(
        self,
        loop: Loop,
        places: int,
        work: Work,
        heard: Callable[[Worker, AnyMessage], None],
        gone: Callable[[Worker], None],
        stall_s: float,
    ) -> None:
        self._loop = loop
        self._counts = shared_counts(max(1, places))
        self._work = work
        self._heard = heard
        self._gone = gone
        self._stall_s = stall_s
        self._deaths = Deaths()
        self.workers: list[Worker] = []
        self.restarts = 0
        self.handled_before = 0
        self.replaces = False
        self._died_at: dict[int, float] = {}

    def __repr__(self) -> str:
        return f"<Crew {len(self.serving)} serving of {len(self.workers)}, {self.restarts} replaced>"

    @property
    def serving(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.serves]

    @property
    def working(self) -> list[Worker]:
        """Those that serve, or finish what they have."""
        return [worker for worker in self.workers if worker.state in ("serving", "draining")]

    @property
    def voting(self) -> list[Worker]:
        """Those that serve, or will in a moment: nothing is changed without them."""
        return [worker for worker in self.workers if worker.state in ("going", "serving")]

    def start(self, place: int, *, greets: bool = False) -> Worker:
        """A worker in this place."""
        name = f"w{place}.{secrets.token_hex(2)}"
        leads = not any(worker.leads for worker in self.workers)
        pid, sock = fork(self._loop, self._work(name, self._balance(place), leads, greets), f"worker {name}")
        channel = Channel(self._loop, sock, lambda message: self._said(worker, message), lambda: self.reap())
        worker = Worker(place, name, pid, channel, leads=leads)
        self.workers.append(worker)
        return worker

    def _balance(self, place: int) -> Balance:
        return Balance(self._counts, place - 1)

    def tell(self, message: Message) -> None:
        """Say it to every worker."""
        for worker in self.workers:
            worker.send(message)

    def let_serve(self, worker: Worker) -> None:
        """It may accept from now on."""
        worker.state = "going"
        worker.send(frames.Go())

    def kill(self) -> None:
        """End them all, now."""
        self.replaces = False
        for worker in self.workers:
            self._kill(worker, signal.SIGKILL)

    def end(self) -> None:
        """End them all, and wait until they are gone."""
        self.kill()
        for worker in self.workers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(worker.pid, 0)

    def dump(self) -> None:
        """Have each say where its threads are."""
        for worker in self.workers:
            self._kill(worker, DUMP)

    def reap(self) -> None:
        """See who has ended."""
        ended = []
        for worker in self.workers:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                ended.append((worker, status))
        # Before anybody is told: what is heard of one that ended may bring us here again.
        self.workers = [worker for worker in self.workers if worker not in dict(ended)]
        for worker, status in ended:
            self._ended(worker, status)

    def look_after(self) -> None:
        """See who no longer beats, now and from now on."""
        self._loop.at(LOOK_AFTER_S, self.look_after)
        now = time.monotonic()
        for worker in self.workers:
            if self._stall_s and now - worker.heard > self._stall_s and worker.state != "hanging":
                worker.state = "hanging"
                log.error(
                    "worker %s (pid %d) has not answered for %.0f s: where it hangs follows, and it is replaced",
                    worker.name, worker.pid, now - worker.heard,
                )  # fmt: skip
                self._kill(worker, DUMP)
                self._loop.at(LAST_WORDS_S, lambda worker=worker: self._kill(worker, signal.SIGKILL))  # type: ignore[misc]

    def _said(self, worker: Worker, message: AnyMessage) -> None:
        worker.heard = time.monotonic()
        match message:
            case frames.Started(generation):
                worker.state, worker.generation = "ready", generation
            case frames.Serving(generation):
                worker.generation = generation
                if worker.state == "going":
                    worker.state = "serving"
                    self._replaced(worker)
            case frames.Beat():
                worker.beat = message
                if message.draining and worker.state == "serving":
                    worker.state = "draining"
            case frames.Failed():
                worker.failed = message
        self._heard(worker, message)

    def _replaced(self, worker: Worker) -> None:
        died = self._died_at.pop(worker.place, None)
        if died is not None:
            took = time.monotonic() - died
            log.info("worker %s (pid %d) serves in its place, %.2f s later", worker.name, worker.pid, took)

    def _ended(self, worker: Worker, status: int) -> None:
        worker.channel.read_rest()
        worker.channel.close()
        drained = worker.state in ("draining", "outdated") and status == 0
        worker.state = "gone"
        self._balance(worker.place).leave()
        self.handled_before += worker.beat.handled
        if worker.leads and self.workers:
            self._lead()
        if self.replaces:
            self._replace(worker, status, drained)
        self._gone(worker)

    def _replace(self, worker: Worker, status: int, drained: bool) -> None:
        now = time.monotonic()
        self.restarts += 1
        self._died_at[worker.place] = now
        pause_s = 0.0 if drained else self._deaths.pause(now)
        later = f"; {len(self._deaths)} died of late, so it is replaced in {pause_s:g} s" if pause_s else ""
        log.log(
            logging.INFO if drained else logging.ERROR, "worker %s (pid %d) %s%s", worker.name, worker.pid, how_it_ended(status), later
        )  # fmt: skip
        self._loop.at(pause_s, lambda: self._start_again(worker.place))

    def _start_again(self, place: int) -> None:
        if self.replaces:
            try:
                self.start(place)
            except OSError as error:
                pause_s = self._deaths.pause(time.monotonic())
                log.error("no worker can be started: %s; next try in %g s", error.strerror, pause_s or 1.0)
                self._loop.at(pause_s or 1.0, lambda: self._start_again(place))

    def _lead(self) -> None:
        heir = min(self.workers, key=lambda worker: (not worker.serves, worker.born))
        heir.leads = True
        heir.send(frames.Lead())

    @staticmethod
    def _kill(worker: Worker, number: int) -> None:
        if worker.state != "gone":
            try:
                os.kill(worker.pid, number)
            except ProcessLookupError:
                pass
