"""Where the threads of a process are, as it says when it is asked (SIGUSR1), put together by the master.

faulthandler writes in the midst of a signal, whatever the process is doing, and so without its name, and in small pieces. They
go over a socket to the master, which says of whom they are, and logs them as one.
"""

from __future__ import annotations

import logging
import socket
from typing import Final

from headgate.supervise.loop import Loop, Timer

log = logging.getLogger("headgate")

# Pieces come within microseconds of one another.
QUIET_S: Final = 0.1
_PIECE: Final = 1 << 16


class Stacks:
    """What one process says of its threads, until it ends."""

    def __init__(self, loop: Loop, sock: socket.socket, who: str) -> None:
        self._loop = loop
        self._sock = sock
        self._who = who
        self._said = bytearray()
        self._quiet = Timer(self._tell)
        sock.setblocking(False)
        loop.watch(sock, self._read)

    def __repr__(self) -> str:
        return f"<Stacks of {self._who}, {len(self._said)} bytes>"

    def _read(self) -> None:
        try:
            data = self._sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._quiet.cancel()
        if not data:
            self._loop.forget(self._sock)
            self._tell()
            return
        self._said += data
        self._quiet = self._loop.at(QUIET_S, self._tell)

    def _tell(self) -> None:
        if self._said:
            said, self._said = self._said.decode("utf-8", "replace").strip(), bytearray()
            log.info("%s, where each of its threads is:\n%s", self._who, said)
