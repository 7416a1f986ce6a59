"""Notices clients that hang up, at no cost for calls that are over soon.

Every exchange is put on a list with its start. One task looks at the head of the list now and then; only an exchange
that has lasted `PATIENCE_S` gets a task of its own that waits for the client to go, and then has the reply cancelled:
the task that answers ends, and nobody is left to notice.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from headgate.pipeline.reply import Reply

log = logging.getLogger("headgate")

# Long enough that a local upstream never costs a task, short enough that nobody pays for an answer nobody reads.
PATIENCE_S = 0.05


class Watched:
    """One exchange that may lose its client."""

    __slots__ = ("done", "gone", "reply", "since", "watcher")

    def __init__(self, reply: Reply, since: float) -> None:
        self.reply = reply
        self.since = since
        self.watcher: trio.CancelScope | None = None
        self.done = False
        self.gone = False

    def end(self) -> None:
        """The exchange is over; whoever watches it stops."""
        self.done = True
        if self.watcher is not None:
            self.watcher.cancel()


class Watch:
    """Watches the exchanges of one worker."""

    def __init__(self) -> None:
        self._young: deque[Watched] = deque()

    def __repr__(self) -> str:
        return f"<Watch {len(self._young)} young>"

    def begin(self, reply: Reply) -> Watched:
        watched = Watched(reply, trio.current_time())
        self._young.append(watched)
        return watched

    async def run(self) -> None:
        """Look after exchanges until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(PATIENCE_S / 2)
                for watched in self.grown(trio.current_time()):
                    nursery.start_soon(_wait_gone, watched)

    def grown(self, now: float) -> list[Watched]:
        """Those that have lasted long enough to be watched; what is over is dropped."""
        grown: list[Watched] = []
        while self._young and (self._young[0].done or now - self._young[0].since >= PATIENCE_S):
            watched = self._young.popleft()
            if not watched.done:
                grown.append(watched)
        return grown


async def _wait_gone(watched: Watched) -> None:
    if watched.done:
        return
    with trio.CancelScope() as watched.watcher:
        try:
            await watched.reply.wait_gone()
        except Exception:
            log.exception("a client cannot be watched")  # its exchange goes on, and so do all others
            return
        if not watched.done:
            watched.gone = True
            watched.reply.cancel()
