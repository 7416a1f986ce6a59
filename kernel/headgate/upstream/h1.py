"""HTTP/1.1 to upstreams, over pooled connections.

A request that met a connection which the upstream was just closing is sent again, once, on a fresh connection
(RFC 9112 §9.3.1, RFC 9110 §9.2.2), if all of this holds:

1. the connection was a reused one, and it ended before the first byte of an answer;
2. the request is idempotent, or not a byte of it can have reached the upstream;
3. its body can be sent again: it is bytes, or no more than the piece that we still hold was taken from it.

Everything else is for `retry` in a policy to decide: `UpstreamFault.sent` tells what it needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import trio

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import UpstreamFault
from headgate.message.request import IDEMPOTENT
from headgate.message.response import Response
from headgate.upstream import faults
from headgate.upstream.call import Call
from headgate.upstream.chunks import Malformed
from headgate.upstream.connection import Connection
from headgate.upstream.dial import Dialer
from headgate.upstream.duplex import NoAnswer
from headgate.upstream.egress import Egress
from headgate.upstream.heads import request_head
from headgate.upstream.patience import Patience
from headgate.upstream.pool import Dial, Pool, Reuse, Wait
from headgate.upstream.upload import Upload

# Below what servers grant: nginx 75 s, Apache and Go's examples 5 to 120 s. A shorter one is found by looking.
IDLE_S: Final = 30.0
# As many as a listener takes (`limits.connections`): thousands may wait for one model, or read its stream, and what comes in
# is bounded there. Envoy allows 1,024 to a cluster, nginx as many as it has file descriptors.
MAX_CONNECTIONS: Final = 10_000

Key = tuple[str, str, int, str | None]


class Http1Transport:
    """The `Transport` for HTTP/1.1 targets, clear and TLS. Needs trio; serves any number of tasks.

    `max_connections` holds for each target (scheme, host, port, CA file); requests beyond it wait in line, within
    `Timeouts.connect_s`. `idle_s` bounds how long an unused connection is kept.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        dialer: Dialer | None = None,
        max_connections: int = MAX_CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._dialer = dialer or Dialer(egress)
        self._max_connections = max_connections
        self._idle_s = idle_s
        self._pools: dict[Key, Pool[Connection]] = {}
        self._sweep_at = 0.0
        self._closed = False
        self.patience = Patience()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep time for calls, until cancelled; without it every call keeps its own."""
        task_status.started()
        await self.patience.run()

    def __repr__(self) -> str:
        return f"<Http1Transport [{len(self._pools)} pools{', closed' if self._closed else ''}]>"

    def pools(self) -> Iterator[Pool[Connection]]:
        """The pools there are now, for metrics and tests."""
        return iter(self._pools.values())

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        """The head of the final answer, its body to come, or bytes where all of it has come already.

        Raises UpstreamFault, ClientFault for a header value that cannot be sent, and what reading a streamed request
        body raises. Cancelling it closes the connection.
        """
        outgoing.sent = False
        upload = Upload(outgoing.body)
        head = request_head(target, outgoing, upload.length)
        now = trio.current_time()
        pool = self._pool(target, now)
        call = Call(target, timeouts, now, self.patience)
        if upload.whole and upload.opened and self.patience.suffices(timeouts.head_s, timeouts.total_s):
            connection = self._idle(pool, now)
            if connection is not None:
                return await self._patiently(pool, connection, call, outgoing, head, upload, now)
        with call.scope:
            return await self._send(pool, call, outgoing, head, upload, now)
        raise call.late(sent=call.sent)

    def _idle(self, pool: Pool[Connection], now: float) -> Connection | None:
        """A connection that is there and lives."""
        for old in pool.expired(now):
            old.close()
        while (connection := pool.assign_idle(now)) is not None:
            if connection.usable():
                return connection
            connection.close()
            pool.discard()
        return None

    async def _patiently(
        self,
        pool: Pool[Connection],
        connection: Connection,
        call: Call,
        outgoing: Outgoing,
        head: bytes,
        upload: Upload,
        now: float,
    ) -> Response:
        """The common case: everything goes out at once on a connection that is there, and no scope is entered."""
        until = self.patience.until
        until[connection] = call.head_by(now)
        try:
            return await attempt(connection, call, outgoing, head, upload)
        except NoAnswer as error:
            if connection.expired or not may_send_again(call, outgoing, upload):
                connection.finish(reusable=False)
                raise call.late(sent=True) if connection.expired else unanswered(call, upload, error) from error
        except UpstreamFault:
            if connection.expired:
                raise call.late(sent=True) from None
            raise
        finally:
            del until[connection]
        connection.close()
        with call.scope:
            return await self._once(await self._dial(pool, call), call, outgoing, head, upload)
        raise call.late(sent=call.sent)

    async def _once(
        self, connection: Connection, call: Call, outgoing: Outgoing, head: bytes, upload: Upload
    ) -> Response:
        try:
            return await attempt(connection, call, outgoing, head, upload)
        except NoAnswer as error:
            connection.finish(reusable=False)
            raise unanswered(call, upload, error) from error

    async def _send(
        self,
        pool: Pool[Connection],
        call: Call,
        outgoing: Outgoing,
        head: bytes,
        upload: Upload,
        now: float,
    ) -> Response:
        connection = await self._connection(pool, call, now)
        reused = connection.calls > 0
        try:
            return await attempt(connection, call, outgoing, head, upload)
        except NoAnswer as error:
            if not (reused and may_send_again(call, outgoing, upload)):
                connection.finish(reusable=False)
                raise unanswered(call, upload, error) from error
        connection.close()
        return await self._once(await self._dial(pool, call), call, outgoing, head, upload)

    async def _connection(self, pool: Pool[Connection], call: Call, now: float) -> Connection:
        """A connection with a slot in the pool. Does not yield where an idle one can be used."""
        for old in pool.expired(now):
            old.close()
        plan = pool.assign(now)
        if isinstance(plan, Wait):
            plan = await self._stand_in_line(pool, plan, call)
        while isinstance(plan, Reuse):
            connection = plan.connection
            if connection.usable():
                return connection
            connection.close()
            plan = pool.assign_instead(now)
        return await self._dial(pool, call)

    async def _stand_in_line(
        self, pool: Pool[Connection], ticket: Wait[Connection], call: Call
    ) -> Reuse[Connection] | Dial:
        call.enter("wait", call.timeouts.connect_s)
        try:
            return await ticket.granted()
        except BaseException:
            unkept = pool.leave(ticket, trio.current_time())
            if unkept is not None:
                unkept.close()
            raise

    async def _dial(self, pool: Pool[Connection], call: Call) -> Connection:
        """Open a connection for a slot that we hold; the slot is given back where that fails."""
        call.enter("connect", call.timeouts.connect_s)
        try:
            stream = await self._dialer.open(call.target)
        except BaseException:
            pool.discard()
            raise
        return Connection(call.target, stream, partial(finished, pool))

    def _pool(self, target: Target, now: float) -> Pool[Connection]:
        if now >= self._sweep_at:
            self._sweep(now)
        key = (target.scheme, target.host, target.port, target.ca_file)
        pool = self._pools.get(key)
        if pool is None:
            name = f"{target.scheme}://{target.authority}"
            pool = Pool(name, max_connections=self._max_connections, idle_s=self._idle_s)
            pool.closed = self._closed
            self._pools[key] = pool
        return pool

    def _sweep(self, now: float) -> None:
        """Close what expired and forget what is empty: targets come and go, and no task looks after them."""
        self._sweep_at = now + self._idle_s
        for key, pool in list(self._pools.items()):
            for connection in pool.expired(now):
                connection.close()
            if pool.empty:
                del self._pools[key]

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when they end."""
        self._closed = True
        for pool in self._pools.values():
            for connection in pool.close():
                connection.close()


async def attempt(connection: Connection, call: Call, outgoing: Outgoing, head: bytes, upload: Upload) -> Response:
    """One exchange. What fails closes the connection and gives its slot back; after NoAnswer that is left to us."""
    connection.stream.touched = False
    try:
        response = await connection.exchange(call, outgoing, head, upload)
    except BaseException as error:
        outgoing.sent = call.sent = call.sent or connection.stream.touched
        if isinstance(error, NoAnswer):
            raise
        connection.finish(reusable=False)
        if isinstance(error, Malformed):
            raise faults.broken(call.target, "head", str(error)) from None
        raise
    outgoing.sent = True
    return response


def may_send_again(call: Call, outgoing: Outgoing, upload: Upload) -> bool:
    """Rules 2 and 3."""
    repeatable = outgoing.idempotent or outgoing.method in IDEMPOTENT or not call.sent
    return repeatable and upload.replayable


def unanswered(call: Call, upload: Upload, error: NoAnswer) -> UpstreamFault:
    """No answer, and no further try. A streamed body that was begun is gone, so the request counts as sent."""
    return faults.broken(call.target, "head", str(error), sent=call.sent or not upload.intact)


def finished(pool: Pool[Connection], connection: Connection, reusable: bool) -> None:
    """Give a call's connection, or what was its slot, back."""
    if not reusable:
        pool.discard()
        return
    unkept = pool.release(connection, trio.current_time())
    if unkept is not None:
        unkept.close()
