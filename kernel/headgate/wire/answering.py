"""A handler is run, and whatever it does, its reply ends: whole, as a problem, or visibly cut."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import trio

from headgate.contracts.cancelled import is_cancellation
from headgate.errors import ClientGone, Failure, NodeStopping
from headgate.wire.refusal import problem
from headgate.wire.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.message.headers import Headers, Line
    from headgate.message.request import Client, Request
    from headgate.message.response import Response
    from headgate.wire.handler import Exchanger
    from headgate.wire.overload import Valve

# How long somebody may take to be told that the node stops.
_LAST_WORD_S = 1.0

logger = logging.getLogger("headgate.wire")


class Answer(Protocol):
    """What both doors' replies have."""

    stage: Stage
    head_sent: bool
    keep_alive: bool

    @property
    def stopping(self) -> bool:
        """Whether the node is about to go, and this answer could still be given."""
        ...

    async def send(self, response: Response) -> None: ...
    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None: ...
    async def write(self, piece: bytes) -> None: ...
    async def end(self, trailers: Iterable[Line] = ()) -> None: ...
    async def abort(self) -> None: ...


async def run_handler(handler: Exchanger, request: Request, client: Client, reply: Answer) -> None:
    """Answer one request. Raises nothing but cancellation."""
    status, detail = 500, "Something went wrong here. The log of this node knows more, by the request id."
    try:
        await handler(request, client, reply)  # type: ignore[arg-type]
        if reply.stage is Stage.ENDED:
            return
        if reply.stage is Stage.CUT:
            await reply.abort()
            return
        logger.error("No complete answer came from the handler: %r, %r", request, reply)
    except ClientGone:
        await reply.abort()
        return
    except Failure as failure:
        status, detail = failure.status_hint, failure.message
    except Exception:
        logger.exception("The handler failed: %r, %r", request, reply)
    except BaseException as error:
        if is_cancellation(error) and reply.stopping and not reply.head_sent:
            with _last_word():
                await _fail(reply, 503, NodeStopping().message, request.id)
        raise
    await _fail(reply, status, detail, request.id)


async def admitted(valve: Valve, reply: Answer, headers: Headers) -> bool:
    """Whether a request may begin while its worker is overloaded; where not, it has its answer. Who still waits for one when
    the node ends is shed, too. ClientGone."""
    try:
        if await valve.admits():
            return True
    except BaseException as error:
        if is_cancellation(error) and reply.stopping:
            valve.shed += 1
            reply.keep_alive = False
            with _last_word(), suppress(ClientGone):
                await reply.send(valve.answer(headers))
        raise
    await reply.send(valve.answer(headers))
    return False


def _last_word() -> trio.CancelScope:
    return trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORD_S)


async def _fail(reply: Answer, status: int, detail: str, request_id: str) -> None:
    if reply.head_sent or reply.stage is Stage.CUT:
        await reply.abort()
        return
    reply.keep_alive = False
    await answer_problem(reply, status, detail, request_id)


async def answer_problem(reply: Answer, status: int, detail: str, request_id: str) -> None:
    """Send a whole problem document, if there is still somebody to send it to."""
    lines, body = problem(status, detail, request_id)
    if status == 503:
        lines.append((b"retry-after", b"1"))
    with suppress(ClientGone):
        await reply.head(status, lines, len(body))
        await reply.write(body)
        await reply.end()
