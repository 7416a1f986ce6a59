"""TLS over a pipe: the same promises as a plain socket's, so the lane runs over it unchanged.

1. The record layer is OpenSSL's, on memory; the bytes in and out are the pipe's below. So a wait is interrupted as on
   the plain socket, and a request that finds its bytes there takes no more trips through the scheduler.
2. What was encrypted has to go out, and nothing before it: `_pending`. Where the socket did not take all of it, the
   caller is told that the last byte was not sent, and comes back with that byte; it is not encrypted twice (`_owed`).
   One task sends at a time; the one that reads only adds to what is pending while another waits (`_flushing`).
3. Where the peer ends the connection without saying so in TLS, it reads as an end all the same: HTTP/1.1 and HTTP/2 know
   by themselves what is whole.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

import trio

from headgate.wire.pipe import Pipe

# One record (RFC 8446 §5.1).
_RECORD: Final = 16384
_READ: Final = 65536
_GOODBYE_S: Final = 1.0


class TlsPipe:
    """The server's side of TLS. `handshake` comes first."""

    __slots__ = ("_below", "_flushing", "_in", "_out", "_owed", "_pending", "_tls")

    def __init__(self, below: Pipe, context: ssl.SSLContext) -> None:
        self._below = below
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._pending = b""
        self._owed = False
        self._flushing = False

    def __repr__(self) -> str:
        return f"<TlsPipe {self._tls.version() or 'shaking hands'} over {self._below!r}>"

    @property
    def tls(self) -> ssl.SSLObject:
        """The session: its protocol, its peer's certificate."""
        return self._tls

    async def handshake(self) -> bool:
        """Shake hands; False where the peer went away or was interrupted. ssl.SSLError where it cannot be done."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                if not (await self._flush() and await self._fill()):
                    return False
            except ssl.SSLError:
                self._flush_now()  # the alert that says why
                raise
            else:
                return await self._flush()

    async def _fill(self) -> bool:
        data = await self._below.receive()
        if not data:
            return False
        self._in.write(data)
        return True

    async def receive(self) -> bytes | None:
        while True:
            data = self._read()
            if data is not None:
                return data
            self._flush_now()  # a change of keys has to be answered
            raw = await self._below.receive()
            if raw is None:
                return None
            self._take(raw)

    def receive_now(self) -> bytes | None:
        data = self._read()
        if data is None:
            raw = self._below.receive_now()
            if raw is None:
                return None
            self._take(raw)
            data = self._read()
        return data

    def _take(self, raw: bytes) -> None:
        if raw:
            self._in.write(raw)
        else:
            self._in.write_eof()

    def _read(self) -> bytes | None:
        if not self._in.pending and not self._in.eof and not self._tls.pending():
            return None
        try:
            return self._tls.read(_READ)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLError, OSError):
            return b""  # rule 3; what is broken reads as an end, too

    def send_now(self, data: bytes) -> int:
        if self._pending:
            return 0
        self._encrypt(data)
        if self._flush_now():
            return len(data)
        self._owed = True
        return len(data) - 1

    async def send_some(self, data: memoryview) -> int:
        piece = data[:_RECORD]
        if self._owed:
            piece = data[:1]
        elif not await self._flush():
            return 0
        else:
            self._encrypt(bytes(piece))
        if not await self._flush():
            return 0
        self._owed = False
        return len(piece)

    def _encrypt(self, data: bytes) -> None:
        if not data:
            return
        try:
            self._tls.write(data)
        except (ssl.SSLError, OSError) as error:
            raise trio.BrokenResourceError from error
        self._gather()

    def _gather(self) -> None:
        if self._out.pending:
            self._pending += self._out.read()

    def _flush_now(self) -> bool:
        """Whether all has gone out without waiting. While somebody waits to send, what is added goes out behind it."""
        self._gather()
        if self._pending and not self._flushing:
            self._pending = self._pending[self._below.send_now(self._pending) :]
        return not self._pending

    async def _flush(self) -> bool:
        """Send what is pending; False when interrupted."""
        if self._flush_now():
            return True
        self._flushing = True
        try:
            while self._pending:
                sent = await self._below.send_some(memoryview(self._pending))
                if not sent:
                    return False
                self._pending = self._pending[sent:]
        finally:
            self._flushing = False
        return True

    def interrupt_receive(self) -> None:
        self._below.interrupt_receive()

    def interrupt_send(self) -> None:
        self._below.interrupt_send()

    async def send_eof(self) -> None:
        await self._say_goodbye()
        await self._below.send_eof()

    async def _say_goodbye(self) -> None:
        """Say that we are done, for at most a second; the peer's goodbye need not be waited for (RFC 8446 §6.1)."""
        with suppress(ssl.SSLError, OSError, ValueError):
            self._tls.unwrap()
        with (
            trio.CancelScope(shield=True, deadline=trio.current_time() + _GOODBYE_S),
            suppress(trio.BrokenResourceError),
        ):
            await self._flush()

    async def close(self, *, reset: bool = False) -> None:
        if not reset:
            await self._say_goodbye()
        await self._below.close(reset=reset)
