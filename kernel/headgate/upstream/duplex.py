"""Reading the head of an answer, alone or while the rest of the request is still going out."""

from __future__ import annotations

import trio

from headgate.errors import InternalError
from headgate.upstream.call import Call
from headgate.upstream.chunks import Malformed
from headgate.upstream.heads import INTERIM_ANSWERS, Head
from headgate.upstream.streams import BROKEN, ByteStream, reason
from headgate.upstream.upload import Upload


class NoAnswer(Exception):
    """The connection ended before the first byte of an answer. The text completes a sentence about the target."""


async def read_head(stream: ByteStream, broken: BaseException | None = None, *, upgrade: bool = False) -> Head:
    """The head of the final answer, with the first bytes behind it. `broken` is why sending failed, if it did; with
    `upgrade` an answer of 101 is one."""
    head = Head(upgrade)
    interim = 0
    answered = False
    while not head.complete:
        try:
            data = await stream.receive()
        except BROKEN as error:
            raise _cut(answered, f"broke the connection ({reason(broken or error)})") from (broken or error)
        if not data:
            raise _cut(answered, "closed the connection")
        answered = True
        head.feed(data)
        while head.complete and head.interim:
            interim += 1
            if interim > INTERIM_ANSWERS:
                raise Malformed(f"sent more than {INTERIM_ANSWERS} interim answers")
            rest, head = head.rest, Head(upgrade)
            if rest:
                head.feed(rest)
    return head


def _cut(answered: bool, how: str) -> Exception:
    return Malformed(f"{how} in the middle of a head") if answered else NoAnswer(f"{how} without an answer")


class Duplex:
    """Sends the rest of a request while reading the answer. The first of both to decide ends the other."""

    def __init__(self, stream: ByteStream, call: Call, rest: bytes, upload: Upload) -> None:
        self._stream = stream
        self._call = call
        self._rest = rest
        self._upload = upload
        self._sent_all = False
        self._broken: BaseException | None = None
        self._failure: Exception | None = None

    async def run(self) -> tuple[Head, bool]:
        head = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send, nursery.cancel_scope)
            try:
                head = await read_head(self._stream)
            except (Malformed, NoAnswer) as error:
                self._failure = self._failure or error
            nursery.cancel_scope.cancel()
        if head is not None:
            return head, self._sent_all
        if isinstance(self._failure, NoAnswer) and self._broken is not None:
            raise NoAnswer(f"broke the connection ({reason(self._broken)}) without an answer") from self._broken
        raise self._failure or InternalError("an exchange ended without an answer and without a reason")

    async def _send(self, scope: trio.CancelScope) -> None:
        # The bound on the head runs while the upstream is what we wait for, and not while the client is.
        call = self._call
        try:
            if self._rest:
                await self._stream.send(self._rest)
            if not self._upload.whole:
                call.enter("head", None)
                async for piece in self._upload.rest():
                    call.enter("head", call.timeouts.head_s)
                    await self._stream.send(piece)
                    call.enter("head", None)
            call.enter("head", call.timeouts.head_s)
            self._sent_all = True
        except BROKEN as error:
            call.enter("head", call.timeouts.head_s)
            self._broken = error
        except Exception as error:  # the client's fault or the body's: carried out of the nursery as it is
            self._failure = error
            scope.cancel()
