"""A connection that begins with TLS: the handshake, and then whoever speaks what it has chosen."""

from __future__ import annotations

import hashlib
import logging
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from headgate.message.request import Certificate
from headgate.wire.connection import Connection
from headgate.wire.h2 import Http2Connection
from headgate.wire.handshake_faults import why_no_tls
from headgate.wire.tls_pipe import TlsPipe

if TYPE_CHECKING:
    from headgate.message.request import Client
    from headgate.wire.certificates import Certificates
    from headgate.wire.pipe import Pipe
    from headgate.wire.table import Connections

logger = logging.getLogger("headgate.wire")


class Handshake:
    """A client that has connected to a TLS listener, until it is known who it is and what it speaks."""

    def __init__(self, pipe: Pipe, client: Client, table: Connections, certificates: Certificates) -> None:
        self._below = pipe
        self._table = table
        self._pipe = TlsPipe(pipe, certificates.context)
        self.client = client
        self.scope = trio.CancelScope()
        self.idle_until = table.pulse.after(table.limits.handshake_s)

    def __repr__(self) -> str:
        return f"<Handshake {self.client.ip}:{self.client.port}>"

    @property
    def idle(self) -> bool:
        """It is not: where room is wanted, connections that rest go before those that begin."""
        return False

    def wind_up(self) -> None:
        """End it: nothing has been promised yet."""
        self.let_go()

    def cut(self) -> None:
        """End it, and what runs on it."""
        self.scope.cancel()

    def let_go(self) -> None:
        """End it."""
        self._below.interrupt_receive()

    def sweep(self, now: float) -> None:
        """End it if it takes too long."""
        if now >= self.idle_until:
            self._below.interrupt_receive()
            self._below.interrupt_send()

    async def run(self) -> Connection | Http2Connection | None:
        """Who speaks on; None where the handshake did not come about. Raises nothing but cancellation."""
        done = False
        try:
            done = await self._pipe.handshake()
        except (ssl.SSLError, trio.BrokenResourceError) as error:
            logger.info("no TLS with %s: %s", self.client.ip, why_no_tls(error))
        finally:
            if not done:
                await self._below.close()
        return self._next() if done else None

    def _next(self) -> Connection | Http2Connection:
        session = self._pipe.tls
        client = replace(self.client, tls=True, certificate=shown(session))
        kind = Http2Connection if session.selected_alpn_protocol() == "h2" else Connection
        return kind(self._pipe, client, self._table)


def shown(session: ssl.SSLObject) -> Certificate | None:
    """The certificate that a client has shown and that our CA stands for."""
    raw = session.getpeercert(binary_form=True)
    found = session.getpeercert()
    if not raw or not found:
        return None
    subject: Any = found.get("subject", ())
    names: Any = found.get("subjectAltName", ())
    common = next((value for part in subject for key, value in part if key == "commonName"), None)
    return Certificate(
        name=common or next((value for _, value in names), ""),
        dns=tuple(value for kind, value in names if kind == "DNS"),
        uris=tuple(value for kind, value in names if kind == "URI"),
        emails=tuple(value for kind, value in names if kind == "email"),
        fingerprint=hashlib.sha256(raw).hexdigest(),
    )
