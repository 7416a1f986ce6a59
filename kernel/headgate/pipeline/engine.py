"""Runs one exchange, from its request to its row in the call log.

1. The head is decided by the route's program, by the default answer to a failure, or by the engine (404, 405, 500, 501).
2. Then what lines attached for the head runs, backwards; then the answer goes out, through the body filters.
3. Finish happens exactly once, whatever went wrong: closes and `finally` backwards, the row, the Snapshot is left. It is
   shielded, with a deadline: neither a client that hung up nor a drain can keep an account from being settled, and
   one close that hangs is given up for the others' sake.
4. A failure before the head is an answer. After the head the connection is cut: no truncated answer looks whole.
5. No hook, no nursery, no task, no cancel scope here: the common case is function calls.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from headgate.contracts.exchange import Exchange
from headgate.contracts.kinds import KINDS
from headgate.contracts.stores import Sink
from headgate.errors import ClientGone, Failure, HandlerFault, HeadgateError, RehearsalFault, UpstreamFault
from headgate.language.runtime import error_response
from headgate.pipeline.faults import policy_line, stopped, undeclared
from headgate.pipeline.grpc import as_grpc, is_grpc, note_status
from headgate.pipeline.options import answers_options, preflight
from headgate.pipeline.relay import relay
from headgate.pipeline.rows import row_of
from headgate.pipeline.tunnel import tunnel
from headgate.pipeline.watch import Watch

if TYPE_CHECKING:
    from headgate.contracts.node import Node
    from headgate.message.request import Client, Request
    from headgate.message.response import Response
    from headgate.pipeline.reply import Reply
    from headgate.pipeline.snapshot import Snapshot
    from headgate.pipeline.table import Entry
    from headgate.pipeline.watch import Watched

log = logging.getLogger("headgate")

# What is left to do at the close is bookkeeping; a store that takes longer is in trouble, and the row says so.
FINISH_S = 10.0


class Engine:
    """Runs exchanges on the current Snapshot of one worker. Safe for any number of tasks.

    `seen` is told of every exchange when it is over, for those who want more than the row: tests, `explain`.
    """

    def __init__(self, node: Node, snapshot: Snapshot, sinks: Sequence[Sink], watch: Watch) -> None:
        self.node = node
        self.snapshot = snapshot
        self.sinks = sinks
        self.watch = watch
        self.handled = 0
        self.seen: Callable[[Exchange], None] | None = None

    def __repr__(self) -> str:
        return f"<Engine {self.snapshot!r} [{self.handled} handled]>"

    async def __call__(self, request: Request, client: Client, reply: Reply) -> None:
        """Answer one request. Raises nothing but cancellation: every other trouble becomes an answer or a cut."""
        clock = self.node.clock
        x = Exchange(request, client, self.node, started=clock.monotonic(), started_at=clock.time())
        snapshot = self.snapshot
        snapshot.active += 1
        self.handled += 1
        watched = self.watch.begin(reply)
        try:
            await self._answer(x, snapshot, reply, watched)
        except BaseException as error:
            x.failure = x.failure or (ClientGone() if watched.gone else stopped(error))
            raise
        finally:
            watched.end()
            if watched.gone and x.outcome is None:
                x.outcome = "client_gone"
            try:
                await self._finish(x, reply)
            finally:
                snapshot.leave()

    # --- deciding the head --------------------------------------------------------------------------------------------

    async def _answer(self, x: Exchange, snapshot: Snapshot, reply: Reply, watched: Watched) -> None:
        entry = self._route(x, snapshot)
        if entry is not None:
            await self._run(x, entry, snapshot)
        if x.response is None:
            x.failure = x.failure or HeadgateError("no line decided an answer")
            x.answer(error_response(x, 500, _bug(x)))
        self._heads(x)
        await self._send(x, reply, watched)

    def _route(self, x: Exchange, snapshot: Snapshot) -> Entry | None:
        request = x.request
        if request.method == "OPTIONS" and answers_options(x, snapshot):
            return None
        entry, params, allowed = snapshot.table.find(request.method, request.host, request.path)
        if entry is None and request.method == "OPTIONS":
            entry, params = preflight(x, snapshot)
            x.preflight = entry is not None
        if entry is not None:
            x.route = entry.info
            x.params = params
            x.dialect = entry.program.dialect
            return entry
        if not snapshot.table.knows(request.method):
            x.end(error_response(x, 501, f"No route here knows {request.method}."))
        elif allowed:
            x.end(error_response(x, 405, f"{request.path} does not answer {request.method}."))
            assert x.response is not None
            x.response.headers.set(b"allow", ", ".join(sorted(allowed)).encode())
        else:
            x.end(error_response(x, 404, f"No route answers {request.method} {request.path}."))
        return None

    async def _run(self, x: Exchange, entry: Entry, snapshot: Snapshot) -> None:
        """The route's program; what it raises becomes the default answer."""
        program = entry.program.run if x.trace is None else entry.program.traced
        try:
            await program(x)
        except ClientGone as gone:
            x.failure, x.outcome = gone, "client_gone"
            raise
        except Failure as failure:
            fault = undeclared(failure, snapshot.steps)
            if fault is None:
                self._refuse(x, failure)
            else:
                self._fault(x, fault.with_traceback(failure.__traceback__))
        except Exception as error:
            self._fault(x, error)

    def _refuse(self, x: Exchange, failure: Failure) -> None:
        x.failure = failure
        message = told(failure)
        response = error_response(x, failure.status_hint, message, kind=failure.kind, record=failure.record)
        for name, value in failure.headers:
            response.headers.add(name, value)
        x.end(response)

    def _fault(self, x: Exchange, error: Exception) -> None:
        """A bug, a plugin's or ours: the client learns a request id, the log learns the policy line."""
        x.failure = error
        cause = error.__cause__ if isinstance(error, HandlerFault) and error.__cause__ is not None else error
        if not isinstance(cause, RehearsalFault):
            log.error("request %s: %s", x.request.id, policy_line(cause), exc_info=error)
        x.end(error_response(x, 500, _bug(x)))

    def _heads(self, x: Exchange) -> None:
        """What lines attached for the head, backwards. One that fails is logged, the others still run."""
        while x.after_head:
            call = x.after_head.pop()
            try:
                call(x)
            except Exception as error:
                log.error("request %s: at the head: %s", x.request.id, policy_line(error), exc_info=error)
                x.failure = error
                x.end(error_response(x, 500, _bug(x)))

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _send(self, x: Exchange, reply: Reply, watched: Watched) -> None:
        response = x.response
        assert response is not None
        _identify(x, response)
        if x.request.http_version[0] != "1" and is_grpc(x.request):
            if x.ended and b"grpc-status" not in response.headers:
                response = as_grpc(response)
            note_status(x, response.headers)
        x.head_sent = True
        try:
            if response.status == 101:
                watched.end()  # the client is read by the tunnel from here on
                await tunnel(x, response, reply)
            elif isinstance(response.body, bytes) and x.filters is None and not x.durable:
                await reply.send(response)
            else:
                await relay(x, response, reply)
        except ClientGone as gone:
            x.failure, x.outcome = x.failure or gone, "client_gone"
        except Failure as fault:
            x.failure = fault
            await self._cut(x, reply, fault.status_hint, "The answer broke off.")
        except Exception as error:
            x.failure = error
            log.error("request %s: while answering: %s", x.request.id, policy_line(error), exc_info=error)
            await self._cut(x, reply, 500, _bug(x))
        else:
            x.outcome = _outcome(x)

    async def _cut(self, x: Exchange, reply: Reply, status: int, message: str) -> None:
        """The answer cannot be completed: an error answer while that is possible, else an aborted connection."""
        if reply.head_sent:
            x.outcome = "cut"
            await reply.abort()
            return
        x.outcome = "failed"
        response = error_response(x, status, message)
        _identify(x, response)
        x.answer(response)
        with suppress(ClientGone):
            await reply.send(response)

    # --- finishing ----------------------------------------------------------------------------------------------------

    async def _finish(self, x: Exchange, reply: Reply) -> None:
        """Closes, `finally`, the row: once, and behind everything else."""
        x.bytes_in, x.bytes_out = x.request.received, reply.bytes_out
        if x.outcome is None:
            x.outcome = ("cut" if reply.head_sent else "failed") if x.failure is not None else "client_gone"
        if x.after_close or x.discard or (x.response is not None and not isinstance(x.response.body, bytes)):
            await self._close(x)
        self._row(x)

    async def _close(self, x: Exchange) -> None:
        """All of it within `FINISH_S`. What hangs beyond that is cancelled, and the rest may do what needs no waiting."""
        bodies = [*(x.discard or ()), *([x.response] if x.response is not None else ())]
        deadline = trio.current_time() + FINISH_S
        while bodies or x.after_close:
            with trio.CancelScope(shield=True, deadline=deadline) as scope:
                while bodies:
                    await _guarded(x, bodies.pop().aclose)
                while x.after_close:
                    await _guarded(x, x.after_close.pop(), x)
            if scope.cancelled_caught:
                log.error("request %s: at the close: not done within %g s, and given up", x.request.id, FINISH_S)

    def _row(self, x: Exchange) -> None:
        """The row, to the log and to whoever listens; a durable one is in the log already."""
        row = row_of(x)
        calls = self.node.stores.calls
        if calls is not None and not x.logged:
            calls.add(row)
        for sink in self.sinks:
            try:
                sink.add(row)
            except Exception as error:
                log.error("request %s: %r did not take its row", x.request.id, sink, exc_info=error)
        if self.seen is not None:
            self.seen(x)


def _bug(x: Exchange) -> str:
    """All that a client learns of a bug: what to ask us about."""
    return f"Something went wrong here. Request {x.request.id}."


def told(failure: Failure) -> str:
    """What a client learns of a failure. Where an upstream is and what was wrong with it is in the log, not here;
    what an upstream answered itself is its word to the client, and so is what it can never do of what was asked."""
    if not isinstance(failure, UpstreamFault) or failure.passes_on or failure.kind == "upstream.status":
        return failure.message
    return f"{KINDS[failure.kind].title}." if failure.kind in KINDS else failure.message


def _outcome(x: Exchange) -> str:
    """How an exchange that was answered to its end went (SEMANTICS §1.3)."""
    assert x.response is not None
    if x.response.status == 501 and x.route is None:
        return "refused"  # What nobody here knows is the client's to know.
    if x.response.status >= 500 and (x.failure is not None or x.ended):
        return "failed"
    return "refused" if x.ended and x.response.status >= 400 else "ok"


async def _guarded(x: Exchange, call: Callable[..., object], *args: object) -> None:
    """Whatever becomes of this one, the others run."""
    try:
        waits = call(*args)
        if inspect.isawaitable(waits):
            await waits
    except Exception as error:
        log.error("request %s: at the close: %s", x.request.id, policy_line(error), exc_info=error)


def _identify(x: Exchange, response: Response) -> None:
    """The request's id, where clients look for it."""
    identity = x.request.id.encode()
    response.headers.set(b"x-request-id", identity)
    own = getattr(x.dialect, "id_header", None)
    if own is not None:
        response.headers.set(own, identity)
