"""A UDP socket that speaks QUIC and, on it, HTTP/3 (RFC 9000, RFC 9114).

1. One task reads datagrams and hands each to its connection; nothing that a request does holds it up. Each connection has a
   task for its timer, and each request one of its own.
2. An address has to prove itself where many handshakes are under way (Retry, RFC 9000 §8.1): a flood from invented ones
   costs a token each, and no state.
3. A drain says GOAWAY, lets the requests that run end, rejects new ones, and closes each connection when what was written
   on it has arrived.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import trio
from aioquic._buffer import Buffer
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import SMALLEST_MAX_DATAGRAM_SIZE, QuicConfiguration
from aioquic.quic.packet import (
    QuicPacketType,
    encode_quic_retry,
    encode_quic_version_negotiation,
    pull_quic_header,
)
from aioquic.quic.retry import QuicRetryTokenHandler

from headgate.http2 import Sizes, Stream
from headgate.wire.h3_machine import Quic
from headgate.wire.quic_peer import Peer

if TYPE_CHECKING:
    from headgate.wire.certificates import Certificates

logger = logging.getLogger("headgate.wire")

_CID_BYTES: Final = 8
_DATAGRAM: Final = 65536
# Handshakes at once from which on an address has to prove itself.
_UNPROVEN: Final = 64

Answer = Callable[[Peer, Stream, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicPlan:
    """What an endpoint grants. `connections` is how many there may be; `idle_s` how long one may be silent;
    `requests` how many one takes, `header_s` how long a head may take."""

    sizes: Sizes
    connections: int
    idle_s: float
    requests: int
    header_s: float


class Endpoint:
    """A socket and its connections. `answer` is called with each request's stream; it may not wait."""

    def __init__(self, sock: socket.socket, certificates: Certificates, plan: QuicPlan, answer: Answer) -> None:
        self._socket = trio.socket.from_stdlib_socket(sock)
        self._raw = sock
        self._certificates = certificates
        self._retry = QuicRetryTokenHandler()
        self._peers: dict[bytes, Peer] = {}
        self._tasks: trio.Nursery | None = None
        self.plan = plan
        self.answer = answer
        self.draining = False
        self.live: set[Peer] = set()
        self.changed = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<Endpoint {self._raw.getsockname()} [{len(self.live)} connections]>"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        with self._socket:
            async with trio.open_nursery() as self._tasks:
                task_status.started()
                while True:
                    try:
                        data, address = await self._socket.recvfrom(_DATAGRAM)
                    except OSError as error:  # an answer of ours was refused by the network: it concerns one peer
                        logger.debug("UDP: %s", error)
                        continue
                    self._take(data, address)

    def _take(self, data: bytes, address: Any) -> None:
        try:
            header = pull_quic_header(Buffer(data=data), host_cid_length=_CID_BYTES)
        except ValueError:
            return  # no QUIC
        peer = self._peers.get(header.destination_cid)
        try:
            if peer is None:
                peer = self._meet(header, data, address)
            if peer is not None:
                peer.receive(data, address)
        except Exception:
            logger.exception("A bug in HTTP/3, on a datagram of %s", address[0])
            if peer is not None:
                peer.lose()  # one connection's end, and nobody else's

    def _meet(self, header: Any, data: bytes, address: Any) -> Peer | None:
        """A connection that begins, if it may."""
        versions = self._configuration().supported_versions
        if header.version is not None and header.version not in versions:
            if header.packet_type is not QuicPacketType.VERSION_NEGOTIATION:
                self.send(
                    encode_quic_version_negotiation(
                        source_cid=header.destination_cid,
                        destination_cid=header.source_cid,
                        supported_versions=versions,
                    ),
                    address,
                )
            return None
        begins = header.packet_type is QuicPacketType.INITIAL and len(data) >= SMALLEST_MAX_DATAGRAM_SIZE
        if not begins or self.draining or len(self.live) >= self.plan.connections:
            return None
        original, source = header.destination_cid, None
        if sum(not peer.shaken for peer in self.live) >= _UNPROVEN:
            proof = self._proven(header, address)
            if proof is None:
                return None
            original, source = proof
        return self._begin(header.destination_cid, original, source, address)

    def _proven(self, header: Any, address: Any) -> tuple[bytes, bytes] | None:
        """What the token of an address that has proved itself says; None where it is asked to, or lies."""
        now = trio.current_time()
        if header.token:
            try:
                original = self._retry.validate_token(
                    address=address, destination_cid=header.destination_cid, token=header.token, now=now
                )
            except ValueError:
                return None
            return original, header.destination_cid
        source = os.urandom(_CID_BYTES)
        token = self._retry.create_token(
            address=address, original_destination_connection_id=header.destination_cid, retry_source_connection_id=source,
            now=now,
        )  # fmt: skip
        self.send(
            encode_quic_retry(
                version=header.version, source_cid=source, destination_cid=header.source_cid,
                original_destination_cid=header.destination_cid, retry_token=token,
            ),
            address,
        )  # fmt: skip
        return None

    def _begin(self, cid: bytes, original: bytes, source: bytes | None, address: Any) -> Peer:
        quic = Quic(
            configuration=self._configuration(),
            original_destination_connection_id=original,
            retry_source_connection_id=source,
        )
        quic.window_bytes = self.plan.sizes.window_bytes
        peer = Peer(self, quic, address)
        self.live.add(peer)
        self.name(peer, cid)
        self.name(peer, quic.host_cid)
        assert self._tasks is not None
        self._tasks.start_soon(self._keep, peer)
        return peer

    async def _keep(self, peer: Peer) -> None:
        try:
            await peer.keep_time()
        except Exception:
            logger.exception("A bug in HTTP/3: %r", peer)
            peer.lose()
        finally:
            self.live.discard(peer)
            self.changed.unpark_all()
            for cid in list(peer.cids):
                self.unname(peer, cid)

    def _configuration(self) -> QuicConfiguration:
        """With the certificate that is current: aioquic knows one, and does not choose by name."""
        made = QuicConfiguration(
            alpn_protocols=H3_ALPN,
            is_client=False,
            connection_id_length=_CID_BYTES,
            idle_timeout=self.plan.idle_s,
            max_stream_data=self.plan.sizes.window_bytes,
        )
        made.certificate, made.certificate_chain, made.private_key = self._certificates.for_quic()
        return made

    def name(self, peer: Peer, cid: bytes) -> None:
        """Datagrams for this connection id are the peer's."""
        self._peers[cid] = peer
        peer.cids.add(cid)

    def unname(self, peer: Peer, cid: bytes) -> None:
        """They are nobody's again."""
        self._peers.pop(cid, None)
        peer.cids.discard(cid)

    def send(self, data: bytes, address: Any) -> None:
        """Send a datagram, if the socket takes it; QUIC makes good what is lost."""
        try:
            self._raw.sendto(data, address)
        except OSError as error:
            logger.debug("UDP to %s: %s", address[0], error)

    @property
    def busy(self) -> int:
        """On how many connections something runs."""
        return sum(bool(peer.session is not None and peer.session.streams) for peer in self.live)

    def wind_up(self) -> None:
        """Take nothing new, and say so (GOAWAY). A connection ends when what runs on it has, and has arrived."""
        self.draining = True
        for peer in list(self.live):
            peer.wind_up()

    async def close(self, within_s: float) -> None:
        """Close each connection when all that was written on it is acknowledged, and all when the time is over."""
        with trio.move_on_after(within_s):
            while any(peer.session is not None and not peer.session.over for peer in self.live):
                await self.changed.park()
        for peer in list(self.live):
            peer.close()
