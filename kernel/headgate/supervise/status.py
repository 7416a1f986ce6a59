"""What a node says of itself: to `headgate status`, and to whoever probes it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from headgate.supervise.crew import Worker
from headgate.wire.binds import addresses
from headgate.wire.health import Condition

if TYPE_CHECKING:
    from headgate.supervise.master import Master

# A worker that has not beaten for that long is not counted on.
FRESH_S = 5.0


class Status:
    """A node as it is now."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._now = time.monotonic()

    def __repr__(self) -> str:
        return f"<Status of {self._master!r}>"

    def condition(self) -> Condition:
        """Whether it lives, and whether it is ready, with the numbers that say why."""
        master = self._master
        heard = [worker for worker in master.crew.working if self._now - worker.heard < FRESH_S]
        fresh = [worker for worker in heard if worker.serves]
        detail = {
            "state": master.state,
            "generation": master.reloads.generation,
            "workers": len(master.crew.workers),
            "answering": len(fresh),
            "overloaded": sum(worker.beat.overloaded for worker in fresh),
            "reload_refused": self._refused(),
        }
        return Condition(bool(heard), bool(fresh) and master.state == "serving", detail)

    def document(self) -> dict[str, Any]:
        """All of it."""
        master, workers = self._master, self._master.crew.workers
        return {
            "ok": True,
            "pid": os.getpid(),
            "state": master.state,
            "uptime_s": round(self._now - master.since, 3),
            "generation": master.reloads.generation,
            "reloads": master.reloads.reloads,
            "reload_refused": self._refused(),
            "restarts": master.crew.restarts,
            "addresses": addresses(master.opening.serving),
            "probes": addresses(master.opening.admin),
            "connections": sum(worker.beat.connections for worker in workers),
            "active": sum(worker.beat.active for worker in workers),
            "handled": master.crew.handled_before + sum(worker.beat.handled for worker in workers),
            "workers": [self._worker(worker) for worker in workers],
        }

    def _refused(self) -> dict[str, Any] | None:
        refused = self._master.reloads.refused
        return None if refused is None else {"since_s": round(self._now - refused.since, 3), "said": refused.said}

    def _worker(self, worker: Worker) -> dict[str, Any]:
        beat = worker.beat
        return {
            "name": worker.name,
            "pid": worker.pid,
            "state": worker.state,
            "leads": worker.leads,
            "uptime_s": round(self._now - worker.born, 3),
            "heard_s": round(self._now - worker.heard, 3),
            "generation": worker.generation,
            "connections": beat.connections,
            "idle": beat.idle,
            "active": beat.active,
            "handled": beat.handled,
            "sets": beat.sets,
            "memory_bytes": beat.memory_bytes,
            "overloaded": beat.overloaded,
            "shed": beat.shed,
        }
