"""One QUIC connection of an endpoint: its datagrams, its timer, its HTTP/3."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Any

import trio
from aioquic.h3.connection import ErrorCode
from aioquic.quic.events import ConnectionIdIssued, ConnectionIdRetired, ConnectionTerminated, HandshakeCompleted

from headgate.wire.h3 import H3Session
from headgate.wire.h3_machine import Quic
from headgate.wire.lane import client_of

if TYPE_CHECKING:
    from headgate.http2 import Stream
    from headgate.message.request import Client
    from headgate.wire.quic import Endpoint

logger = logging.getLogger("headgate.wire")


class Peer:
    """One connection, and who is at its other end."""

    def __init__(self, endpoint: Endpoint, quic: Quic, address: Any) -> None:
        self._endpoint = endpoint
        self.quic = quic
        self.address = address
        self.session: H3Session | None = None
        self.cids: set[bytes] = set()
        self.shaken = False
        self.over = False
        self._woken = trio.Event()

    def __repr__(self) -> str:
        return f"<Peer {self.address[0]}:{self.address[1]} {self.session!r}>"

    @property
    def client(self) -> Client:
        """The other end, as the socket knows it."""
        found = client_of(self.address)
        return type(found)(found.ip, found.port, tls=True)

    def receive(self, data: bytes, address: Any) -> None:
        """A datagram of theirs."""
        self.address = address
        self.quic.receive_datagram(data, address, now=trio.current_time())
        self.pump()

    def pump(self) -> None:
        """What has happened, and what is to be sent."""
        while (event := self.quic.next_event()) is not None:
            self._hear(event)
        if self.session is not None:
            self.session.moved()
        self.transmit()

    def _hear(self, event: Any) -> None:
        if isinstance(event, ConnectionIdIssued):
            self._endpoint.name(self, event.connection_id)
        elif isinstance(event, ConnectionIdRetired):
            self._endpoint.unname(self, event.connection_id)
        elif isinstance(event, ConnectionTerminated):
            said = repr(event.reason_phrase) if event.reason_phrase else "no reason was given"  # it may hold anything
            logger.debug("HTTP/3 with %s is over: %s (%#x)", self.address[0], said, event.error_code)
            self.lose()
            return
        elif isinstance(event, HandshakeCompleted):
            self.shaken = True
            plan = self._endpoint.plan
            self.session = H3Session(
                self.quic,
                plan.sizes,
                requests=plan.requests,
                header_s=plan.header_s,
                opened=self._opened,
                transmit=self.transmit,
                changed=self._endpoint.changed.unpark_all,
            )
            if self._endpoint.draining:
                self.session.wind_up()
        if self.session is not None:
            self.session.hear(event)

    def _opened(self, stream: Stream, ended: bool) -> None:
        self._endpoint.answer(self, stream, ended)

    def transmit(self) -> None:
        """Send what there is to send."""
        for data, address in self.quic.datagrams_to_send(now=trio.current_time()):
            self._endpoint.send(data, address)
        self._woken.set()

    def lose(self) -> None:
        """End it without a word."""
        self.over = True
        if self.session is not None:
            self.session.lose()
        self._woken.set()

    def wind_up(self) -> None:
        """Take no more requests, and end when what runs has."""
        if self.session is not None:
            self.session.wind_up()
            self.pump()

    def close(self) -> None:
        """End it with a word."""
        self.quic.close(error_code=ErrorCode.H3_NO_ERROR)
        self.transmit()

    async def keep_time(self) -> None:
        """Run the connection's timers until it is over."""
        while not self.over:
            timer = self.quic.get_timer()
            self._woken = trio.Event()
            with trio.CancelScope(deadline=inf if timer is None else timer):
                await self._woken.wait()
                continue
            self.quic.handle_timer(now=trio.current_time())
            self.pump()
