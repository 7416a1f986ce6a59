"""One HTTP/2 connection, whichever side of it we are.

1. One task reads and tells the streams what came. It waits for no stream, so none can hold up the others, or the
   windows that they wait for.
2. One task writes what the machine has to say (`outlet`). Who sends on a stream waits for its window, and while much waits
   to be written.
3. The connection's window is given back as data comes, a stream's as it is read. So what nobody reads is bounded by
   the stream's window, and stalls that stream alone.
4. A GOAWAY from the other side refuses the streams behind its number, and lets the others end. One of ours goes out
   twice: first without a number, then, when the other side must have read that, with the last one that we took.
5. Who opens streams and resets them before they are answered, again and again, is told to be calm, and disconnected
   (CVE-2023-44487); so is who sends settings or empty frames without end. What was borne is forgotten with time.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

import trio
from h2.connection import ConnectionState
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, ProtocolError, StreamClosedError

from headgate.http2.calm import Calm
from headgate.http2.dispatch import CONNECTION_WINDOW, hear
from headgate.http2.machine import Lines, machine
from headgate.http2.outlet import BROKEN, Bytes, Outlet
from headgate.http2.sending import send
from headgate.http2.sizes import Sizes
from headgate.http2.stream import Lost, Refused, Reset, Stream, StreamFault

# Above this, what waits is answers to pings and settings that the other side does not read.
_FLOOD: Final = 1 << 20
_DEFAULT_WINDOW: Final = 65535
# h2 is given so much at once: that can be thousands of frames, and others want a turn.
_SLICE: Final = 16384
# Before it has said how many streams it takes: what RFC 9113 §6.5.2 wants it to take at least.
_UNKNOWN: Final = 100
_LAST_WORDS_S: Final = 1.0
_ANY_STREAM: Final = (1 << 31) - 1


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
        self.sizes = sizes
        self.opened = opened
        self.client = client
        self.machine = machine(sizes, client=client)
        self.outlet = Outlet(pipe, sizes.stall_s)
        self.reading = trio.CancelScope()
        self.greeted = False  # the other side's settings are here
        self.calm = Calm()
        self.owed = 0  # of the connection's window
        self.highest = 0
        self.streams: dict[int, Stream] = {}
        self.going = False  # one side has said GOAWAY
        self.refusing = False
        self.ended = False
        self.idle_since = trio.current_time()

    def __repr__(self) -> str:
        state = "ended" if self.ended else "going away" if self.going else "open"
        return f"<Session {state} [{len(self.streams)} streams, {self.outlet.size} bytes to write]>"

    @property
    def room(self) -> int:
        """How many more streams we may open."""
        if self.going or self.ended:
            return 0
        most = self.machine.remote_settings.max_concurrent_streams
        return (most if self.greeted else min(most, _UNKNOWN)) - len(self.streams)

    # --- the connection -----------------------------------------------------------------------------------------------

    async def run(self, first: bytes = b"", task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection until either side ends it; `first` are bytes that were read before. Raises nothing but
        cancellation; however it ends, its streams have ended too."""
        self.machine.initiate_connection()
        self.machine.increment_flow_control_window(CONNECTION_WINDOW - _DEFAULT_WINDOW)
        self._rest()
        why = "lost the connection"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.outlet.run, nursery.cancel_scope)
                self.flush()
                task_status.started()
                why = await self._read(first)
                self.flush()
                await self.outlet.emptied(_LAST_WORDS_S)
                nursery.cancel_scope.cancel()
        finally:
            self.ended = True
            for stream in list(self.streams.values()):
                self.forget(stream, Lost(why))
            self.tell()

    async def _read(self, data: bytes) -> str:
        """Until the end; why it ended."""
        with self.reading:
            while True:
                for at in range(0, len(data), _SLICE):
                    if at:
                        await trio.lowlevel.checkpoint()
                    if not self._take(data[at : at + _SLICE]):
                        return "broke the rules of HTTP/2"
                if self._leaving():
                    return "is going away"
                try:
                    data = await self._pipe.receive()
                except BROKEN:
                    return "broke the connection"
                if not data:
                    return "closed the connection"
        self.machine.go_away(self.highest)
        return "was idle" if not self.streams else "was closed"

    def _leaving(self) -> bool:
        return self.going and not self.streams and self.refusing

    def _take(self, data: bytes) -> bool:
        """Whether the connection can go on."""
        try:
            for event in self.machine.receive_data(data):
                hear(self, event)
            self.machine.check_next()
        except H2Error as error:
            if self.machine.state_machine.state is not ConnectionState.CLOSED:
                self.machine.go_away(self.highest, getattr(error, "error_code", ErrorCodes.PROTOCOL_ERROR))
            return False
        finally:
            self.outlet.put(self.machine.data_to_send(), control=True)
        if self.calm.lost():
            self.machine.go_away(self.highest, ErrorCodes.ENHANCE_YOUR_CALM)
            self.flush()
            return False
        return self.outlet.control <= _FLOOD

    def flush(self) -> None:
        """What the machine has to say goes to whoever writes."""
        self.outlet.put(self.machine.data_to_send())

    def end(self) -> None:
        """End it now, streams and all. Safe to call from any task, and twice."""
        self.reading.cancel()

    def widen(self) -> None:
        for stream in self.streams.values():
            stream.widen()

    # --- streams ------------------------------------------------------------------------------------------------------

    def add(self, stream: Stream) -> None:
        self.streams[stream.id] = stream
        self.reading.deadline = inf

    def done(self, stream: Stream) -> None:
        """Both sides are done."""
        if stream.ended and stream.sent_end and not stream.closed:
            self.calm.relieve()
            stream.closed = True
            stream.tell()
            self._drop(stream)

    def forget(self, stream: Stream, fault: StreamFault) -> None:
        stream.fail(fault)
        self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        if not self.streams:
            self._rest()
        self.tell()

    def tell(self) -> None:
        if self._changed is not None:
            self._changed()

    def _rest(self) -> None:
        """There is no stream: the time of idleness begins."""
        self.idle_since = trio.current_time()
        if self._leaving():
            self.reading.cancel()
        else:
            self.reading.deadline = self.idle_since + self.sizes.idle_s

    def give_back(self, stream: Stream, size: int) -> None:
        """So much of the stream was read. Given back in lumps."""
        stream.taken += size
        if stream.taken >= self.sizes.window_bytes // 4 and not (stream.ended or stream.closed):
            try:
                self.machine.increment_flow_control_window(stream.taken, stream.id)
            except ProtocolError:
                return
            stream.taken = 0
            self.flush()

    def open(self, lines: Lines, *, end: bool) -> Stream:
        """Ask: a new stream with this head. Refused where no more may be opened."""
        if self.room <= 0:
            raise Refused("takes no more streams on this connection")
        id = self.machine.get_next_available_stream_id()
        stream = Stream(self, id)
        self.add(stream)
        self.send_head(stream, lines, end=end)
        return stream

    def send_head(self, stream: Stream, lines: Lines, *, end: bool = False) -> None:
        """Send a head or trailers. StreamFault where the stream is over."""
        self.say(stream, lambda: self.machine.send_headers(stream.id, lines, end_stream=end), end=end)
        stream.spoken = True

    def send_end(self, stream: Stream) -> None:
        """Nothing more will be sent. StreamFault."""
        self.say(stream, lambda: self.machine.end_stream(stream.id), end=True)

    def say(self, stream: Stream, say: Callable[[], Any], *, end: bool) -> None:
        """Have the machine say something on a stream. StreamFault."""
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
            self.done(stream)

    async def send(self, stream: Stream, data: bytes, *, end: bool = False) -> None:
        """Send data as the windows allow. StreamFault; Stalled where they stay shut for `stall_s`. Cancelling leaves an
        unknown part sent."""
        await send(self, stream, data, end=end)

    def reset(self, stream: Stream, code: int = ErrorCodes.CANCEL) -> None:
        """End it from our side, whole or not. Idempotent."""
        if not stream.closed:
            self.reset_id(stream.id, code)
            self.forget(stream, Reset(code))

    def reset_id(self, id: int, code: int) -> None:
        try:
            self.machine.reset_stream(id, code)
        except ProtocolError:
            return  # it is over already
        self.flush()

    # --- going --------------------------------------------------------------------------------------------------------

    def wind_up(self) -> None:
        """Ask the other side to open no more streams; those that it opens meanwhile are still taken."""
        if not self.going:
            self.going = True
            self.machine.go_away(_ANY_STREAM)
            self.flush()

    def close_door(self) -> None:
        """Take no more streams; end when the last one has ended."""
        if not self.refusing:
            self.going = self.refusing = True
            self.machine.go_away(self.highest)
            self.flush()
            if not self.streams:
                self.reading.cancel()
