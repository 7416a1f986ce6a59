"""A connection of HTTP/3 over memory: our side of it, and aioquic's client at the other."""

from __future__ import annotations

import datetime
import ssl
from functools import cache
from typing import Any, Self

import trio
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from headgate.http2 import Sizes, Stream
from headgate.wire.h3_machine import Quic
from headgate.wire.quic import QuicPlan
from headgate.wire.quic_peer import Peer

GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]
OK = [(b":status", b"200")]
CANCELLED = 0x10C
OURS, THEIRS = ("127.0.0.1", 1), ("127.0.0.1", 2)


@cache
def certificate() -> tuple[Any, Any]:
    """One that nobody has to trust, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    return made.sign(key, hashes.SHA256()), key


class Sides:
    """Both sides; `shaken` is awaited first. It is the endpoint of ours: `streams` are those that were opened on it."""

    draining = False

    def __init__(self, *, requests: int = 10_000, header_s: float = 30.0, **sizes: Any) -> None:
        self.plan = QuicPlan(
            sizes=Sizes(**sizes), connections=1, idle_s=1000.0, requests=requests, header_s=header_s
        )  # fmt: skip
        self.changed = trio.lowlevel.ParkingLot()
        self.streams: list[Stream] = []
        self.events: list[Any] = []
        self._out: list[bytes] = []
        asks = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE, server_name="a", idle_timeout=1000.0
        )
        self.quic = QuicConnection(configuration=asks)
        self.quic.connect(OURS, now=trio.current_time())
        serves = QuicConfiguration(
            is_client=False,
            alpn_protocols=H3_ALPN,
            max_stream_data=self.plan.sizes.window_bytes,
            idle_timeout=self.plan.idle_s,
        )
        serves.certificate, serves.private_key = certificate()
        ours = Quic(
            configuration=serves,
            original_destination_connection_id=self.quic.original_destination_connection_id,
        )
        ours.window_bytes = self.plan.sizes.window_bytes
        self.peer = Peer(self, ours, THEIRS)  # type: ignore[arg-type]
        self.h3: H3Connection | None = None

    async def shaken(self) -> Self:
        """When the handshake is done."""
        await self.pass_on(5)
        self.h3 = H3Connection(self.quic)
        await self.pass_on(5)
        assert self.peer.session is not None
        self.session = self.peer.session
        return self

    # --- what an endpoint is to its peer ------------------------------------------------------------------------------

    def name(self, peer: Peer, cid: bytes) -> None:
        pass

    unname = name

    def send(self, data: bytes, address: Any) -> None:
        self._out.append(data)

    def answer(self, peer: Peer, stream: Stream, ended: bool) -> None:
        self.streams.append(stream)

    # --- what a test does ---------------------------------------------------------------------------------------------

    async def pass_on(self, rounds: int = 3) -> None:
        """Let both sides hear what the other has sent."""
        for _ in range(rounds):
            await trio.sleep(0.001)  # aioquic paces what it sends
            for data, _ in self.quic.datagrams_to_send(now=trio.current_time()):
                self.peer.receive(data, THEIRS)
            out, self._out = self._out, []
            for data in out:
                self.quic.receive_datagram(data, OURS, now=trio.current_time())
            while self.h3 is not None and (event := self.quic.next_event()) is not None:
                self.events.append(event)
                self.h3.handle_event(event)

    def ask(self, *, end: bool = True) -> int:
        """A request's head; its stream."""
        id = self.quic.get_next_available_stream_id()
        self.h3.send_headers(id, GET, end_stream=end)
        return id

    def give_up(self, id: int) -> None:
        """Want no more of it."""
        self.quic.reset_stream(id, CANCELLED)
        self.quic.stop_stream(id, CANCELLED)

    @property
    def code(self) -> int | None:
        """With which code our side has closed the connection; None where it has not."""
        closed = self.peer.quic._close_event
        return None if closed is None else closed.error_code

    def kept(self) -> int:
        """How many requests' streams aioquic's HTTP/3 keeps on our side."""
        return sum(id % 4 == 0 for id in self.session._h3._stream)
