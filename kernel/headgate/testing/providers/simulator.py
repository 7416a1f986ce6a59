"""A provider on a loopback port: it admits, checks, answers, misbehaves, and keeps its own bill.

1. One class a provider. It says how a request shows its key, what its refusals look like, and which endpoints it has;
   everything else, the wire and its troubles and the bill, is here and the same for all.
2. An endpoint is checked before it answers: what the real one would refuse is refused in its words, and costs nothing.
3. Answers are taken in the order in which they were scripted; the last one repeats. A function in the place of an
   answer gets the request and returns one.
4. The bill is what the provider would write: a whole answer whole; of a stream that died, or that the client left,
   the share that was produced. It is written when the answer ends, one way or the other.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Self

import trio

from headgate.message.headers import Line
from headgate.testing.providers.asking import Asked, Endpoint, Refused, Reply, Turn, refuse
from headgate.testing.providers.course import Course, end_stream, head, send_chunks, send_whole
from headgate.testing.providers.frames import Frame, compact
from headgate.testing.providers.says import Fails, Raw, Says, Tokens
from headgate.testing.upstreams import ScriptedUpstream, Wire

Answer = Says | Fails | Raw
Scripted = Answer | Callable[[Asked], Answer]


class Simulator:
    """One provider. `key` is the only key that it takes; without, any key will do, but none will not."""

    name = "provider"
    prefix = ""

    def __init__(self, *, key: str | None = None, prefix: str | None = None) -> None:
        self.prefix = type(self).prefix if prefix is None else prefix
        self.received: list[Asked] = []
        self.bills: list[Tokens] = []
        self._key = key
        self._script: list[Scripted] = [Says("Hello from the simulator.")]
        self._taken = 0
        self._numbers = itertools.count(1)
        self._upstream = ScriptedUpstream(self._serve)
        self._endpoints = tuple(self.endpoints())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url} [{len(self.received)} received, {self.billed} billed]>"

    # What a provider says about itself.

    def endpoints(self) -> Iterable[Endpoint]:
        """Its operations."""
        raise NotImplementedError

    def key_of(self, asked: Asked) -> str:
        """The key that a request shows; "" where it shows none."""
        raise NotImplementedError

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        """The status and the body of a refusal; "key" repeats that key."""
        raise NotImplementedError

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        """The event that tells of trouble inside a stream that began well."""
        return Frame(compact(self.refusal(fails, "")[1]))

    def talk(self, asked: Asked) -> Callable[[Wire], Awaitable[None]]:
        """What a WebSocket at that address is for. Raises Refused where it is for nothing."""
        raise refuse(f"Unknown request URL: {asked.method} {asked.path}.", "model")

    def admit(self, asked: Asked) -> None:
        """Raises Refused where the request may not come in at all."""
        key = self.key_of(asked)
        if not key or (self._key is not None and key != self._key):
            raise refuse("", "key")

    # What a test says and sees.

    def says(self, *script: Scripted) -> Self:
        """Answer like this from now on, in this order; the last one repeats."""
        self._script, self._taken = list(script), 0
        return self

    async def start(self, nursery: trio.Nursery, *, port: int = 0) -> Self:
        """Listen on a loopback port, in that nursery; on any that is free, or on this one."""
        await self._upstream.start(nursery, port=port)
        return self

    @property
    def url(self) -> str:
        """Where it listens, without the prefix of its paths."""
        return self._upstream.url

    @property
    def base_url(self) -> str:
        """What an SDK takes as the base of its URLs."""
        return self._upstream.url + self.prefix

    @property
    def billed(self) -> Tokens:
        """All that it has billed."""
        return sum(self.bills, Tokens())

    # The wire.

    async def _serve(self, wire: Wire) -> None:
        while (received := await wire.request()) is not None:
            asked = Asked.of(received)
            self.received.append(asked)
            if asked.header("upgrade").lower() == "websocket":
                await self._upgrade(wire, asked)
                return
            if not await self._answer(wire, asked):
                return

    async def _answer(self, wire: Wire, asked: Asked) -> bool:
        """Answer one request; whether the connection lives on."""
        try:
            endpoint = self._endpoint(asked)
            self.admit(asked)
            endpoint.check(asked)
        except Refused as refused:
            return await self._refuse(wire, refused.fails, asked)
        answer = self._next(asked)
        if isinstance(answer, Fails):
            return await self._refuse(wire, answer, asked)
        if isinstance(answer, Raw):
            self._bill(answer.tokens)
            return await send_whole(wire, answer.status, answer.body, answer.content_type)
        turn = Turn(asked, answer, answer.counted(len(asked.raw)), next(self._numbers))
        return await self._deliver(wire, turn, endpoint.reply(turn))

    async def _upgrade(self, wire: Wire, asked: Asked) -> None:
        """Go on as a WebSocket, where there is one."""
        try:
            self.admit(asked)
            talk = self.talk(asked)
        except Refused as refused:
            await self._refuse(wire, refused.fails, asked)
            return
        await talk(wire)

    def _endpoint(self, asked: Asked) -> Endpoint:
        path = asked.path.removeprefix(self.prefix)
        for endpoint in self._endpoints:
            if (
                endpoint.method == asked.method
                and asked.path.startswith(self.prefix)
                and endpoint.pattern.fullmatch(path)
            ):
                return endpoint
        raise refuse(f"Unknown request URL: {asked.method} {asked.path}.", "model")

    def _next(self, asked: Asked) -> Answer:
        scripted = self._script[min(self._taken, len(self._script) - 1)]
        self._taken += 1
        return scripted(asked) if callable(scripted) else scripted

    async def _refuse(self, wire: Wire, fails: Fails, asked: Asked) -> bool:
        status, body = self.refusal(fails, self.key_of(asked))
        return await send_whole(wire, status, compact(body), "application/json", self.refusal_headers(fails))

    def refusal_headers(self, fails: Fails) -> Sequence[Line]:
        """Header lines of a refusal."""
        return [(b"retry-after", f"{fails.retry_after_s:g}".encode())] if fails.retry_after_s is not None else []

    async def _deliver(self, wire: Wire, turn: Turn, reply: Reply) -> bool:
        if reply.costs is not None:
            turn = dataclasses.replace(turn, tokens=reply.costs)
        if reply.frames is None:
            self._bill(turn.tokens)
            return await self._whole(wire, turn.says, reply)
        course = Course(list(reply.frames), turn, reply.content_type)
        try:
            return await self._stream(wire, course)
        finally:
            self._settle(course)

    def _settle(self, course: Course) -> None:
        if not course.settled:
            course.settled = True
            self._bill(course.turn.tokens.produced(course.share))

    def _bill(self, tokens: Tokens) -> None:
        """What costs nothing is not on the bill."""
        if tokens != Tokens():
            self.bills.append(tokens)

    async def _whole(self, wire: Wire, says: Says, reply: Reply) -> bool:
        manners = says.manners
        await trio.sleep(manners.pause_s)
        if manners.dies_after is None:
            return await send_whole(wire, 200, reply.body, reply.content_type)
        await wire.send(head(200, reply.content_type, [(b"content-length", b"%d" % len(reply.body))]))
        await wire.send(reply.body[: len(reply.body) // 2])
        if manners.how == "hang":
            await wire.gone()
        elif manners.how == "reset":
            await wire.reset()
        return False

    async def _stream(self, wire: Wire, course: Course) -> bool:
        """Send the events, and watch whether the client is still there: one that goes is not billed for more."""
        lives = False
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                await wire.gone()
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            lives = await self._play(wire, course)
            nursery.cancel_scope.cancel()
        return lives

    async def _play(self, wire: Wire, course: Course) -> bool:
        manners = course.turn.says.manners
        await wire.send(head(200, course.content_type, [(b"transfer-encoding", b"chunked")]))
        frames = course.frames_to_send()
        for left, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
            await self._event(wire, course, frame, left)
        self._settle(course)
        if manners.dies_after is None:
            await wire.send(b"0\r\n\r\n")
            return True
        if manners.how == "error":
            await send_chunks(
                wire, course.dress(self.broken_off(Fails(manners.error), course.turn.asked)), manners.cut_bytes
            )
        return await end_stream(wire, manners.how)

    async def _event(self, wire: Wire, course: Course, frame: Frame, left: int) -> None:
        """Produce, then send. The bill is written before the last event is out: whoever has read it finds the bill."""
        course.sent += frame.produced
        if not left:
            self._settle(course)
        await send_chunks(wire, course.dress(frame), course.turn.says.manners.cut_bytes)
        if course.turn.says.manners.pause_s:
            await trio.sleep(course.turn.says.manners.pause_s)
        else:
            await trio.lowlevel.checkpoint()
