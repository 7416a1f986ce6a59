"""Upgrades of a node, one at a time: who asked, and what becomes of it."""

from __future__ import annotations

import functools
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

    def __repr__(self) -> str:
        return f"<Succession {self._upgrade!r}>"

    def begin(self, sockets: dict[str, Sequence[socket]], state: str, answer: Reply | None) -> None:
        """Start the program anew; `answer` is told what came of it."""
        reply = answer if answer is not None else lambda _: None
        if self._upgrade is not None or state != "serving":
            reply({"ok": False, "said": "an upgrade is under way" if self._upgrade else f"the node is {state}"})
            return
        log.info("starting the program anew; this node serves until the new one does")
        try:
            self._upgrade = Upgrade(self._loop, self._argv, sockets, functools.partial(self._over, reply))
        except OSError as error:
            log.error("%s cannot be started: %s", self._argv[0], error.strerror)
            reply({"ok": False, "said": f"{self._argv[0]} cannot be started: {error.strerror}"})

    def reap(self) -> None:
        """See whether it has ended."""
        if self._upgrade is not None:
            self._upgrade.process.poll()

    def _over(self, reply: Reply, pid: int | None) -> None:
        if pid is None:
            self._upgrade = None
            log.error("the new node did not start; this one goes on serving")
            reply({"ok": False, "said": "the new node did not start, and the old one goes on; its log says why"})
        else:
            log.info("the new node serves (pid %d)", pid)
            reply({"ok": True, "pid": pid, "said": f"the new node serves: pid {pid}"})
            self._taken_over()
