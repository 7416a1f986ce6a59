"""HTTP/3 on one QUIC connection: the same streams, bodies and replies as HTTP/2's, over aioquic. The only file, with
`quic.py`, that knows it.

1. What aioquic cannot hold back is held back here: a stream may be sent more when what came has been read (`Quic`, which says
   so to the other side), and who sends waits while much of it is unsent or unacknowledged.
2. aioquic counts streams over a connection's life, not at once: those beyond the limit are rejected (RFC 9114 §8.1).
3. The codes by which replies reset are HTTP/2's; their names are the same in HTTP/3 (RFC 9114 Appendix A.2.4).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import trio
from aioquic.h3.connection import ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.connection import MAX_STREAM_DATA_FRAME_CAPACITY, QuicConnection
from aioquic.quic.events import StopSendingReceived, StreamReset
from aioquic.quic.packet import QuicFrameType
from h2.errors import ErrorCodes

from headgate.http2 import Lines, Lost, Reset, Sizes, Stalled, Stream, StreamFault

# Above this, senders wait. As much as a socket takes at once, twice.
_HIGH: Final = 1 << 17
_PIECE: Final = 1 << 15
_CODES: Final = {
    ErrorCodes.NO_ERROR: ErrorCode.H3_NO_ERROR,
    ErrorCodes.INTERNAL_ERROR: ErrorCode.H3_INTERNAL_ERROR,
    ErrorCodes.CANCEL: ErrorCode.H3_REQUEST_CANCELLED,
}


class Quic(QuicConnection):
    """A connection that lets a stream be sent a window more than was read of it, and no more (RFC 9000 §4.1).

    aioquic doubles what it grants whenever half of it has come, read or not.
    """

    window_bytes = 1 << 18

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.unread: dict[int, int] = {}

    def _write_stream_limits(self, builder: Any, space: Any, stream: Any) -> None:
        if not stream.max_stream_data_local:
            return
        read = stream.receiver.highest_offset - self.unread.get(stream.stream_id, 0)
        grant = max(stream.max_stream_data_local, read + self.window_bytes)
        if grant - stream.max_stream_data_local >= self.window_bytes // 4:
            stream.max_stream_data_local = grant
        if stream.max_stream_data_local_sent == stream.max_stream_data_local:
            return
        buf = builder.start_frame(
            QuicFrameType.MAX_STREAM_DATA,
            capacity=MAX_STREAM_DATA_FRAME_CAPACITY,
            handler=self._on_max_stream_data_delivery,
            handler_args=(stream,),
        )
        buf.push_uint_var(stream.stream_id)
        buf.push_uint_var(stream.max_stream_data_local)
        stream.max_stream_data_local_sent = stream.max_stream_data_local

    def unsent(self, stream_id: int) -> int:
        """How much of a stream is unsent or not yet acknowledged, in bytes."""
        stream = self._streams.get(stream_id)
        return 0 if stream is None else stream.sender._buffer_stop - stream.sender._buffer_start


class H3Session:
    """What `http2.Session` is to its streams. `transmit` sends what the connection has to say; `changed` hears of each stream
    that is over."""

    def __init__(
        self,
        quic: Quic,
        sizes: Sizes,
        *,
        opened: Callable[[Stream, bool], None],
        transmit: Callable[[], None],
        changed: Callable[[], object],
    ) -> None:
        self._changed = changed
        self._quic = quic
        self._h3 = H3Connection(quic)
        self._sizes = sizes
        self._opened = opened
        self._transmit = transmit
        self.streams: dict[int, Stream] = {}
        self.refusing = False
        self._moved = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<H3Session [{len(self.streams)} streams]>"

    # --- told by the endpoint -----------------------------------------------------------------------------------------

    def hear(self, event: Any) -> None:
        """One event of the connection. Nothing here waits."""
        if isinstance(event, (StreamReset, StopSendingReceived)):
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                self.reset(stream, ErrorCodes.CANCEL)
            return
        for one in self._h3.handle_event(event):
            if isinstance(one, HeadersReceived):
                self._headers(one)
            elif isinstance(one, DataReceived):
                self._data(one)

    def _headers(self, event: HeadersReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.trailers = event.headers
        elif self.refusing or len(self.streams) >= self._sizes.streams:
            self._quic.reset_stream(event.stream_id, ErrorCode.H3_REQUEST_REJECTED)
            self._quic.stop_stream(event.stream_id, ErrorCode.H3_REQUEST_REJECTED)
            return
        else:
            stream = Stream(self, event.stream_id)
            stream.head = event.headers
            self.streams[event.stream_id] = stream
            self._opened(stream, event.stream_ended)
        if event.stream_ended:
            self._ended(stream)

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
        """Something was acknowledged, or there is more room: senders look again."""
        self._moved.unpark_all()

    def lose(self) -> None:
        """The connection has ended."""
        for stream in list(self.streams.values()):
            self._forget(stream, Lost("closed the connection"))
        self.moved()

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
            stream.closed = True
            stream.tell()
            self._drop(stream)

    def _forget(self, stream: Stream, fault: StreamFault) -> None:
        stream.fail(fault)
        self._drop(stream)
        self.moved()

    def _drop(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        self._quic.unread.pop(stream.id, None)
        self._changed()
