"""The builder's process, as the master sees it. One that dies is started again when it is needed."""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from collections.abc import Callable

from headgate.supervise import frames
from headgate.supervise.builder import Builder
from headgate.supervise.channel import Channel
from headgate.supervise.fork import fork, how_it_ended
from headgate.supervise.loop import Loop
from headgate.supervise.plan import Plan
from headgate.supervise.reloading import Answer

log = logging.getLogger("headgate")

AGAIN_S = 1.0


class Building:
    """Builds, asked for or not. `built` is given what came, and who waits for it."""

    def __init__(
        self, loop: Loop, plan: Plan, built: Callable[[frames.Built, list[Answer]], None], let_go: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._plan = plan
        self._built = built
        self._let_go = let_go
        self._asked: deque[list[Answer]] = deque()
        self._channel: Channel | None = None
        self._pid = 0
        self._over = False
        self._start()

    def __repr__(self) -> str:
        return f"<Building pid {self._pid} [{len(self._asked)} asked]>"

    def build(self, *answers: Answer) -> None:
        """Build the policies as they are now."""
        self._asked.append(list(answers))
        if self._channel is not None:
            self._channel.send(frames.Build())

    def close(self) -> None:
        """No more builds."""
        self._over = True
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        if self._channel is not None:
            self._channel.close()

    def reap(self) -> None:
        """See whether it has ended."""
        if self._pid and not self._over:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._ended(status)

    def _start(self) -> None:
        if self._over:
            return
        plan = self._plan

        def run(sock: object) -> int:
            plan.dress("builder")
            self._let_go()
            builder = Builder(plan.settings, plan.plugins, plan.show, plan.colour)
            return builder.serve(sock, watches=plan.settings.reload)  # type: ignore[arg-type]

        try:
            self._pid, sock = fork(self._loop, run, "the builder")
        except OSError as error:
            # Who asks meanwhile is answered by the process that is started in the end.
            log.error("no process to read the policies can be started: %s; next try in %g s", error.strerror, AGAIN_S)
            self._loop.at(AGAIN_S, self._start)
            return
        self._channel = Channel(self._loop, sock, self._heard, self.reap)
        for _ in self._asked:
            self._channel.send(frames.Build())

    def _heard(self, message: frames.AnyMessage) -> None:
        if isinstance(message, frames.Built):
            self._built(message, self._asked.popleft() if message.asked and self._asked else [])

    def _ended(self, status: int) -> None:
        self._pid = 0
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.read_rest()
            channel.close()
        asked, self._asked = self._asked, deque()
        said = f"the process that reads the policies {how_it_ended(status)}; a new one is started"
        log.error("%s", said)
        for answers in asked:
            self._built(frames.Built(said=f"error: {said}", plain=f"error: {said}", status=1), answers)
        self._loop.at(AGAIN_S, self._start)
