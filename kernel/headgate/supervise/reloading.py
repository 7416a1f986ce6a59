"""A reload over all workers: the whole set or nothing, everywhere or nowhere.

1. The builder gives a parcel, or says what is wrong; then nothing has happened.
2. Every worker that serves, or was just let serve, is given the parcel to prepare. One that dies meanwhile has no say: it will start with what is
   decided.
3. When all have prepared it, it is decided: from here on every worker that starts has this set, and those that serve are
   told to. Had one refused, the others would throw theirs away.
4. It is over when all that were told say that they serve it. What is asked meanwhile waits for the next one.
5. Every attempt has a number of its own, and what is decided is known by it from then on: a late vote on one that was
   refused counts for no other. Generations therefore have gaps.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from headgate.supervise import frames

if TYPE_CHECKING:
    from headgate.supervise.crew import Crew, Worker

log = logging.getLogger("headgate")

# A worker says what is wrong as a terminal shows it.
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a reload. `said` is what a terminal shows, `plain` the same without colours."""

    ok: bool
    generation: int
    workers: int = 0
    said: str = ""
    plain: str = ""

    def __str__(self) -> str:
        return f"reloaded: generation {self.generation}, {self.workers} worker{'' if self.workers == 1 else 's'}"

    def document(self) -> dict[str, Any]:
        """What the command line is answered."""
        return {"ok": self.ok, "generation": self.generation, "workers": self.workers, "said": self.plain}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was served of what was last asked for, nor of anything `since` (`time.monotonic`). `said`: why, in a line."""

    since: float
    said: str


Answer = Callable[[Result], None]


class Stage(Enum):
    """Where a reload is."""

    PREPARING = "preparing"
    COMMITTING = "committing"


@dataclass(slots=True)
class Run:
    """One reload under way."""

    generation: int
    parcel: bytes
    asked: list[Answer]
    stage: Stage = Stage.PREPARING
    waiting: set[Worker] = field(default_factory=set)
    prepared: set[Worker] = field(default_factory=set)


class Reloads:
    """The reloads of a node, one after the other. `decided` takes a parcel over; `report` tells people."""

    def __init__(
        self, crew: Crew, decided: Callable[[int, bytes], None], report: Callable[[Result], None], generation: int = 1
    ) -> None:
        self._crew = crew
        self._decided = decided
        self._report = report
        self.generation = generation
        self._attempt = generation
        self.reloads = 0
        self.refused: Refusal | None = None
        self.run: Run | None = None
        self._next: tuple[bytes, list[Answer]] | None = None

    def __repr__(self) -> str:
        return f"<Reloads at {self.generation}, {self.run.stage.value if self.run else 'at rest'}>"

    def built(self, built: frames.Built, asked: list[Answer]) -> None:
        """A build is there."""
        if not built.parcel:
            self._tell(Result(False, self.generation, said=built.said, plain=built.plain), asked)
        elif self.run is not None:
            self._next = (built.parcel, [*(self._next[1] if self._next else ()), *asked])
        else:
            self._begin(built.parcel, asked)

    def heard(self, worker: Worker, message: frames.AnyMessage) -> None:
        """What a worker says may be its vote."""
        run = self.run
        if run is None or getattr(message, "generation", None) != run.generation:
            return
        if isinstance(message, frames.Prepared) and worker in run.waiting:
            run.waiting.discard(worker)
            run.prepared.add(worker)
        elif isinstance(message, frames.Serving):
            run.waiting.discard(worker)
        elif isinstance(message, frames.Refused) and run.stage is Stage.PREPARING:
            self._abort(run, message.said)
            return
        self._go_on(run)

    def gone(self, worker: Worker) -> None:
        """A worker has ended; it has no say."""
        if self.run is not None:
            self.run.waiting.discard(worker)
            self.run.prepared.discard(worker)
            self._go_on(self.run)

    def _begin(self, parcel: bytes, asked: list[Answer]) -> None:
        self._attempt += 1
        run = self.run = Run(self._attempt, parcel, asked)
        run.waiting.update(self._crew.voting)
        for worker in run.waiting:
            worker.send(frames.Prepare(run.generation, parcel))
        self._go_on(run)

    def _go_on(self, run: Run) -> None:
        if run.waiting:
            return
        if run.stage is Stage.PREPARING:
            run.stage = Stage.COMMITTING
            run.waiting.update(run.prepared)
            self.generation = run.generation
            for worker in run.prepared:
                worker.send(frames.Commit(run.generation))
            self._decided(run.generation, run.parcel)
        if not run.waiting:
            self.reloads += 1
            self._end(run, Result(True, run.generation, len(self._crew.serving)))

    def _abort(self, run: Run, said: str) -> None:
        for worker in run.waiting | run.prepared:
            worker.send(frames.Abort(run.generation))
        self._end(run, Result(False, self.generation, said=said, plain=_COLOUR.sub("", said)))

    def _end(self, run: Run, result: Result) -> None:
        self.run = None
        self._tell(result, run.asked)
        waiting, self._next = self._next, None
        if waiting is not None:
            self._begin(*waiting)

    def _tell(self, result: Result, asked: list[Answer]) -> None:
        since = self.refused.since if self.refused else time.monotonic()
        self.refused = None if result.ok else Refusal(since, result.plain.strip().partition("\n")[0])
        self._report(result)
        for answer in asked:
            answer(result)
