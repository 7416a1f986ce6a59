"""One connection: head, body, handler, answer, and again. One task, and no other for any of its requests.

The states, as `repr` tells them:

    idle -> heading -> handling -> idle | draining the body | closing -> closed

A request is handed on only after its head is complete and checked, never from inside a parser. Pipelined requests
wait in the channel's buffer until the answer before them is out, so answers go out in order (RFC 9112 §9.3.2).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from headgate.errors import ClientGone
from headgate.message.body import BytesBody
from headgate.message.request import Client
from headgate.wire.answering import admitted, answer_problem, run_handler
from headgate.wire.body import IncomingBody
from headgate.wire.channel import Channel, TimedOut
from headgate.wire.h2 import Http2Connection
from headgate.wire.head import Head, check_partial, read_head, read_request_line
from headgate.wire.refusal import Refusal
from headgate.wire.requests import request_of
from headgate.wire.writer import Reply

if TYPE_CHECKING:
    from headgate.wire.pipe import Pipe
    from headgate.wire.table import Connections

logger = logging.getLogger("headgate.wire")


# How a client begins that knows us to speak HTTP/2 (RFC 9113 §3.4).
_PRI = b"PRI * HTTP/2.0\r\n\r\n"


class Connection:
    """A client's connection, for as long as it lasts."""

    __slots__ = ("_rest", "_table", "channel", "client", "reply", "requests", "scope", "state", "successor")

    def __init__(self, pipe: Pipe, client: Client, table: Connections) -> None:
        self._table = table
        self.channel = Channel(pipe, table.pulse, table.limits.write_stall_s)
        self.client = client
        self.scope = trio.CancelScope()
        self.reply: Reply | None = None
        self._rest = b"alt-svc: %b\r\n" % table.elsewhere if client.tls and table.elsewhere is not None else b""
        self.requests = 0
        self.successor: Http2Connection | None = None
        self.state = "idle"

    def __repr__(self) -> str:
        return f"<Connection {self.client.ip}:{self.client.port} {self.state}, request {self.requests}>"

    @property
    def idle(self) -> bool:
        """Whether it could close now without anybody losing an answer."""
        return self.state == "idle"

    @property
    def idle_until(self) -> float:
        """When it closes if nothing comes."""
        return self.channel.read_by

    def cut(self) -> None:
        """End it, and what runs on it."""
        self.scope.cancel()

    def let_go(self) -> None:
        """Close it, as it is idle."""
        self.channel.pipe.interrupt_receive()

    def sweep(self, now: float) -> None:
        """Interrupt the waits that have lasted too long."""
        self.channel.sweep(now)

    def wind_up(self) -> None:
        """Make the answer that is under way the last one, and say so if its head is not out yet.

        Where there is time to linger, an answer that has promised otherwise may be followed by one more; and a connection
        that waits for a request does so no longer than that.
        """
        linger_s = self._table.linger_s
        if linger_s and self.state == "idle":
            self.channel.read_by = min(self.channel.read_by, self.channel.pulse.after(linger_s))
        elif self.reply is not None and not (linger_s and self.reply.head_sent):
            self.reply.be_last()

    async def run(self) -> Http2Connection | None:
        """Serve until either side closes; who goes on where the client begins with the preface of HTTP/2. Raises nothing
        but cancellation."""
        try:
            while await self._turn(await self._next_head()):
                self.reply = None  # An idle connection keeps nothing of its last request.
        except Refusal as refusal:
            await self._refuse(refusal)
        except ClientGone:
            pass
        except Exception:
            logger.exception("A bug in the lane: %r", self)
        finally:
            self.state = "closed"
            if self.successor is None:
                await self.channel.close(reset=self.reply is not None and self.reply.looks_whole)
        return self.successor

    async def _turn(self, data: bytes) -> bool:
        """One request, whose head this is, and its answer; False when the connection is to close."""
        if not data:
            return False
        if data == _PRI and not self.requests:
            self.successor = Http2Connection(self.channel.pipe, self.client, self._table, data + self.channel.buffer)
            return False
        try:
            head = read_head(data, self._table.limits, tls=self.client.tls)
            incoming = self._begin_body(head)
        except Refusal as refusal:
            _name(refusal, data)
            raise
        self.state = "handling"
        self.requests += 1
        keep = head.keep_alive and self.requests < self._table.limits.requests and not self._table.draining
        self.reply = reply = Reply(
            self.channel,
            self._table.limits,
            incoming if isinstance(incoming, IncomingBody) else None,
            head_only=head.method == "HEAD",
            is_11=head.version == "1.1",
            keep_alive=keep,
            cancel=self.scope.cancel,
            asked=head.headers,
            draining=self._table.drain_began,
            rest=self._rest,
        )
        valve = self._table.valve
        if not valve.shut or await admitted(valve, reply, head.headers):
            await run_handler(
                self._table.handler, request_of(head, incoming, self.client, self._table.next_id()), self.client, reply
            )
        return await self._after(head, incoming, reply)

    async def _next_head(self) -> bytes:
        """The bytes of the next complete head; b"" when there will be none."""
        channel, limits, table = self.channel, self._table.limits, self._table
        self.state = "idle"
        by = channel.pulse.after(limits.idle_s if self.requests else limits.header_s)
        scanned = 0
        blank_line = False
        if channel.buffer:
            await trio.lowlevel.checkpoint()  # A pipelining client takes its turn like all others.
        elif table.draining:
            if not table.linger_s:
                return b""
            by = min(by, channel.pulse.after(table.linger_s))
        while True:
            if not blank_line and channel.buffer.startswith(b"\r\n"):
                channel.buffer = channel.buffer[2:]  # RFC 9112 §2.2: one empty line is forgiven.
                blank_line = True
            buffer = channel.buffer
            end = buffer.find(b"\r\n\r\n", max(0, scanned - 3))
            if end >= 0:
                channel.buffer = buffer[end + 4 :]
                return buffer[: end + 4]
            if buffer and buffer != b"\r":
                self._check_partial(buffer, scanned)
                scanned = len(buffer)
                if self.state == "idle":
                    self.state = "heading"
                    by = channel.pulse.after(limits.header_s)
            try:
                if not await channel.more(by):
                    return b""
            except TimedOut:
                if self.state == "idle":
                    return b""  # RFC 9112 §9.5: an idle connection may close without a word.
                raise self._late() from None

    def _check_partial(self, buffer: bytes, scanned: int) -> None:
        if not self.requests and _PRI.startswith(buffer):
            return
        try:
            check_partial(buffer, scanned, self._table.limits)
        except Refusal as refusal:
            _name(refusal, buffer)
            raise

    def _late(self) -> Refusal:
        refusal = Refusal(408, "The head of the request took too long to arrive (RFC 9110 §15.5.9).")
        _name(refusal, self.channel.buffer)
        return refusal

    def _begin_body(self, head: Head) -> BytesBody | IncomingBody:
        """The body: all there where it came with its head, else still to come."""
        length, limits, channel = head.length, self._table.limits, self.channel
        if length == 0:
            return BytesBody()
        if length is not None and limits.body_bytes is not None and length > limits.body_bytes:
            raise Refusal(413, f"The body may hold at most {limits.body_bytes} bytes (RFC 9110 §15.5.14).")
        if length is not None and len(channel.buffer) >= length:
            body = BytesBody(channel.buffer[:length])
            channel.buffer = channel.buffer[length:]
            return body
        return IncomingBody(channel, limits, length, continues=head.continues)

    async def _after(self, head: Head, incoming: BytesBody | IncomingBody, reply: Reply) -> bool:
        """Take in what is left of the body, or close in a way that lets the answer be read."""
        channel = self.channel
        if channel.closed:
            return False
        waiting = isinstance(incoming, IncomingBody) and not incoming.complete
        if reply.keep_alive:
            self.state = "draining the body"
            if not isinstance(incoming, IncomingBody) or await incoming.drain():
                return True
        if waiting or channel.buffer or head.keep_alive:
            await self._linger()
        return False

    async def _linger(self) -> None:
        self.state = "closing"
        limits = self._table.limits
        await self.channel.linger(limits.linger_bytes, self.channel.pulse.after(limits.linger_s))

    async def _refuse(self, refusal: Refusal) -> None:
        self.state = "closing"
        refusal.id = self._table.next_id()
        self._table.refused(self.client, refusal)
        reply = Reply(
            self.channel, self._table.limits, None, head_only=refusal.method == "HEAD", is_11=True, keep_alive=False
        )
        await answer_problem(reply, refusal.status, refusal.detail, refusal.id)
        if not self.channel.closed:
            await self._linger()


def _name(refusal: Refusal, data: bytes) -> None:
    """Put method, target and version on a refusal where the request line can be read, and is worth keeping."""
    line, end, _ = data.partition(b"\r\n")
    if end and refusal.status != 414:
        with suppress(Refusal):
            refusal.method, refusal.target, refusal.version = read_request_line(line)
