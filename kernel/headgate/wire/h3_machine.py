"""aioquic's state of a connection and of its HTTP/3, with the bounds that it has not. The only file that reads its private names."""

from __future__ import annotations

from typing import Any

import pylsqpack
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import FrameType, H3Connection, HeadersState, encode_frame
from aioquic.quic.connection import MAX_STREAM_DATA_FRAME_CAPACITY, QuicConnection
from aioquic.quic.packet import QuicFrameType


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
        read = stream.receiver.starting_offset() - self.unread.get(stream.stream_id, 0)
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

    def unwanted(self, stream_id: int) -> bool:
        """Whether the other side has said that it wants no answer on the stream, or we that it gets none."""
        stream = self._streams.get(stream_id)
        return stream is None or stream.sender._reset_error_code is not None

    def reject(self, stream_id: int, code: int) -> None:
        """End both ways of a stream, where it is not over already."""
        if stream_id in self._streams:
            self.reset_stream(stream_id, code)
            self.stop_stream(stream_id, code)

    def owes(self) -> bool:
        """Whether an answer is on its way that was not acknowledged to its end."""
        return any(not stream.sender.is_finished for id, stream in self._streams.items() if is_request(id))


class H3(H3Connection):
    """aioquic's HTTP/3, without a dynamic table."""

    def _init_connection(self) -> None:
        self._max_table_capacity = self._blocked_streams = 0
        self._decoder = pylsqpack.Decoder(0, 0)
        super()._init_connection()

    def keeps(self, stream_id: int) -> int:
        """How many bytes of a frame that is not whole are kept."""
        stream = self._stream.get(stream_id)
        return 0 if stream is None else len(stream.buffer)

    def headless(self, stream_id: int) -> bool:
        """Whether no request has come on the stream."""
        stream = self._stream.get(stream_id)
        return stream is None or stream.headers_recv_state is HeadersState.INITIAL

    def waits(self, stream_id: int) -> bool:
        """Whether a head has begun on the stream, and has not come to its end."""
        return stream_id in self._stream and self.headless(stream_id)

    def answerable(self, stream_id: int) -> bool:
        """Whether an answer may still begin, or go on."""
        stream = self._stream.get(stream_id)
        return stream is not None and not stream.sending_ended

    def release(self, stream_id: int) -> None:
        """We say no more on the stream. What there is of it goes when the other side has ended it too: without it, aioquic
        takes a late reset for that of a request which never came, and cuts an answer that is on its way."""
        stream = self._stream.get(stream_id)
        if stream is not None:
            stream.sending_ended = True
            if stream.is_ended():
                del self._stream[stream_id]

    def owes(self) -> bool:
        """Whether something that concerns the connection, as a GOAWAY, was not acknowledged."""
        assert isinstance(self._quic, Quic)
        return self._local_control_stream_id is not None and self._quic.unsent(self._local_control_stream_id) > 0

    def go_away(self, stream_id: int) -> None:
        """Say that this stream and those behind it are not taken (RFC 9114 §5.2)."""
        assert self._local_control_stream_id is not None
        said = encode_frame(FrameType.GOAWAY, encode_uint_var(stream_id))
        self._quic.send_stream_data(self._local_control_stream_id, said)


def is_request(stream_id: int) -> bool:
    """Whether a client opened it for a request (RFC 9000 §2.1)."""
    return stream_id % 4 == 0
