"""What the other side of a connection says, and what becomes of it. Nothing here waits (`session`, rule 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from h2 import events
from h2.errors import ErrorCodes

from headgate.http2.stream import Refused, Reset, Stream

if TYPE_CHECKING:
    from headgate.http2.session import Session

# The connection's window: data of all streams that may be on its way. Go's client and server have 1 MiB.
CONNECTION_WINDOW: Final = 1 << 20


def hear(session: Session, event: events.Event) -> None:
    """One event; those that nobody has to act on are h2's alone."""
    handle = _HANDLERS.get(type(event))
    if handle is not None:
        handle(session, event)


def _request(session: Session, event: events.RequestReceived) -> None:
    id = event.stream_id
    stream = Stream(session, id)
    stream.head = event.headers
    if session.refusing or session.opened is None or len(session.streams) >= session.sizes.streams:
        session.reset_id(id, ErrorCodes.REFUSED_STREAM)
        return
    session.highest = id
    session.add(stream)
    session.opened(stream, event.stream_ended is not None)


def _response(session: Session, event: events.ResponseReceived) -> None:
    stream = session.streams.get(event.stream_id)
    if stream is not None:
        stream.head = event.headers
        stream.tell()


def _interim(session: Session, event: events.InformationalResponseReceived) -> None:
    stream = session.streams.get(event.stream_id)
    if stream is not None:
        stream.interim += 1
        stream.tell()


def _data(session: Session, event: events.DataReceived) -> None:
    size = event.flow_controlled_length
    session.owed += size
    if session.owed >= CONNECTION_WINDOW // 4:
        session.machine.increment_flow_control_window(session.owed)
        session.owed = 0
    stream = session.streams.get(event.stream_id)
    if stream is None:
        return
    if event.data:
        stream.feed(event.data)
    else:
        session.calm.charge()  # an empty frame brings nothing, and costs us as much as a full one
    padding = size - len(event.data)
    if padding:
        session.give_back(stream, padding)


def _trailers(session: Session, event: events.TrailersReceived) -> None:
    stream = session.streams.get(event.stream_id)
    if stream is not None:
        stream.trailers = event.headers


def _end(session: Session, event: events.StreamEnded) -> None:
    stream = session.streams.get(event.stream_id)
    if stream is not None:
        stream.ended = True
        stream.tell()
        session.done(stream)


def _reset(session: Session, event: events.StreamReset) -> None:
    stream = session.streams.get(event.stream_id)
    # An answer that has begun was worth its request. An upstream is not attacking: what it resets, we have opened.
    if not session.client and (stream is None or not stream.spoken):
        session.calm.charge()
    if stream is None:
        return
    code = int(event.error_code or 0)
    if code == ErrorCodes.REFUSED_STREAM:
        session.forget(stream, Refused("refused the stream"))
    else:
        session.forget(stream, Reset(code))


def _window(session: Session, event: events.WindowUpdated) -> None:
    if event.stream_id:
        stream = session.streams.get(event.stream_id)
        if stream is not None:
            stream.widen()
    else:
        session.widen()


def _settings(session: Session, event: events.RemoteSettingsChanged) -> None:
    session.greeted = True
    session.calm.charge()
    session.widen()
    session.tell()


def _goaway(session: Session, event: events.ConnectionTerminated) -> None:
    session.going = True
    last = event.last_stream_id or 0
    if session.client:
        for stream in [one for one in session.streams.values() if one.id > last]:
            session.forget(stream, Refused("went away before it took the stream"))
    session.refusing = True
    if not session.streams:
        session.reading.cancel()


_HANDLERS: dict[type, Callable[[Session, Any], None]] = {
    events.RequestReceived: _request,
    events.ResponseReceived: _response,
    events.InformationalResponseReceived: _interim,
    events.DataReceived: _data,
    events.TrailersReceived: _trailers,
    events.StreamEnded: _end,
    events.StreamReset: _reset,
    events.WindowUpdated: _window,
    events.RemoteSettingsChanged: _settings,
    events.ConnectionTerminated: _goaway,
}
