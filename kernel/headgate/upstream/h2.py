"""HTTP/2 to upstreams: many calls on one connection, full duplex, with trailers, as gRPC needs them.

1. Targets that are marked `http=2`: over TLS where ALPN agrees on it, in the clear without asking (RFC 9113 §3.3). Where
   ALPN chose HTTP/1.1, `OnlyOne` says so, and whoever chose us goes elsewhere.
2. A call that meets a connection which takes no more is sent once more on a fresh one: the upstream has said that nothing
   of it was processed (RFC 9113 §8.7), if nothing of its body is gone.
3. The request's body goes out beside the answer's coming in, until one of both is over; a call that is given up resets its
   stream and leaves the connection to the others.
4. Where an answer was late, nobody knows whether the connection lives: it takes no more calls.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import trio

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import InternalError
from headgate.http2 import Lines, Refused, Session, Sizes, StreamFault
from headgate.message.headers import Headers
from headgate.message.response import Response
from headgate.upstream import faults
from headgate.upstream.call import Call
from headgate.upstream.chunks import Malformed
from headgate.upstream.dial import Dialer
from headgate.upstream.h2_exchange import AnswerBody, Exchanged
from headgate.upstream.heads import BODILESS, EXPECT_A_BODY, content_length, end_to_end, request_head, travelling
from headgate.upstream.streams import ByteStream, TlsStream
from headgate.upstream.upload import Upload

log = logging.getLogger("headgate")

# A hundred calls each, mostly.
MAX_CONNECTIONS: Final = 64
IDLE_S: Final = 30.0

Key = tuple[str, str, int, str | None]


class OnlyOne(Exception):
    """The target speaks HTTP/1.1 and not HTTP/2."""


@dataclass(slots=True)
class _Hub:
    """The connections to one target."""

    sessions: list[Session] = field(default_factory=list)
    dialing: trio.Lock = field(default_factory=trio.Lock)
    only_one: bool = False
    changed: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    def with_room(self) -> Session | None:
        """The connection with most room, of those that take more."""
        self.sessions = [one for one in self.sessions if not one.ended]
        best = max(self.sessions, key=lambda one: one.room, default=None)
        return best if best is not None and best.room > 0 else None


class Http2Transport:
    """The `Transport` for targets marked `http=2`. Its connections live in `run`, without which it cannot send."""

    def __init__(self, dialer: Dialer, *, max_connections: int = MAX_CONNECTIONS, idle_s: float = IDLE_S) -> None:
        self._dialer = dialer
        self._max_connections = max_connections
        self._sizes = Sizes(idle_s=idle_s, streams=0)
        self._hubs: dict[Key, _Hub] = {}
        self._tasks: trio.Nursery | None = None

    def __repr__(self) -> str:
        return f"<Http2Transport [{sum(len(hub.sessions) for hub in self._hubs.values())} connections]>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connections, until cancelled."""
        async with trio.open_nursery() as self._tasks:
            task_status.started()
            await trio.sleep_forever()

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        """The head of the final answer, its body to come. UpstreamFault; OnlyOne where the target speaks no HTTP/2; what
        reading a streamed request body raises. Cancelling it resets the stream."""
        outgoing.sent = False
        call = Call(target, timeouts, trio.current_time())
        upload = Upload(outgoing.body)
        lines = _lines(target, outgoing, upload.length)
        with call.scope:
            return await self._try(call, outgoing, lines, upload)
        outgoing.sent = call.sent
        raise call.late(sent=call.sent)

    async def _try(self, call: Call, outgoing: Outgoing, lines: Lines, upload: Upload) -> Response:
        hub = self._hub(call.target)
        for again in (False, True):
            session = await self._session(hub, call)
            if not upload.opened:  # not before: where HTTP/1.1 is spoken the body is somebody else's to read
                call.enter("head", None)
                await upload.open()
            call.enter_head()
            try:
                return await self._exchange(session, call, outgoing, lines, upload)
            except Refused as refused:
                outgoing.sent = call.sent = False
                if again or not upload.replayable:
                    raise faults.broken(call.target, "head", str(refused), sent=not upload.intact) from None
        raise InternalError("a call was neither sent nor refused")

    async def _exchange(
        self, session: Session, call: Call, outgoing: Outgoing, lines: Lines, upload: Upload
    ) -> Response:
        assert self._tasks is not None
        bodiless = upload.whole and not upload.length
        stream = session.open(lines, end=bodiless)
        outgoing.sent = call.sent = True
        exchanged = Exchanged(session, stream, call, upload)
        try:
            if not bodiless:
                self._tasks.start_soon(exchanged.upload)
            head = await exchanged.head()
            return _response(outgoing.method, head, exchanged)
        except BaseException as error:
            exchanged.end()
            if isinstance(error, trio.Cancelled) and trio.current_time() >= call.scope.deadline:
                session.wind_up()  # rule 4
            if isinstance(error, (StreamFault, Malformed)) and not isinstance(error, Refused):
                raise faults.broken(call.target, "head", str(error)) from None
            raise

    # --- connections --------------------------------------------------------------------------------------------------

    def _hub(self, target: Target) -> _Hub:
        hub = self._hubs.setdefault((target.scheme, target.host, target.port, target.ca_file), _Hub())
        if hub.only_one:
            raise OnlyOne
        return hub

    async def _session(self, hub: _Hub, call: Call) -> Session:
        """A connection with room for one more call."""
        session = hub.with_room()
        while session is None:
            call.enter("wait", call.timeouts.connect_s)
            async with hub.dialing:  # one at a time, and whoever waited may find room
                session = hub.with_room()
                if session is None and len(hub.sessions) < self._max_connections:
                    call.enter("connect", call.timeouts.connect_s)
                    session = await self._connect(hub, call.target)
            if session is None:
                await hub.changed.park()
                session = hub.with_room()
        return session

    async def _connect(self, hub: _Hub, target: Target) -> Session:
        if self._tasks is None:
            raise InternalError("HTTP/2 to upstreams needs its transport to run")
        stream = await self._dialer.open(target)
        if isinstance(stream, TlsStream) and stream.session.selected_alpn_protocol() != "h2":
            stream.close()
            hub.only_one = True
            raise OnlyOne
        session = Session(stream, self._sizes, client=True, changed=hub.changed.unpark_all)
        hub.sessions.append(session)
        await self._tasks.start(_keep, session, stream)
        return session

    async def aclose(self) -> None:
        """Close every connection that nobody uses; the others close when their calls have ended."""
        for hub in self._hubs.values():
            for session in hub.sessions:
                session.close_door()


async def _keep(session: Session, stream: ByteStream, task_status: trio.TaskStatus[None]) -> None:
    try:
        await session.run(task_status=task_status)
    except Exception:
        log.exception("A bug in HTTP/2 to an upstream: %r", session)
    finally:
        stream.close()


def _lines(target: Target, outgoing: Outgoing, length: int | None) -> Lines:
    """The head of a request, with what refuses an HTTP/1.1 head refusing this one too."""
    request_head(target, outgoing, length)
    host, lines = end_to_end(outgoing.headers)
    head = [
        (b":method", outgoing.method.encode()),
        (b":scheme", target.scheme.encode()),
        (b":authority", host or target.authority.encode()),
        (b":path", target.path.encode() + outgoing.path),
        *lines,
        (b"te", b"trailers"),
    ]
    if length or (length == 0 and outgoing.method in EXPECT_A_BODY):
        head.append((b"content-length", b"%d" % length))
    return head


def _response(method: str, head: Lines, exchanged: Exchanged) -> Response:
    status, lines = read_head(head)
    bodiless = method == "HEAD" or status in BODILESS
    headers = Headers(travelling(lines, bodiless=bodiless))
    if bodiless:
        exchanged.end()
        return Response(status, headers)
    if exchanged.stream.whole:
        exchanged.end()
        return Response(status, headers)
    lengths = [value for name, value in lines if name == b"content-length"]
    return Response(status, headers, AnswerBody(exchanged, content_length(lengths) if lengths else None))


def read_head(head: Lines) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and header lines of an answer. Malformed for a status that does not exist."""
    status = next((value for name, value in head if name == b":status"), b"")
    if not status.isdigit() or not 200 <= int(status) <= 599:
        raise Malformed(f"answered with status {status.decode('latin-1')!r}, which does not exist")
    return int(status), [line for line in head if line[0][:1] != b":"]
