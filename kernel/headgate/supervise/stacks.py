"""Where the threads of a process are, as it says when it is asked (SIGUSR1), put together by the master.

faulthandler writes in the midst of a signal, whatever the process is doing, and so without its name, and in small pieces. They
go through a pipe to the master, which says of whom they are, and logs them as one. Where the master is gone the process says
them on stderr itself.

Writing never waits: a master that hangs would take its workers with it, in the midst of a signal. So it is a pipe and no
socket: pieces lie in it close together, and it holds some seven hundred lines before one is lost.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
from typing import Final

from headgate.supervise.loop import Loop, Timer

log = logging.getLogger("headgate")

# Pieces come within microseconds of one another.
QUIET_S: Final = 0.1
_PIECE: Final = 1 << 16
DUMP: Final = signal.SIGUSR1


class Pipe:
    """One end of a pipe; nobody waits at it."""

    def __init__(self, number: int) -> None:
        self._number = number
        os.set_blocking(number, False)

    def __repr__(self) -> str:
        return f"<Pipe {self._number}>"

    def fileno(self) -> int:
        return self._number

    def close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


def new_pipe() -> tuple[Pipe, Pipe]:
    """To read from, and to write to."""
    read, write = os.pipe()
    return Pipe(read), Pipe(write)


def dump_to(pipe: Pipe) -> None:
    """From now on this process says there where its threads are, when it is asked."""
    faulthandler.register(DUMP, file=pipe.fileno(), all_threads=True)


def dump_to_stderr() -> None:
    """From now on it says so itself: there is no master to do it."""
    faulthandler.register(DUMP, all_threads=True)


class Stacks:
    """What one process says of its threads, until it ends."""

    def __init__(self, loop: Loop, pipe: Pipe, who: str) -> None:
        self._loop = loop
        self._pipe = pipe
        self._who = who
        self._said = bytearray()
        self._quiet = Timer(self._tell)
        loop.watch(pipe, self._read)

    def __repr__(self) -> str:
        return f"<Stacks of {self._who}, {len(self._said)} bytes>"

    def _read(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), _PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._quiet.cancel()
        if not data:
            self._loop.forget(self._pipe)
            self._tell()
            return
        self._said += data
        self._quiet = self._loop.at(QUIET_S, self._tell)

    def _tell(self) -> None:
        if self._said:
            said, self._said = self._said.decode("utf-8", "replace").strip(), bytearray()
            log.info("%s, where each of its threads is:\n%s", self._who, said)
