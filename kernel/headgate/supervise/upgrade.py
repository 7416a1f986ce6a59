"""A new program takes over from one that serves, and nobody notices.

1. The old master starts the command that it was started with, and hands its listening sockets down: their numbers stand in
   one variable of the environment. The new one opens only what is not among them.
2. Both accept from the same sockets as soon as the new one is ready, so no connection is refused and none that waits to
   be accepted is lost. Then the new one says so, and the old one drains.
3. A new one that cannot serve ends. The old one has gone on meanwhile, and says what happened. So does one that takes
   too long, or whose predecessor is told to stop.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
from collections.abc import Callable, MutableMapping, Sequence
from typing import Final

import msgspec

from headgate.supervise.loop import Loop
from headgate.wire.binds import Sockets

log = logging.getLogger("headgate")

# No setting, although it begins like one: it is taken out of the environment before settings are read.
VARIABLE: Final = "HEADGATE_HANDED_DOWN"
_READY: Final = b"ready"
# A start compiles and tests all policies, which takes seconds. systemd waits 90 s for one.
START_S: Final = 60.0
# From being asked to end to being ended: one that does not serve yet has nothing to finish.
END_S: Final = 5.0


class HandedDown(msgspec.Struct, frozen=True):
    """What stands in the variable: numbers of sockets by bind, and that of the socket to say `ready` on."""

    binds: dict[str, list[int]]
    heir: int


class Upgrade:
    """One that is under way, as long as it is `pending`. `over` is told the new pid, or None where it did not come to serve."""

    def __init__(self, loop: Loop, argv: Sequence[str], sockets: Sockets, over: Callable[[int | None], None]) -> None:
        self._loop = loop
        self._over = over
        self._sock, theirs = socket.socketpair()
        binds = {bind: [sock.fileno() for sock in some] for bind, some in sockets.items()}
        down = msgspec.json.encode(HandedDown(binds, theirs.fileno())).decode()
        passed = [theirs.fileno(), *(number for numbers in binds.values() for number in numbers)]
        try:
            self.process = subprocess.Popen(argv, pass_fds=passed, env={**os.environ, VARIABLE: down})
        except OSError:
            self._sock.close()
            raise
        finally:
            theirs.close()
        self._sock.setblocking(False)
        self.pending = True
        self._late = loop.at(START_S, self._too_late)
        loop.watch(self._sock, self._read)

    def __repr__(self) -> str:
        return f"<Upgrade to pid {self.process.pid}>"

    def _read(self) -> None:
        try:
            said = self._sock.recv(16)
        except OSError:
            said = b""
        self._settle()
        self._over(self.process.pid if said == _READY else None)

    def end(self) -> None:
        """The new node is not to serve. `over` is told nothing."""
        self._settle()
        self.process.terminate()
        self._loop.at(END_S, self.process.kill)

    def _too_late(self) -> None:
        log.error("the new node (pid %d) does not serve after %g s, and is ended", self.process.pid, START_S)
        self.end()
        self._over(None)

    def _settle(self) -> None:
        self.pending = False
        self._late.cancel()
        self._loop.forget(self._sock)


def handed_down(environ: MutableMapping[str, str]) -> tuple[dict[str, list[socket.socket]], socket.socket | None]:
    """What a predecessor hands down, taken out of the environment: sockets by bind, and where to say that we serve."""
    text = environ.pop(VARIABLE, None)
    if text is None:
        return {}, None
    down = msgspec.json.decode(text, type=HandedDown)
    found = {bind: [socket.socket(fileno=number) for number in numbers] for bind, numbers in down.binds.items()}
    heir = socket.socket(fileno=down.heir)
    for sock in [heir, *(sock for some in found.values() for sock in some)]:
        os.set_inheritable(sock.fileno(), False)
    return found, heir


def say_ready(heir: socket.socket) -> None:
    """The predecessor may go."""
    with heir:
        try:
            heir.sendall(_READY)
        except OSError:
            log.warning("the node that this one follows is gone already")
