"""Whether anything has come in on a connection that nobody has read, an end included; without reading it.

On Linux the kernel tells how many bytes have come and whether the other side has ended (TCP_INFO, since Linux 4.1); who counts
what was read knows the rest. That costs no more than a poll, and the interpreter's lock is not let go for it: with a
thread beside, whoever lets go of it waits for the other's turn, which takes many times what the question does. Everywhere
else, and where the kernel does not count, the socket is asked.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
from typing import Final

# `struct tcp_info`: the state is its first byte, `tcpi_bytes_received` stands behind 24 numbers of 32 bits and three of 64.
_INFO: Final = struct.Struct("=B127xQ")
_OPTION: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_ESTABLISHED: Final = 1


class Quiet:
    """Looks at one connected socket. Whoever reads from it adds to `read` how many bytes that were."""

    __slots__ = ("_poll", "_socket", "read")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.read = 0
        self._poll: select.poll | None = None

    def __call__(self) -> bool:
        """Whether it is open and everything that came was read. One system call as a rule; never blocks."""
        if self._poll is None and _OPTION is not None:
            try:
                state, came = _INFO.unpack(self._socket.getsockopt(socket.IPPROTO_TCP, _OPTION, _INFO.size))
            except (OSError, struct.error):
                came = -1
            if came >= self.read:
                return bool(came == self.read and state == _ESTABLISHED)
        return self._asked()

    def _asked(self) -> bool:
        if self._socket.fileno() == -1:
            return False
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
        return not self._poll.poll(0)
