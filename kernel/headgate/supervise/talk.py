"""Short conversations in the master's loop: one question, one answer, and the connection is closed.

The control socket and the admin bind are both that. Nothing waits for who asks: what is not read in time is given up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from headgate.supervise.loop import Loop

AT_A_TIME: Final = 64
WAIT_S: Final = 5.0

# Takes what was read so far: None when more is to come, else whether it was understood (and will be answered).
Asked = Callable[["Talk", bytes], bool | None]


class Talk:
    """One conversation. It is over when its answer is sent."""

    def __init__(self, door: Door, sock: socket.socket) -> None:
        self._door = door
        self._sock = sock
        self._read = bytearray()
        self._answer = b""
        self._late = door.loop.at(WAIT_S, self.close)
        sock.setblocking(False)
        door.loop.watch(sock, self._readable)

    def answer(self, data: bytes) -> None:
        """The answer, whole."""
        if self in self._door.talks:
            self._answer = data
            self._late.cancel()
            self._late = self._door.loop.at(WAIT_S, self.close)
            self._writable()

    def close(self) -> None:
        """Whatever has been said."""
        self._late.cancel()
        self._door.talks.discard(self)
        self._door.loop.forget(self._sock)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(self._door.longest)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._read += data
        understood = self._door.asked(self, bytes(self._read)) if len(self._read) <= self._door.longest else False
        if understood is False:
            self.close()
        elif understood:
            self._read.clear()
            self._late.cancel()  # the answer may take its time

    def _writable(self) -> None:
        try:
            while self._answer:
                self._answer = self._answer[self._sock.send(self._answer) :]
        except BlockingIOError:
            self._door.loop.watch(self._sock, self._readable, self._writable)
            return
        except OSError:
            pass
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        self.close()


class Door:
    """Where conversations begin: a listening socket."""

    def __init__(self, loop: Loop, listener: socket.socket, longest: int, asked: Asked) -> None:
        self.loop = loop
        self.longest = longest
        self.asked = asked
        self.talks: set[Talk] = set()
        self.listener = listener
        listener.setblocking(False)
        loop.watch(listener, self._accept)

    def __repr__(self) -> str:
        return f"<Door [{len(self.talks)} talking]>"

    def leave(self) -> None:
        """Begin no more conversations. Those that have begun go on."""
        self.loop.forget(self.listener)

    def close(self) -> None:
        """Answer nobody any more."""
        self.leave()
        for talk in list(self.talks):
            talk.close()

    def _accept(self) -> None:
        with suppress(OSError):
            sock, _ = self.listener.accept()
            if len(self.talks) >= AT_A_TIME:
                sock.close()
            else:
                self.talks.add(Talk(self, sock))
