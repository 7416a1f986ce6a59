"""Data out on one stream: a frame at a time, as the windows allow, and while not too much waits to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from headgate.http2.stream import Lost, Stalled, Stream

if TYPE_CHECKING:
    from headgate.http2.session import Session

# Whatever the other side would take in one frame: streams take turns by frames.
_FRAME: Final = 16384


async def send(session: Session, stream: Stream, data: bytes, *, end: bool) -> None:
    """Send all of it. StreamFault; Stalled where the windows stay shut for `stall_s`. Cancelling leaves an unknown part
    sent."""
    view = memoryview(data)
    while view:
        room = _window(session, stream)
        if room > 0:
            # h2 looks at the type; a copy of a frame is small beside what a frame costs there.
            piece, view = bytes(view[:room]), view[room:]
            _say(session, stream, piece, end=end and not view)
            await session.outlet.low()
            if stream.fault is not None:
                raise stream.fault
        else:
            await _wait_room(session, stream)
    if end and not data:
        session.send_end(stream)


def _say(session: Session, stream: Stream, piece: bytes, *, end: bool) -> None:
    session.say(stream, lambda: session.machine.send_data(stream.id, piece, end), end=end)


def _window(session: Session, stream: Stream) -> int:
    if stream.fault is not None:
        raise stream.fault
    try:
        window = session.machine.local_flow_control_window(stream.id)
    except ProtocolError as error:
        raise Lost(f"has closed the stream ({error})") from None
    return min(window, session.machine.max_outbound_frame_size, _FRAME)


async def _wait_room(session: Session, stream: Stream) -> None:
    # One time for all of it: that the connection's window was widened says nothing of the stream's.
    with trio.move_on_after(session.sizes.stall_s) as scope:
        while _window(session, stream) <= 0:
            await stream.wait_room()
    if scope.cancelled_caught:
        session.reset(stream, ErrorCodes.CANCEL)
        raise Stalled("gave no room to send in")
