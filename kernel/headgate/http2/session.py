"""One HTTP/2 connection, whichever side of it we are.

1. One task reads and tells the streams what came. It waits for no stream, so none can hold up the others, or the
   windows that they wait for.
2. One task writes what the machine has to say, in pieces, each of which has `stall_s` to go out. Who sends on a stream
   waits for its window, and while more than `_HIGH` bytes wait to be written; it never writes itself, because a task that
   is cancelled in the middle of a frame would end the connection for everybody.
3. The connection's window is given back as data comes, a stream's as it is read. So what nobody reads is bounded by
   the stream's window, and stalls that stream alone.
4. A GOAWAY from the other side refuses the streams behind its number, and lets the others end. One of ours goes out
   twice: first without a number, then, when the other side must have read that, with the last one that we took.
5. Who opens streams and resets them, again and again, is told to be calm, and disconnected (CVE-2023-44487).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Protocol

import trio
from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, ProtocolError, StreamClosedError

from headgate.http2.machine import Lines, machine
from headgate.http2.stream import Lost, Refused, Reset, Stalled, Stream, StreamFault

# Above this, senders wait. Twice what a socket takes at once.
_HIGH: Final = 1 << 17
# Above this, what waits is answers to pings and settings that the other side does not read.
_FLOOD: Final = 1 << 20
_PIECE: Final = 16384
# The connection's window: data of all streams that may be on its way. Go's client and server have 1 MiB.
_CONNECTION_WINDOW: Final = 1 << 20
_DEFAULT_WINDOW: Final = 65535
# How many streams more may be reset by the other side than have ended well.
_PATIENCE: Final = 200
_LAST_WORDS_S: Final = 1.0
_ANY_STREAM: Final = (1 << 31) - 1


class Bytes(Protocol):
    """A connection's bytes. `receive` and `send` raise OSError or trio's Broken- and ClosedResourceError."""

    async def receive(self) -> bytes:
        """The next bytes; b"" at the end."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        ...


BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What we grant the other side. `idle_s` bounds how long a connection without a stream is kept."""

    window_bytes: int = 1 << 18
    header_bytes: int = 1 << 16
    streams: int = 100
    idle_s: float = inf
    stall_s: float = 60.0


class Session:
    """A connection, whose bytes are its owner's to close. `opened` is called with each stream that the other side opens;
    `changed` when there may be room for one more of ours, and at the end."""

    def __init__(
        self,
        pipe: Bytes,
        sizes: Sizes,
        *,
        client: bool,
        opened: Callable[[Stream, bool], None] | None = None,
        changed: Callable[[], object] | None = None,
    ) -> None:
        self._changed = changed
        self._pipe = pipe
        self._sizes = sizes
        self._opened = opened
        self._client = client
        self._machine = machine(sizes, client=client)
        self._waiting = bytearray()
        self._some = trio.lowlevel.ParkingLot()
        self._low = trio.lowlevel.ParkingLot()
        self._reading = trio.CancelScope()
        self._calm = _PATIENCE
        self._owed = 0  # of the connection's window
        self._highest = 0
        self.streams: dict[int, Stream] = {}
        self.going = False  # one side has said GOAWAY
        self._refusing = False
        self.ended = False
        self.idle_since = trio.current_time()

    def __repr__(self) -> str:
        state = "ended" if self.ended else "going away" if self.going else "open"
        return f"<Session {state} [{len(self.streams)} streams, {len(self._waiting)} bytes to write]>"

    @property
    def room(self) -> int:
        """How many more streams we may open."""
        if self.going or self.ended:
            return 0
        return self._machine.remote_settings.max_concurrent_streams - len(self.streams)

    # --- the connection -----------------------------------------------------------------------------------------------

    async def run(self, first: bytes = b"", task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection until either side ends it; `first` are bytes that were read before. Raises nothing but
        cancellation; however it ends, its streams have ended too."""
        self._machine.initiate_connection()
        self._machine.increment_flow_control_window(_CONNECTION_WINDOW - _DEFAULT_WINDOW)
        self._rest()
        why = "lost the connection"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, nursery.cancel_scope)
                self.flush()
                task_status.started()
                why = await self._read(first)
                await self._last_words()
                nursery.cancel_scope.cancel()
        finally:
            self.ended = True
            for stream in list(self.streams.values()):
                self._forget(stream, Lost(why))
            self._tell()

    async def _read(self, data: bytes) -> str:
        """Until the end; why it ended."""
        with self._reading:
            while True:
                if data and not self._take(data):
                    return "broke the rules of HTTP/2"
                if self._leaving():
                    return "is going away"
                try:
                    data = await self._pipe.receive()
                except BROKEN:
                    return "broke the connection"
                if not data:
                    return "closed the connection"
        self._machine.go_away(self._highest)
        return "was idle" if not self.streams else "was closed"

    def _leaving(self) -> bool:
        return self.going and not self.streams and self._refusing

    def _take(self, data: bytes) -> bool:
        """Whether the connection can go on."""
        try:
            for event in self._machine.receive_data(data):
                self._on(event)
        except H2Error:
            return False
        finally:
            self.flush()
        if self._calm < 0:
            self._machine.go_away(self._highest, ErrorCodes.ENHANCE_YOUR_CALM)
            self.flush()
            return False
        return len(self._waiting) <= _FLOOD

    async def _last_words(self) -> None:
        self.flush()
        with trio.move_on_after(_LAST_WORDS_S):
            while self._waiting:
                await self._low.park()

    def flush(self) -> None:
        """What the machine has to say goes to whoever writes."""
        data = self._machine.data_to_send()
        if data:
            self._waiting += data
            self._some.unpark_all()

    async def _write(self, scope: trio.CancelScope) -> None:
        while True:
            while not self._waiting:
                await self._some.park()
            piece = bytes(self._waiting[:_PIECE])
            try:
                with trio.fail_after(self._sizes.stall_s):
                    await self._pipe.send(piece)
            except (*BROKEN, trio.TooSlowError):
                scope.cancel()
                return
            del self._waiting[: len(piece)]
            if len(self._waiting) < _HIGH:
                self._low.unpark_all()

    def end(self) -> None:
        """End it now, streams and all. Safe to call from any task, and twice."""
        self._reading.cancel()

    # --- events -------------------------------------------------------------------------------------------------------

    def _on(self, event: events.Event) -> None:
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            handle(self, event)

    def _on_request(self, event: events.RequestReceived) -> None:
        id = event.stream_id
        stream = Stream(self, id)
        stream.head = event.headers
        if self._refusing or self._opened is None or len(self.streams) >= self._sizes.streams:
            self._reset(id, ErrorCodes.REFUSED_STREAM)
            return
        self._highest = id
        self._add(stream)
        self._opened(stream, event.stream_ended is not None)

    def _on_response(self, event: events.ResponseReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.head = event.headers
            stream.tell()

    def _on_interim(self, event: events.InformationalResponseReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.interim += 1
            stream.tell()

    def _on_data(self, event: events.DataReceived) -> None:
        size = event.flow_controlled_length
        self._owed += size
        if self._owed >= _CONNECTION_WINDOW // 4:
            self._machine.increment_flow_control_window(self._owed)
            self._owed = 0
        stream = self.streams.get(event.stream_id)
        if stream is None:
            return
        if event.data:
            stream.feed(event.data)
        else:
            self._calm -= 1  # an empty frame brings nothing, and costs us as much as a full one
        padding = size - len(event.data)
        if padding:
            self.give_back(stream, padding)

    def _on_trailers(self, event: events.TrailersReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.trailers = event.headers

    def _on_end(self, event: events.StreamEnded) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.ended = True
            stream.tell()
            self._done(stream)

    def _on_reset(self, event: events.StreamReset) -> None:
        self._calm -= 1
        stream = self.streams.get(event.stream_id)
        if stream is None:
            return
        code = int(event.error_code or 0)
        if code == ErrorCodes.REFUSED_STREAM:
            self._forget(stream, Refused("refused the stream"))
        else:
            self._forget(stream, Reset(code))

    def _on_window(self, event: events.WindowUpdated) -> None:
        if event.stream_id:
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                stream.widen()
        else:
            self._widen()

    def _on_settings(self, event: events.RemoteSettingsChanged) -> None:
        self._widen()
        self._tell()

    def _on_goaway(self, event: events.ConnectionTerminated) -> None:
        self.going = True
        last = event.last_stream_id or 0
        if self._client:
            for stream in [one for one in self.streams.values() if one.id > last]:
                self._forget(stream, Refused("went away before it took the stream"))
        self._refusing = True
        if not self.streams:
            self._reading.cancel()

    def _widen(self) -> None:
        for stream in self.streams.values():
            stream.widen()

    # --- streams ------------------------------------------------------------------------------------------------------

    def _add(self, stream: Stream) -> None:
        self.streams[stream.id] = stream
        self._reading.deadline = inf

    def _done(self, stream: Stream) -> None:
        """Both sides are done."""
        if stream.ended and stream.sent_end and not stream.closed:
            self._calm = min(self._calm + 1, _PATIENCE)
            stream.closed = True
            stream.tell()
            self._drop(stream)

    def _forget(self, stream: Stream, fault: StreamFault) -> None:
        stream.fail(fault)
        self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        if not self.streams:
            self._rest()
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()

    def _rest(self) -> None:
        """There is no stream: the time of idleness begins."""
        self.idle_since = trio.current_time()
        if self._leaving():
            self._reading.cancel()
        else:
            self._reading.deadline = self.idle_since + self._sizes.idle_s

    def give_back(self, stream: Stream, size: int) -> None:
        """So much of the stream was read. Given back in lumps."""
        stream.taken += size
        if stream.taken >= self._sizes.window_bytes // 4 and not (stream.ended or stream.closed):
            try:
                self._machine.increment_flow_control_window(stream.taken, stream.id)
            except ProtocolError:
                return
            stream.taken = 0
            self.flush()

    def open(self, lines: Lines, *, end: bool) -> Stream:
        """Ask: a new stream with this head. Refused where no more may be opened."""
        if self.room <= 0:
            raise Refused("takes no more streams on this connection")
        id = self._machine.get_next_available_stream_id()
        stream = Stream(self, id)
        self._add(stream)
        self.send_head(stream, lines, end=end)
        return stream

    def send_head(self, stream: Stream, lines: Lines, *, end: bool = False) -> None:
        """Send a head or trailers. StreamFault where the stream is over."""
        self._say(stream, lambda: self._machine.send_headers(stream.id, lines, end_stream=end), end=end)

    def send_end(self, stream: Stream) -> None:
        """Nothing more will be sent. StreamFault."""
        self._say(stream, lambda: self._machine.end_stream(stream.id), end=True)

    def _say(self, stream: Stream, say: Callable[[], Any], *, end: bool) -> None:
        if stream.fault is not None:
            raise stream.fault
        try:
            say()
        except StreamClosedError as error:
            raise Reset(int(error.error_code)) from None
        except ProtocolError as error:
            raise Lost(f"cannot be told more ({error})") from None
        self.flush()
        if end:
            stream.sent_end = True
            self._done(stream)

    async def send(self, stream: Stream, data: bytes, *, end: bool = False) -> None:
        """Send data as the windows allow. StreamFault; Stalled where they stay shut for `stall_s`. Cancelling leaves an
        unknown part sent."""
        view = memoryview(data)
        while view:
            room = self._window(stream)
            if room > 0:
                piece, view = view[:room], view[room:]
                last = end and not view
                # h2 looks at the type; a copy of a frame is small beside what a frame costs there.
                self._say(stream, lambda b=bytes(piece), e=last: self._machine.send_data(stream.id, b, e), end=last)  # type: ignore[misc]
                await self._wait_low(stream)
            else:
                await self._wait_room(stream)
        if end and not data:
            self.send_end(stream)

    def _window(self, stream: Stream) -> int:
        if stream.fault is not None:
            raise stream.fault
        try:
            window = self._machine.local_flow_control_window(stream.id)
        except ProtocolError as error:
            raise Lost(f"has closed the stream ({error})") from None
        return min(window, self._machine.max_outbound_frame_size)

    async def _wait_room(self, stream: Stream) -> None:
        with trio.move_on_after(self._sizes.stall_s) as scope:
            await stream.wait_room()
        if scope.cancelled_caught:
            self.reset(stream, ErrorCodes.CANCEL)
            raise Stalled("gave no room to send in")

    async def _wait_low(self, stream: Stream) -> None:
        if len(self._waiting) < _HIGH:
            # A sender with an endless window must not keep everybody else from running.
            await trio.lowlevel.checkpoint()
            return
        while len(self._waiting) >= _HIGH:
            await self._low.park()
            if stream.fault is not None:
                raise stream.fault

    def reset(self, stream: Stream, code: int = ErrorCodes.CANCEL) -> None:
        """End it from our side, whole or not. Idempotent."""
        if not stream.closed:
            self._reset(stream.id, code)
            self._forget(stream, Reset(code))

    def _reset(self, id: int, code: int) -> None:
        try:
            self._machine.reset_stream(id, code)
        except ProtocolError:
            return  # it is over already
        self.flush()

    # --- going --------------------------------------------------------------------------------------------------------

    def wind_up(self) -> None:
        """Ask the other side to open no more streams; those that it opens meanwhile are still taken."""
        if not self.going:
            self.going = True
            self._machine.go_away(_ANY_STREAM)
            self.flush()

    def close_door(self) -> None:
        """Take no more streams; end when the last one has ended."""
        if not self._refusing:
            self.going = self._refusing = True
            self._machine.go_away(self._highest)
            self.flush()
            if not self.streams:
                self._reading.cancel()


_HANDLERS: dict[type, Callable[[Session, Any], None]] = {
    events.RequestReceived: Session._on_request,
    events.ResponseReceived: Session._on_response,
    events.InformationalResponseReceived: Session._on_interim,
    events.DataReceived: Session._on_data,
    events.TrailersReceived: Session._on_trailers,
    events.StreamEnded: Session._on_end,
    events.StreamReset: Session._on_reset,
    events.WindowUpdated: Session._on_window,
    events.RemoteSettingsChanged: Session._on_settings,
    events.ConnectionTerminated: Session._on_goaway,
}
