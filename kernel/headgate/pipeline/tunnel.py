"""A WebSocket between a client and an upstream: bytes pass as they come, and are counted.

1. It ends when one end has closed and the other was told, when nobody said anything for as long as the line allows, when
   an end breaks, or when the node drains: then both are told that we go away (1001), and may come back elsewhere. A step
   that stands between the two may end it too (`Closing`).
2. What is not WebSocket's framing ends it for both (1002). A frame of ours goes out between two of theirs, never into one.
3. The row has the protocol, the messages each way, the code of the close and whose it was.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import trio

from headgate.contracts.exchange import MESSAGES
from headgate.errors import ClientGone, InternalError, UpstreamFault
from headgate.message.tunnel import Closing, Tunnel
from headgate.message.websocket import BadFrame, Frames, close_frame

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange
    from headgate.message.response import Response
    from headgate.pipeline.reply import Reply

GOING_AWAY: Final = 1001
BROKEN: Final = 1002
BAD_GATEWAY: Final = 1014  # IANA's registry of close codes
_LAST_WORDS_S: Final = 2.0


async def tunnel(x: Exchange, response: Response, reply: Reply) -> None:
    """Switch protocols on both sides, and pass what comes until it ends. ClientGone, UpstreamFault; InternalError where
    there is nothing to switch to."""
    upstream = response.body
    if not isinstance(upstream, Tunnel):
        raise InternalError("an answer of 101 without a tunnel behind it")
    client = await reply.upgrade(response.headers)
    x.note("upgrade", x.request.upgrade)
    await Link(x, client, upstream, getattr(upstream, "idle_s", None)).run(reply.wait_drain)
    await reply.end()


class Link:
    """Two ends and what passes between them."""

    def __init__(self, x: Exchange, client: Tunnel, upstream: Tunnel, idle_s: float | None) -> None:
        self.x = x
        self.client = client
        self.upstream = upstream
        tell, most = x.recall(MESSAGES) or (None, 0)
        self.up = Frames(masked=True)
        self.down = Frames(masked=False, message=tell, most=most)
        self._idle_s = idle_s
        self._scope = trio.CancelScope()
        self._closed_by = ""
        self._over = False
        self._leaving = False
        self._code: int | None = None
        self._reason = ""
        self._failure: Exception | None = None

    async def run(self, draining: Callable[[], Awaitable[None]]) -> None:
        """Until it ends. Raises UpstreamFault where the upstream broke, ClientGone where the client did."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pass, self.client, self.upstream, self.up)
                nursery.start_soon(self._pass, self.upstream, self.client, self.down)
                nursery.start_soon(self._drain, draining)
                self._scope = nursery.cancel_scope
                self._hear()
            if nursery.cancel_scope.cancelled_caught and not self._over:
                self._decide(GOING_AWAY, "Nothing was said for too long.")
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORDS_S):
                await self._last_words()
            self._note()
        if self._failure is not None:
            raise self._failure

    async def _pass(self, source: Tunnel, to: Tunnel, frames: Frames) -> None:
        try:
            while data := await source.read():
                frames.feed(data)
                if frames.closed is not None and not self._closed_by:
                    self._closed_by = "client" if frames is self.up else "upstream"
                self._hear()
                if frames is self.up:
                    self.x.request.tunnelled += len(data)
                await to.write(data)
                if self._leaving:
                    self._leave()
        except BadFrame as bad:
            self._decide(BROKEN, str(bad))
            if frames is self.down:
                self._fail(UpstreamFault("upstream.protocol", f"The upstream {bad}.", status=502))
        except Closing as wish:
            if not self._closing:
                self._closed_by = ""
                self._decide(wish.code, wish.reason)
        except (ClientGone, UpstreamFault) as failure:
            if not self._closing:
                self._fail(failure)
        else:
            if frames.closed is None and not self._closing:
                self._fail(_broke_off(frames is self.down))
            elif not self.both_closed:
                return  # the other end still has its close to send
        self._end()

    @property
    def _closing(self) -> bool:
        return self._code is not None or self.up.closed is not None or self.down.closed is not None

    @property
    def both_closed(self) -> bool:
        """Whether each has sent a close frame: all has been said."""
        return self.up.closed is not None and self.down.closed is not None

    def _hear(self) -> None:
        """Somebody has said something: the time of silence begins again."""
        if self._idle_s is not None and not self._over:
            self._scope.deadline = trio.current_time() + self._idle_s

    def _end(self) -> None:
        self._over = True
        self._scope.cancel()

    async def _drain(self, draining: Callable[[], Awaitable[None]]) -> None:
        await draining()
        self._leaving = True
        self._leave()

    def _leave(self) -> None:
        """Go away, if no frame is on its way; else when the next piece has passed."""
        if self.up.between and self.down.between:
            self._decide(GOING_AWAY, "The node goes away.")
            self._end()

    def _decide(self, code: int, reason: str) -> None:
        if self._code is None:
            self._code, self._reason = code, reason

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure

    async def _last_words(self) -> None:
        """Tell each end that has not closed why we do, where a frame may begin."""
        if isinstance(self._failure, UpstreamFault):
            self._decide(BAD_GATEWAY, "")
        elif not self._closing:
            self._decide(GOING_AWAY, "")
        if self._code is None:
            return
        if self.down.between and self.down.closed is None:
            await _tell(self.client, close_frame(self._code, self._reason))
        if self.up.between and self.up.closed is None:
            await _tell(self.upstream, close_frame(GOING_AWAY, mask=os.urandom(4)))

    def _note(self) -> None:
        x = self.x
        x.note("messages_in", self.up.messages)
        x.note("messages_out", self.down.messages)
        first = self.up if self._closed_by == "client" else self.down
        code = self._code if not self._closed_by else first.closed
        if code is not None:
            x.note("close_code", code)
            x.note("closed_by", self._closed_by or "gateway")


def _broke_off(upstream: bool) -> Exception:
    """An end that is gone without a close frame."""
    if upstream:
        return UpstreamFault("upstream.protocol", "The upstream broke off a WebSocket.", status=502)
    return ClientGone()


async def _tell(end: Tunnel, data: bytes) -> None:
    try:
        await end.write(data)
    except (ClientGone, UpstreamFault):
        return
