"""From a target to a connected stream: resolve, judge every address, connect to a judged address, shake hands.

Addresses are tried as RFC 8305 (happy eyeballs) says: families take turns, the next starts when the one before
has failed or has been silent for a quarter of a second, the first to connect wins. Only addresses that `Egress`
let pass are tried, and they are tried as addresses: no name is resolved twice.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, zip_longest
from typing import Final, cast

import trio

from headgate.contracts.transport import Target
from headgate.upstream import faults
from headgate.upstream.egress import Egress
from headgate.upstream.streams import BROKEN, ByteStream, ClearStream, reason, start_tls
from headgate.upstream.tls import TlsContexts, tls_reason

# RFC 8305 §5 recommends 250 ms.
STAGGER_S: Final = 0.25

# A resolved address as `connect` wants it: family and socket address.
Endpoint = tuple[socket.AddressFamily, tuple[str | int, ...]]
Resolve = Callable[[str, int], Awaitable[list[Endpoint]]]


async def resolve(host: str, port: int) -> list[Endpoint]:
    """Ask the system's resolver, in a thread. OSError where the name has no address."""
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, cast(tuple[str | int, ...], address)) for family, _, _, _, address in found]


class Dialer:
    """Opens connections that the egress rules allow. `untrusted` narrows them to public addresses."""

    def __init__(
        self, egress: Egress, tls: TlsContexts | None = None, *, untrusted: bool = False, resolve: Resolve = resolve
    ) -> None:
        self._egress = egress
        self._tls = tls or TlsContexts()
        self._untrusted = untrusted
        self._resolve = resolve

    async def open(self, target: Target) -> ByteStream:
        """A connected stream. UpstreamFault `refused` or `unreachable`; cancelling leaves nothing open."""
        if target.scheme == "http":
            return ClearStream(await self.connect(target))
        try:
            context = self._tls.get(target.ca_file)
        except OSError as error:
            why = f"the CA file {target.ca_file} cannot be used ({reason(error)})"
            raise faults.unreachable(target, why) from error
        connected = await self.connect(target)
        try:
            return await start_tls(connected, context, target.host)
        except BaseException as error:
            connected.close()
            if isinstance(error, BROKEN):
                raise faults.unreachable(target, tls_reason(error)) from error
            raise

    async def connect(self, target: Target) -> socket.socket:
        """A connected TCP socket, without TLS. UpstreamFault `refused` or `unreachable`."""
        endpoints = await self.endpoints(target)
        try:
            return await connect_first(endpoints)
        except OSError as error:
            raise faults.unreachable(target, f"connecting failed ({reason(error)})") from error

    async def endpoints(self, target: Target) -> list[Endpoint]:
        """The addresses of a target that may be connected to, never none."""
        why = self._egress.refuses_name(target.host)
        if why is not None:
            raise faults.refused(target, why)
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise faults.unreachable(target, f"the name {target.host} does not resolve ({error})") from error
        verdicts = [
            self._egress.refuses(target.host, str(address[0]), untrusted=self._untrusted) for _, address in found
        ]
        allowed = [endpoint for endpoint, refusal in zip(found, verdicts, strict=True) if refusal is None]
        if not allowed:
            raise faults.refused(target, next(filter(None, verdicts), f"{target.host} has no address"))
        return interleaved(allowed)


def interleaved(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The same addresses with families taking turns, the resolver's first family first (RFC 8305 §4)."""
    first = [one for one in endpoints if one[0] == endpoints[0][0]]
    second = [one for one in endpoints if one[0] != endpoints[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, second)) if one is not None]


async def connect_first(endpoints: Sequence[Endpoint]) -> socket.socket:
    """A socket connected to the first endpoint that answers; the error of the first one if none does."""
    if len(endpoints) == 1:
        return await connect(endpoints[0])
    race = _Race()
    try:
        async with trio.open_nursery() as nursery:
            for endpoint in endpoints:
                failed = trio.Event()
                nursery.start_soon(race.run, endpoint, failed, nursery.cancel_scope)
                with trio.move_on_after(STAGGER_S):
                    await failed.wait()
    except BaseException:
        race.forget()
        raise
    if race.winner is None:
        raise race.errors[0]
    return race.winner


class _Race:
    """The attempts on the addresses of one target."""

    def __init__(self) -> None:
        self.winner: socket.socket | None = None
        self.errors: list[OSError] = []

    async def run(self, endpoint: Endpoint, failed: trio.Event, race: trio.CancelScope) -> None:
        try:
            connected = await connect(endpoint)
        except OSError as error:
            self.errors.append(error)
            failed.set()
            return
        if self.winner is None:
            self.winner = connected
            race.cancel()
        else:
            connected.close()

    def forget(self) -> None:
        if self.winner is not None:
            self.winner.close()


async def connect(endpoint: Endpoint) -> socket.socket:
    """One non-blocking TCP connection. OSError where it fails; cancelling closes it."""
    family, address = endpoint
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connecting.connect(address)
        except BlockingIOError:
            await trio.lowlevel.wait_writable(connecting)
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code)) from None
    except BaseException:
        connecting.close()
        raise
    return connecting
