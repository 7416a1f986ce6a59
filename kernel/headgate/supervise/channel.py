"""The master's end of what it says to a process of its own, and hears from it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from headgate.supervise.frames import AnyMessage, Frames, Message, encode
from headgate.supervise.loop import Loop

PIECE = 1 << 18


class Channel:
    """Messages both ways. Sending never waits: what the socket does not take is sent when it does."""

    def __init__(
        self, loop: Loop, sock: socket.socket, heard: Callable[[AnyMessage], None], gone: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._heard = heard
        self._gone = gone
        self._frames = Frames()
        self._out = bytearray()
        self._heard_count = 0
        self.open = True
        sock.setblocking(False)
        loop.watch(sock, self._read)

    def __repr__(self) -> str:
        return f"<Channel {'open' if self.open else 'closed'}, {len(self._out)} bytes to send>"

    def send(self, message: Message) -> None:
        """Say it. To who is gone it is said in vain; that is noticed elsewhere."""
        if self.open:
            self._out += encode(message)
            self._write()

    def close(self) -> None:
        """Say and hear nothing more."""
        if self.open:
            self.open = False
            self._loop.forget(self._sock)

    def read_rest(self) -> None:
        """Hear what is left of who has ended."""
        before = None
        while self.open and self._heard_count != before:
            before = self._heard_count
            self._read()

    def _write(self) -> None:
        try:
            while self._out:
                del self._out[: self._sock.send(memoryview(self._out)[:PIECE])]
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()
        if self.open:
            self._loop.watch(self._sock, self._read, self._write if self._out else None)

    def _read(self) -> None:
        try:
            data = self._sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._gone()
            return
        self._heard_count += len(data)
        for message in self._frames.feed(data):
            if self.open:
                self._heard(message)
