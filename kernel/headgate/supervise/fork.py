"""A process of our own, made by forking: what it inherits, and what it must not keep.

Forking is safe here because the master has one thread and no event loop of trio's. What was loaded before is shared with
the child until one of them writes to it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable

from headgate.supervise.loop import Loop
from headgate.supervise.stacks import Pipe, Stacks, dump_to, new_pipe

log = logging.getLogger("headgate")

# What a terminal or a service manager sends to all processes of a group is the master's to heed. SIGTERM is not ignored:
# whoever sends it to one process means that one.
_MASTERS = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)
# What to do about a process that the system does not give us.
SCARCE = "look at the limits of processes, of open files and of memory, or start fewer workers: --workers, `workers`"


def fork(loop: Loop, run: Callable[[socket.socket], int], who: str) -> tuple[int, socket.socket]:
    """Start a process that does `run` with its end of a pair of sockets; gives its pid and our end. `who` it is stands above
    what it says of its threads."""
    ours, theirs = socket.socketpair()
    stacks, dump = new_pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    # No signal may come between the fork and the moment from which the child knows whose signals they are.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            stacks.close()
            _be_the_child(loop, run, ours, theirs, dump, blocked)
    except OSError:
        ours.close()
        stacks.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        dump.close()
    Stacks(loop, stacks, f"{who} (pid {pid})")
    return pid, ours


def _be_the_child(
    loop: Loop,
    run: Callable[[socket.socket], int],
    ours: socket.socket,
    theirs: socket.socket,
    dump: Pipe,
    mask: set[int],
) -> None:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for number in _MASTERS:
            signal.signal(number, signal.SIG_IGN)
        dump_to(dump)
        loop.abandon()
        ours.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        status = run(theirs)
    except BaseException:
        log.critical("a process of this node cannot go on", exc_info=True)
    finally:
        # Past every clean-up that is the parent's: open files, exit handlers, the frames above this one.
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def how_it_ended(status: int) -> str:
    """What `waitpid` tells, in words."""
    number = os.waitstatus_to_exitcode(status)
    return f"was killed by signal {-number}" if number < 0 else f"ended with status {number}"
