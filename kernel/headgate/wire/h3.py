"""HTTP/3 on one QUIC connection: the same streams, bodies and replies as HTTP/2's, over aioquic. The only files that know it are this one,
`h3_machine.py`, `quic.py` and `quic_peer.py`.

1. What aioquic cannot hold back is held back here: a stream may be sent more when what came has been read (`Quic`, which says
   so to the other side), and who sends waits while much of it is unsent or unacknowledged.
2. aioquic counts streams over a connection's life, not at once: those beyond the limit are rejected (RFC 9114 §8.1).
3. Who has streams opened and reset before they are answered, again and again, is disconnected, as in HTTP/2 (CVE-2023-44487);
   so is who sends a frame that aioquic would have to keep, longer than a head may be or for longer than one may take.
4. There is no dynamic table of QPACK: a byte may stand for 4 KiB with one, and a stream may wait for another. quic-go has
   none either. That bounds what a head can become, and no stream is ever blocked.
5. The codes by which replies reset are HTTP/2's; their names are the same in HTTP/3 (RFC 9114 Appendix A.2.4).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final

import trio
from aioquic.h3.connection import ErrorCode
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.events import StopSendingReceived, StreamDataReceived, StreamReset
from h2.errors import ErrorCodes

from headgate.http2 import Calm, Lines, Lost, Reset, Sizes, Stalled, Stream, StreamFault
from headgate.wire.h3_machine import H3, Quic, is_request

# Above this, senders wait. As much as a socket takes at once, twice.
_HIGH: Final = 1 << 17
_PIECE: Final = 1 << 15
_CODES: Final = {
    ErrorCodes.NO_ERROR: ErrorCode.H3_NO_ERROR,
    ErrorCodes.INTERNAL_ERROR: ErrorCode.H3_INTERNAL_ERROR,
    ErrorCodes.CANCEL: ErrorCode.H3_REQUEST_CANCELLED,
}


class H3Session:
    """What `http2.Session` is to its streams. `transmit` sends what the connection has to say; `changed` hears of each stream
    that is over, and of the end. After `requests` of them it takes no more; `header_s` is how long a head may take."""

    def __init__(
        self,
        quic: Quic,
        sizes: Sizes,
        *,
        requests: int,
        header_s: float,
        opened: Callable[[Stream, bool], None],
        transmit: Callable[[], None],
        changed: Callable[[], object],
    ) -> None:
        self._changed = changed
        self._quic = quic
        self._h3 = H3(quic)
        self._most = requests
        self._header_s = header_s
        self._heads: dict[int, float] = {}  # since when one is on its way, the oldest first
        self.over = False
        self._sizes = sizes
        self._opened = opened
        self._transmit = transmit
        self.streams: dict[int, Stream] = {}
        self.requests = 0
        self._next = 0  # the stream behind those that were taken
        self.calm = Calm()
        self.refusing = False
        self._leaving = False
        self._moved = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        state = "ended" if self.over else "going away" if self.refusing else "open"
        return f"<H3Session {state} [{len(self.streams)} streams, {self.requests} requests]>"

    # --- told by the endpoint -----------------------------------------------------------------------------------------

    def hear(self, event: Any) -> None:
        """One event of the connection. Nothing here waits."""
        if self.over:
            return
        if isinstance(event, (StreamReset, StopSendingReceived)):
            self._broken_off(event)
        for one in self._h3.handle_event(event):
            if isinstance(one, HeadersReceived):
                self._headers(one)
            elif isinstance(one, DataReceived):
                self._data(one)
        if isinstance(event, StreamDataReceived):
            self._watch(event.stream_id)
        if self.calm.lost():
            self._end(ErrorCode.H3_EXCESSIVE_LOAD)

    def _broken_off(self, event: StreamReset | StopSendingReceived) -> None:
        if isinstance(event, StreamReset):
            self._heads.pop(event.stream_id, None)
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            if not stream.spoken:
                self.calm.charge()  # an answer that has begun was worth its request
            self.reset(stream, ErrorCodes.CANCEL)
        elif isinstance(event, StreamReset) and self._h3.headless(event.stream_id):
            self.calm.charge()  # of a stream that we have stopped, it is what the standard asks for (RFC 9000 §3.5)

    def _watch(self, stream_id: int) -> None:
        if self._h3.keeps(stream_id) > self._sizes.header_bytes:
            self._end(ErrorCode.H3_EXCESSIVE_LOAD)
        elif is_request(stream_id) and self._h3.waits(stream_id):
            self._heads.setdefault(stream_id, trio.current_time())
        else:
            self._heads.pop(stream_id, None)

    def _headers(self, event: HeadersReceived) -> None:
        id = event.stream_id
        stream = self.streams.get(id)
        if stream is not None:
            stream.trailers = event.headers
        elif not self._h3.answerable(id):
            return  # trailers of a request that is over
        elif self._quic.unwanted(id):
            self.calm.charge()
            self._refuse(id)
            return
        elif self.refusing or len(self.streams) >= self._sizes.streams:
            self._refuse(id)
            return
        else:
            stream = self._open(id, event)
        if event.stream_ended:
            self._ended(stream)

    def _open(self, id: int, event: HeadersReceived) -> Stream:
        stream = Stream(self, id)
        stream.head = event.headers
        self.streams[id] = stream
        self.requests += 1
        self._next = max(self._next, id + 4)
        if self.requests >= self._most:
            self.wind_up()
        self._opened(stream, event.stream_ended)
        return stream

    def _refuse(self, id: int) -> None:
        self._quic.reject(id, ErrorCode.H3_REQUEST_REJECTED)
        self._h3.release(id)

    def wind_up(self) -> None:
        """Take no more requests, and say so; end when all that was said has arrived."""
        if not self._leaving:
            self.refusing = self._leaving = True
            self._h3.go_away(self._next)
            self._transmit()

    def _end(self, code: ErrorCode) -> None:
        if not self.over:
            self.over = True
            self._quic.close(error_code=code)
            self.lose()
            self._changed()

    def _data(self, event: DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None:
            return
        if event.data:
            self._quic.unread[stream.id] = self._quic.unread.get(stream.id, 0) + len(event.data)
            stream.feed(event.data)
        if event.stream_ended:
            self._ended(stream)

    def _ended(self, stream: Stream) -> None:
        stream.ended = True
        stream.tell()
        self._done(stream)

    def moved(self) -> None:
        """Something was acknowledged, there is more room, or time has passed: senders look again, and so do we."""
        self._moved.unpark_all()
        begun = next(iter(self._heads.values()), inf)
        if trio.current_time() - begun > self._header_s:
            self._end(ErrorCode.H3_EXCESSIVE_LOAD)
        elif self._leaving and not self.streams and not self._owes():
            self._end(ErrorCode.H3_NO_ERROR)

    def _owes(self) -> bool:
        return self._quic.owes() or self._h3.owes()

    def lose(self) -> None:
        """The connection has ended."""
        self.over = True
        for stream in list(self.streams.values()):
            self._forget(stream, Lost("closed the connection"))
        self._moved.unpark_all()

    # --- asked by replies and bodies ----------------------------------------------------------------------------------

    def give_back(self, stream: Stream, size: int) -> None:
        """So much of the stream was read."""
        left = self._quic.unread.get(stream.id, 0) - size
        self._quic.unread[stream.id] = max(left, 0)
        if left <= self._sizes.window_bytes // 2 and not stream.closed:
            self._transmit()

    def send_head(self, stream: Stream, lines: Lines, *, end: bool = False) -> None:
        """Send a head or trailers. StreamFault where the stream is over."""
        self._say(stream, lambda: self._h3.send_headers(stream.id, list(lines), end_stream=end), end=end)
        stream.spoken = True

    def send_end(self, stream: Stream) -> None:
        """Nothing more will be sent. StreamFault."""
        self._say(stream, lambda: self._h3.send_data(stream.id, b"", end_stream=True), end=True)

    async def send(self, stream: Stream, data: bytes, *, end: bool = False) -> None:
        """Send data as fast as it is taken. StreamFault; Stalled where nothing is taken for `stall_s`."""
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            last = end and at + _PIECE >= len(data)
            self._say(stream, partial(self._h3.send_data, stream.id, piece, end_stream=last), end=last)
            await self._wait(stream)
        if end and not data:
            self.send_end(stream)

    async def _wait(self, stream: Stream) -> None:
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(self._sizes.stall_s) as scope:
            while self._quic.unsent(stream.id) >= _HIGH and stream.fault is None:
                before = self._quic.unsent(stream.id)
                await self._moved.park()
                if self._quic.unsent(stream.id) < before:
                    scope.deadline = trio.current_time() + self._sizes.stall_s
        if scope.cancelled_caught:
            self.reset(stream, ErrorCodes.CANCEL)
            raise Stalled("gave no room to send in")
        if stream.fault is not None:
            raise stream.fault

    def _say(self, stream: Stream, say: Callable[[], None], *, end: bool) -> None:
        if stream.fault is not None:
            raise stream.fault
        try:
            say()
        except (AssertionError, ValueError) as error:  # what aioquic raises where a stream is closed for sending
            raise Lost(f"cannot be told more ({error})") from None
        self._transmit()
        if end:
            stream.sent_end = True
            self._done(stream)

    def reset(self, stream: Stream, code: int = ErrorCodes.CANCEL) -> None:
        """End it from our side, whole or not. Idempotent."""
        if stream.closed:
            return
        own = _CODES.get(ErrorCodes(code), ErrorCode.H3_INTERNAL_ERROR)
        if not stream.ended:
            self._quic.stop_stream(stream.id, own)
        if not stream.sent_end:
            self._quic.reset_stream(stream.id, own)
        self._forget(stream, Reset(code))
        self._transmit()

    def _done(self, stream: Stream) -> None:
        if stream.ended and stream.sent_end and not stream.closed:
            self.calm.relieve()
            stream.closed = True
            stream.tell()
            self._drop(stream)

    def _forget(self, stream: Stream, fault: StreamFault) -> None:
        stream.fail(fault)
        self._drop(stream)
        self._moved.unpark_all()

    def _drop(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        self._quic.unread.pop(stream.id, None)
        self._h3.release(stream.id)
        self._changed()
