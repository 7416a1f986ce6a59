"""Upgrades of a node, one at a time: who asked, and what becomes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from socket import socket

from headgate.supervise.control import Reply
from headgate.supervise.loop import Loop
from headgate.supervise.upgrade import Upgrade

log = logging.getLogger("headgate")


class Succession:
    """`taken_over` is called when a new node serves on the same sockets."""

    def __init__(self, loop: Loop, argv: Sequence[str], taken_over: Callable[[], None]) -> None:
        self._loop = loop
        self._argv = argv
        self._taken_over = taken_over
        self._upgrade: Upgrade | None = None
        self._reply: Reply = _nobody

    def __repr__(self) -> str:
        return f"<Succession {self._upgrade!r}>"

    def begin(self, sockets: dict[str, Sequence[socket]], state: str, answer: Reply | None) -> None:
        """Start the program anew; `answer` is told what came of it."""
        reply = answer or _nobody
        if self._upgrade is not None or state != "serving":
            reply({"ok": False, "said": "an upgrade is under way" if self._upgrade else f"the node is {state}"})
            return
        log.info("starting the program anew; this node serves until the new one does")
        try:
            self._upgrade, self._reply = Upgrade(self._loop, self._argv, sockets, self._over), reply
        except OSError as error:
            log.error("%s cannot be started: %s", self._argv[0], error.strerror)
            reply({"ok": False, "said": f"{self._argv[0]} cannot be started: {error.strerror}"})

    def reap(self) -> None:
        """See whether it has ended."""
        if self._upgrade is not None:
            self._upgrade.process.poll()

    def stop(self) -> None:
        """This node is told to stop: one that is about to follow it is, too."""
        if self._upgrade is not None and self._upgrade.pending:
            log.info("the new node (pid %d) is told to stop as well", self._upgrade.process.pid)
            self._upgrade.end()
            self._reply({"ok": False, "said": "the node was told to stop, and the new one with it"})

    def _over(self, pid: int | None) -> None:
        if pid is None:
            self._upgrade = None
            log.error("the new node did not start; this one goes on serving")
            self._reply({"ok": False, "said": "the new node did not start, and the old one goes on; its log says why"})
        else:
            log.info("the new node serves (pid %d)", pid)
            self._reply({"ok": True, "pid": pid, "said": f"the new node serves: pid {pid}"})
            self._taken_over()


def _nobody(_: object) -> None:
    """It was a signal that asked."""
