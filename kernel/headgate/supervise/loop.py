"""The master's loop: sockets, signals and times, one after the other. Nothing that is called here may wait.

A signal is a byte on a socket (`signal.set_wakeup_fd`), so that none is lost and none interrupts anything.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

log = logging.getLogger("headgate")
Reader = Callable[[], None]
# What fails may fail again at once, and must not take a core and fill a disk.
BUG_S = 0.05


class Timer:
    """Something to be done at a time; `cancel` while it has not come."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Watched(Protocol):
    """A socket, or what is like one: closed, its number is -1."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


class Loop:
    """Calls back until `stop`. One in a process."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._before: dict[int, Any] = {}
        self._running = True
        for sock in (self._wake, self._woken):
            sock.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self.watch(self._woken, self._signalled)

    def __repr__(self) -> str:
        return f"<Loop [{len(self._selector.get_map())} sockets, {len(self._timers)} timers]>"

    def watch(self, sock: Watched, readable: Reader, writable: Reader | None = None) -> None:
        """Call `readable` when there is something to read; and `writable`, where it is given, when there is room."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable is not None else 0)
        if sock.fileno() in self._selector.get_map():
            self._selector.modify(sock, events, (readable, writable))
        else:
            self._selector.register(sock, events, (readable, writable))

    def forget(self, sock: Watched) -> None:
        """Watch it no longer, and close it."""
        if sock.fileno() >= 0:
            if sock.fileno() in self._selector.get_map():
                self._selector.unregister(sock)
            sock.close()

    def at(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Do something so many seconds from now."""
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._count), timer))
        return timer

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        """Do this whenever the signal has come."""
        self._handlers[number] = call
        self._before[number] = signal.signal(number, _noted)

    def run(self) -> None:
        """Until `stop`. A callback that fails is a bug, which is logged: the node goes on serving."""
        while self._running:
            self._due()
            for key, events in self._selector.select(self._pause()):
                readable, writable = key.data
                if events & selectors.EVENT_WRITE and writable is not None:
                    _call(writable)
                if events & selectors.EVENT_READ and key.fileobj.fileno() >= 0:  # type: ignore[union-attr]
                    _call(readable)

    def stop(self) -> None:
        """Return from `run`."""
        self._running = False

    def close(self) -> None:
        """Give the signals back, and close everything that is watched."""
        signal.set_wakeup_fd(self._old_wakeup)
        for number, before in self._before.items():
            signal.signal(number, before)
        self.abandon()

    def abandon(self) -> None:
        """In a process that was just forked: close what is the parent's. Its signals are the child's own matter."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._wake.close()

    def _pause(self) -> float | None:
        if not self._running:
            return 0.0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now and self._running:
            _, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                _call(timer.call)

    def _signalled(self) -> None:
        try:
            numbers = self._woken.recv(4096)
        except BlockingIOError:
            return
        # SIGCHLD last: what a person asked for is known before it is judged who died of it.
        for number in sorted(set(numbers), key=lambda one: one == signal.SIGCHLD):
            for _ in range(1 if number == signal.SIGCHLD else numbers.count(number)):
                if number in self._handlers:
                    _call(self._handlers[number])


def _noted(number: int, frame: object) -> None:
    """Python has written it to the socket."""


def _call(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        log.exception("a bug in the master")
        time.sleep(BUG_S)
