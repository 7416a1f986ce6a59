"""HTTP/3 beside the other listeners: endpoints whose requests go to the same handler."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from headgate.wire.h2 import sizes_of
from headgate.wire.quic import Endpoint, QuicPlan
from headgate.wire.quic_peer import Peer
from headgate.wire.streams import serve_stream

if TYPE_CHECKING:
    from headgate.http2 import Stream
    from headgate.wire.certificates import Certificates
    from headgate.wire.table import Connections


async def open_endpoints(
    nursery: trio.Nursery, sockets: Sequence[socket.socket], certificates: Certificates, table: Connections
) -> None:
    """Serve HTTP/3 on these sockets, and tell the others' clients of it."""
    limits = table.limits
    # aioquic tells of each connection, and warns of each that a client has spoilt: `Peer` says so to who looks for it.
    for name in ("quic", "http3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    plan = QuicPlan(
        sizes=sizes_of(limits),
        connections=limits.connections,
        idle_s=limits.idle_s,
        requests=limits.requests,
        header_s=limits.header_s,
    )

    def answer(peer: Peer, stream: Stream, ended: bool) -> None:
        assert peer.session is not None
        serve = partial(serve_stream, ended=ended, version="3")
        nursery.start_soon(serve, table, peer.session, peer.client, stream)

    for sock in sockets:
        endpoint = Endpoint(sock, certificates, plan, answer)
        table.endpoints.append(endpoint)
        await nursery.start(endpoint.run)
    table.elsewhere = b'h3=":%d"; ma=86400' % sockets[0].getsockname()[1]
