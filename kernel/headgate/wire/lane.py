"""Listening and accepting: where a lane begins.

Accepting never dies: a connection that was gone before it was taken is skipped; on any other error, which means
that the process or the machine has run out of something (EMFILE and its kin), the loop logs, closes an idle
connection, and tries again shortly.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import trio
from trio.lowlevel import wait_readable

from headgate.message.request import Client
from headgate.wire.limits import Limits
from headgate.wire.pipe import Pipe, SocketPipe
from headgate.wire.table import Connections

if TYPE_CHECKING:
    from headgate.wire.balance import Balance
    from headgate.wire.certificates import Certificates
    from headgate.wire.handler import Exchanger, OnRefused
    from headgate.wire.overload import OnShed

Serve = Callable[[Pipe, Client], Awaitable[None]]

logger = logging.getLogger("headgate.wire")

# As trio.serve_listeners: long enough to let connections end, short enough not to be noticed.
_BACK_OFF_S = 0.1
# Handshakes of as many take some ten milliseconds.
_MOST_A_TURN = 32


def open_listeners(
    host: str | None, port: int, limits: Limits | None = None, *, kind: socket.SocketKind = socket.SOCK_STREAM
) -> list[socket.socket]:
    """Listening sockets for every address of `host` (None: all of this machine), TCP's or UDP's. OSError where one cannot be
    bound.

    For workers: open once, share by inheritance. Non-blocking.
    """
    backlog = (limits or Limits()).backlog
    opened: list[socket.socket] = []
    infos = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    try:
        for family, _, protocol, _, address in infos:
            sock = socket.socket(family, kind, protocol)
            opened.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind is socket.SOCK_DGRAM and port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # one for each worker
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setblocking(False)
            sock.bind(address)
            if kind is socket.SOCK_STREAM:
                sock.listen(backlog)
    except OSError:
        for sock in opened:
            sock.close()
        raise
    return opened


async def serve_lane(
    listeners: Sequence[socket.socket],
    handler: Exchanger,
    limits: Limits | None = None,
    *,
    tls: Sequence[socket.socket] = (),
    certificates: Certificates | None = None,
    udp: Sequence[socket.socket] = (),
    balance: Balance | None = None,
    on_refused: OnRefused | None = None,
    on_shed: OnShed | None = None,
    task_status: trio.TaskStatus[Connections] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on listening sockets until drained or cancelled; starts with its `Connections`. On those of `tls` clients begin
    with a handshake, for which `certificates` are needed; on those of `udp` they speak HTTP/3. With a
    `balance`, other processes accept from the same sockets.

    Takes the sockets over: they are closed when accepting ends. To stop, call `drain` on what it started with.
    """
    connections = Connections(handler, limits, balance, on_refused=on_refused, on_shed=on_shed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connections.sweep)
        nursery.start_soon(connections.valve.watch)
        if udp and certificates is not None:
            from headgate.wire.http3 import open_endpoints  # aioquic is there only where somebody wants it

            await open_endpoints(nursery, udp, certificates, connections)
        task_status.started(connections)
        async with trio.open_nursery() as serving:
            with connections.accepting:
                doors = [(listener, connections.serve) for listener in listeners]
                if certificates is not None:
                    shake = partial(connections.serve_tls, certificates=certificates)
                    doors += [(listener, shake) for listener in tls]
                await _accept_all(doors, connections, serving)
            if udp:
                await connections.drained.wait()
        nursery.cancel_scope.cancel()


async def _accept_all(
    doors: Sequence[tuple[socket.socket, Serve]], connections: Connections, serving: trio.Nursery
) -> None:
    connections.balance.tell(len(connections.live))
    try:
        async with trio.open_nursery() as accepting:
            for listener, serve in doors:
                listener.setblocking(False)
                accepting.start_soon(accept_loop, listener, connections, serving, serve)
    finally:
        connections.balance.leave()
        for listener, _ in doors:
            listener.close()


async def accept_loop(listener: socket.socket, connections: Connections, serving: trio.Nursery, serve: Serve) -> None:
    """Accept until cancelled, a task for each connection.

    One a turn while they come one by one, so that workers share them; twice as many each time that more are waiting. A turn
    of a busy loop is long, and at one a turn a crowd would wait for many seconds. Who holds more than others takes what
    these leave.
    """
    most = 1
    while True:
        await wait_readable(listener)
        left = await connections.balance.after_you()
        for taken in range(most):
            if taken and (connections.full or (connections.balance.ahead and not left)):
                break  # Whether anybody else is at the door is not known.
            await connections.room()
            await connections.valve.room()
            try:
                sock, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                most = 1  # Taken by another worker, or gone before it was taken.
                break
            except OSError as error:
                most = 1
                if taken:
                    break  # Without a descriptor the kernel says so before it looks whether anybody is at the door.
                logger.warning("Cannot accept: %s. Trying again in %s s.", error, _BACK_OFF_S)
                connections.close_idle(1)
                await trio.sleep(_BACK_OFF_S)
                break
            sock.setblocking(False)
            with suppress(OSError):  # It may be gone by now; its connection will notice.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serving.start_soon(serve, SocketPipe(sock), client_of(address))
        else:
            most = min(2 * most, _MOST_A_TURN)


def client_of(address: tuple[Any, ...]) -> Client:
    """The peer as the socket knows it: without a zone, and by its IPv4 address where it has one."""
    ip = address[0].partition("%")[0]
    if ip.startswith("::ffff:"):
        mapped = ipaddress.IPv6Address(ip).ipv4_mapped
        ip = str(mapped) if mapped else ip
    return Client(ip, address[1])
