"""One call on a stream: the request's body going out, the answer coming in, and the end of both."""

from __future__ import annotations

import trio
from h2.errors import ErrorCodes

from headgate.errors import Failure, UpstreamFault
from headgate.http2 import Lines, Session, Stream, StreamFault
from headgate.upstream import faults
from headgate.upstream.call import Call
from headgate.upstream.chunks import Malformed
from headgate.upstream.heads import INTERIM_ANSWERS
from headgate.upstream.upload import Upload


class Exchanged:
    """What both directions of one call share. `failure` is why the request's body could not go out, if it is ours."""

    __slots__ = ("_scope", "_upload", "call", "failure", "session", "stream")

    def __init__(self, session: Session, stream: Stream, call: Call, upload: Upload) -> None:
        self.session = session
        self.stream = stream
        self.call = call
        self.failure: Exception | None = None
        self._upload = upload
        self._scope = trio.CancelScope()

    def __repr__(self) -> str:
        return f"<Exchanged {self.call.target} {self.stream!r}>"

    async def upload(self) -> None:
        """Send the body, until it or the exchange ends."""
        with self._scope:
            try:
                await self._send()
            except StreamFault:
                return  # whoever reads the answer is told
            except Exception as error:
                self.failure = error  # the client's fault, or a bug in a body of ours: raised where the answer is read
                self.session.reset(self.stream, ErrorCodes.CANCEL)

    async def _send(self) -> None:
        upload = self._upload
        await self.session.send(self.stream, upload.first, end=upload.whole)
        if not upload.whole:
            async for piece in upload.pieces():
                await self.session.send(self.stream, piece, end=upload.whole)
        if not self.stream.sent_end:
            self.session.send_end(self.stream)

    async def head(self) -> Lines:
        """The head of the final answer. StreamFault, Malformed, or what the request's body raised."""
        try:
            head = await self.stream.answered()
        except StreamFault:
            if self.failure is not None:
                raise self.failure from None
            raise
        if self.stream.interim > INTERIM_ANSWERS:
            raise Malformed(f"sent more than {INTERIM_ANSWERS} interim answers")
        return head

    def end(self) -> None:
        """The answer is whole, or of no use; so is what is left of the request."""
        self._scope.cancel()
        self.session.reset(self.stream, ErrorCodes.CANCEL)


class AnswerBody:
    """The body of an answer on a stream. Its end is clean only if the upstream said so."""

    __slots__ = ("_ended", "_exchanged", "_failure", "length")

    def __init__(self, exchanged: Exchanged, length: int | None) -> None:
        self.length = length
        self._exchanged = exchanged
        self._failure: Exception | None = None
        self._ended = False

    def __repr__(self) -> str:
        state = "failed" if self._failure else "ended" if self._ended else "open"
        return f"<AnswerBody {self._exchanged.call.target} [{state}]>"

    @property
    def ready(self) -> bool:
        """Whether a piece came with the head."""
        return self._exchanged.stream.ready

    @property
    def trailers(self) -> Lines | None:
        """What came behind the body, once it has ended."""
        return self._exchanged.stream.trailers if self._ended else None

    async def read(self) -> bytes:
        """The next piece, b"" at the end. UpstreamFault, or what the request's body raised; cancelling resets the stream."""
        if self._failure is not None:
            raise self._failure
        if self._ended:
            return b""
        try:
            piece = await self._receive()
        except (UpstreamFault, Failure) as failure:
            self._fail(failure)
            raise
        except trio.Cancelled:
            self._fail(self._broken("was cut off: the reading of its answer was cancelled"))
            raise
        if not piece:
            self._ended = True
            self._exchanged.end()
        return piece

    async def _receive(self) -> bytes:
        exchanged = self._exchanged
        try:
            if exchanged.stream.ready:
                return await exchanged.stream.receive()
            with exchanged.call.silence():
                return await exchanged.stream.receive()
        except StreamFault as fault:
            if isinstance(exchanged.failure, Failure):
                raise exchanged.failure from None
            raise self._broken(str(fault)) from exchanged.failure
        exchanged.session.wind_up()  # as where a head is late: nobody knows whether the connection lives
        raise exchanged.call.late(sent=True)

    def _broken(self, why: str) -> UpstreamFault:
        return faults.broken(self._exchanged.call.target, "body", why)

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        self._exchanged.end()

    async def aclose(self) -> None:
        """Give the rest up."""
        if not self._ended and self._failure is None:
            self._fail(self._broken("was cut off: its answer was given up before its end"))
