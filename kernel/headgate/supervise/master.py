"""The master: starts what there is to start, in order, and from then on answers to signals, to its processes, and to who
asks. It serves no request.

    building -> starting the first worker -> starting the others -> serving -> draining -> over
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec

from headgate.errors import HeadgateError, SettingsError
from headgate.host.stops import Stops
from headgate.language.parcel import Unpacker
from headgate.serve import Ready
from headgate.supervise import frames
from headgate.supervise.building import Building
from headgate.supervise.collector import settle_collector, share, tidy_collector
from headgate.supervise.control import Reply
from headgate.supervise.crew import Crew, Worker
from headgate.supervise.fork import SCARCE
from headgate.supervise.loop import Loop, Timer
from headgate.supervise.opening import Opening
from headgate.supervise.plan import Plan
from headgate.supervise.reloading import Reloads, Result
from headgate.supervise.status import Status
from headgate.supervise.succession import Succession
from headgate.supervise.systemd import notify
from headgate.supervise.upgrade import say_ready
from headgate.supervise.worker import LINGER_S, Post, work
from headgate.wire.balance import Balance
from headgate.wire.binds import addresses

log = logging.getLogger("headgate")

# When a reload is over for those who wait for it, there is time to clean up behind it.
TIDY_S = 2.0
# What a worker has beyond `drain_s`: closing stores, writing what is queued.
CLOSE_S = 15.0
# What a worker has to cut off what runs, and to write the rows of that.
CUT_S = 5.0


class Master:
    """One node. `run` gives the exit status."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = Loop()
        self.opening = Opening(plan.inherited, lambda: Status(self).condition())
        self.succession = Succession(self.loop, plan.argv, self._taken_over)
        self.ready: Ready | None = None
        self._unpacker = Unpacker(plan.plugins.vocabulary)
        self.state = "building"
        self.status = 0
        self.stops = Stops()
        self.since = time.monotonic()
        self._greeting = ""
        # Probes are answered here, and by no worker.
        self._of_workers = msgspec.structs.replace(plan.settings, admin_bind="")
        self._early: list[tuple[frames.Built, list[Callable[[Result], None]]]] = []
        self._tidy = Timer(tidy_collector)
        self.crew = Crew(self.loop, plan.workers, self._work, self._heard, self._gone, plan.settings.worker_stall_s)
        self.reloads = Reloads(self.crew, lambda _, parcel: self._take(parcel), self._report)
        self.building: Building | None = None

    def __repr__(self) -> str:
        return f"<Master {self.state} {self.crew!r}>"

    def run(self) -> int:
        """Serve until told to stop."""
        try:
            for number, call in (
                (signal.SIGTERM, partial(self._stop, signal.SIGTERM)), (signal.SIGINT, partial(self._stop, signal.SIGINT)),
                (signal.SIGHUP, self.reload), (signal.SIGUSR2, self.upgrade), (signal.SIGCHLD, self._reap),
                (signal.SIGUSR1, self.crew.dump),
            ):  # fmt: skip
                self.loop.on_signal(number, call)
            settle_collector()
            self.building = Building(self.loop, self.plan, self._built, self.opening.leave)
            self.building.build()
            self.loop.run()
        finally:
            self._close()
        return self.status

    # --- starting -----------------------------------------------------------------------------------------------------

    def _built(self, built: frames.Built, asked: list[Callable[[Result], None]]) -> None:
        if self.state == "starting":
            self._early.append((built, asked))
            return
        if self.state != "building":
            self.reloads.built(built, asked)
            return
        if not built.parcel:
            self._give_up(built.said, built.status, built.hint)
            return
        try:
            self.opening.open(self.loop, self.plan.settings, self._ask)
        except HeadgateError as error:
            self._give_up(self.plan.show(error, self.plan.colour), 2 if isinstance(error, SettingsError) else 1)
            return
        self._take(built.parcel)
        settle_collector()
        self.state = "starting"
        if self._start(1):
            self.crew.look_after()

    def _start(self, place: int) -> bool:
        """One of the first workers. A node that cannot have all of them does not begin."""
        try:
            self.crew.start(place, greets=place == 1)
        except OSError as error:
            said = f"error: worker {place} of {self.plan.workers} cannot be started: {error.strerror}"
            self._give_up(said, 1, SCARCE)
            return False
        return True

    def _take(self, parcel: bytes) -> None:
        """What workers that start from now on serve; they share it as it lies in memory here."""
        program, sources = self._unpacker.unpack(parcel)
        self.ready = Ready(program, sources)

    def _work(self, name: str, balance: Balance, leads: bool, greets: bool) -> Callable[[socket.socket], int]:
        plan, ready, generation = self.plan, self.ready, self.reloads.generation
        assert ready is not None

        post = Post(
            name, self._of_workers, plan.plugins, ready, generation, self.opening.serving, balance, self._unpacker,
            lambda error: plan.show(error, plan.colour), plan.greet if greets else None, leads, frozenset(sys.modules),
            addresses(self.opening.admin),
        )  # fmt: skip

        def run(sock: socket.socket) -> int:
            self.opening.leave_admin()
            plan.dress(name)
            return work(post, sock)

        return run

    # --- what is heard ------------------------------------------------------------------------------------------------

    def _heard(self, worker: Worker, message: frames.AnyMessage) -> None:
        self.reloads.heard(worker, message)
        match message:
            case frames.Started(_, greeting, modules):
                self._greeting = greeting or self._greeting
                share(modules)
                self._arrived(worker)
            case frames.Failed(said) if self.state != "starting":
                self.plan.say(said, wrong=True)
            case frames.Serving():
                self._up()

    def _arrived(self, worker: Worker) -> None:
        """The first one is through: what it made (a data folder, a first key) the others find."""
        alone = self.state == "starting" and len(self.crew.workers) < self.plan.workers
        if not alone or all(self._start(place) for place in range(2, self.plan.workers + 1)):
            self._let_serve(worker)

    def _let_serve(self, worker: Worker) -> None:
        """Not before everybody has arrived, and not with a set that is no longer the one."""
        if worker.state != "ready" or self.reloads.run is not None:
            return
        if worker.generation != self.reloads.generation:
            worker.state = "outdated"
            worker.send(frames.Drain())
        elif self.state != "starting":
            self.crew.let_serve(worker)
        elif all(one.state == "ready" for one in self.crew.workers) and len(self.crew.workers) == self.plan.workers:
            for one in self.crew.workers:
                self.crew.let_serve(one)

    def _up(self) -> None:
        if self.state != "starting" or len(self.crew.serving) < self.plan.workers:
            return
        self.state, self.crew.replaces = "serving", True
        self.since = time.monotonic()
        self.plan.say(self._greeting)
        self.opening.probe(self.loop)
        notify(os.environ, ready=1, mainpid=os.getpid())
        if self.plan.heir is not None:
            say_ready(self.plan.heir)
        for built, asked in self._early:
            self.reloads.built(built, asked)

    def _gone(self, worker: Worker) -> None:
        self.reloads.gone(worker)
        if self.state == "starting":
            failed = worker.failed or frames.Failed(f"error: worker {worker.name} could not start", 1)
            self._give_up(failed.said, failed.status)
        elif self.state == "draining":
            self._ended()

    # --- what is asked ------------------------------------------------------------------------------------------------

    def reload(self, *answers: Callable[[Result], None]) -> None:
        """Build the policies, and serve them if they may."""
        if self.building is not None:
            self.building.build(*answers)

    def _report(self, result: Result) -> None:
        if result.ok:
            self.plan.say(str(result))
            self._tidy.cancel()
            self._tidy = self.loop.at(TIDY_S, tidy_collector)
        else:
            self.plan.say(f"{result.said}\nwhat was serving goes on serving", wrong=True)
        for worker in self.crew.workers:
            self._let_serve(worker)

    def upgrade(self, answer: Reply | None = None) -> None:
        """Start the program anew, and drain when it serves."""
        self.succession.begin(self.opening.all, self.state, answer)

    def _taken_over(self) -> None:
        if self.state == "serving":
            self.opening.hand_over()
            self._drain(LINGER_S)

    def _ask(self, ask: str, answer: Reply) -> None:
        match ask:
            case "status":
                answer(Status(self).document())
            case "reload":
                self.reload(lambda result: answer(result.document()))
            case "upgrade":
                self.upgrade(answer)
            case _:
                answer({"ok": False, "said": f"this node does not know how to {ask}"})

    # --- the end ------------------------------------------------------------------------------------------------------

    def _stop(self, number: int) -> None:
        """The first time, finish what runs; the second time, cut it off; the third time, end."""
        if not self.stops.heard(number, time.monotonic()):
            return
        self.succession.stop()
        if self.state == "serving" or (self.state == "draining" and self.stops.count == 1):  # was taken over before
            self._drain(0.0)
        elif self.state == "draining" and self.stops.count == 2:
            self.status = 1
            log.warning("told to stop once more: what runs is cut off")
            self.crew.tell(frames.Cut())
            self.loop.at(CUT_S, self.crew.kill)
        else:
            self.crew.kill()
            self.loop.stop()

    def _drain(self, linger_s: float) -> None:
        self.state, self.crew.replaces = "draining", False
        running = sum(worker.beat.active for worker in self.crew.workers)
        log.info("draining: %d exchange%s running", running, "" if running == 1 else "s")
        self.crew.tell(frames.Drain(linger_s))
        self.opening.let_go()
        if self.building is not None:
            self.building.close()
        self.loop.at(self.plan.settings.drain_s + linger_s + CLOSE_S, self._cut)
        self._ended()

    def _ended(self) -> None:
        if not self.crew.workers:
            self.state = "over"
            log.info("stopped")
            self.loop.stop()

    def _cut(self) -> None:
        log.error("%d workers did not end in time, and are killed", len(self.crew.workers))
        self.status = 1
        self.crew.kill()

    def _give_up(self, said: str, status: int, hint: str = "") -> None:
        self.state, self.status = "over", status
        self.plan.say("\n".join(text for text in (said, hint) if text), wrong=True)
        self.crew.kill()
        self.loop.stop()

    def _reap(self) -> None:
        self.crew.reap()
        if self.building is not None:
            self.building.reap()
        self.succession.reap()

    def _close(self) -> None:
        self.crew.end()
        if self.building is not None:
            self.building.close()
        self.opening.close()
        self.loop.close()
