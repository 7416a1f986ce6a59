"""A question that a step asks for its own purposes (see `Asks`): its answer goes to the step, not to the client.

It is paid for like any other try, and stands among the attempts. Whom the exchange was served by, it does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from headgate.api import Exchange, Failure, Response, Served
from headgate.api.ai import Answer, Chat, Garbled
from headgate_ai.asking import Asked, Question, ask, end, timeouts, within
from headgate_ai.failures import broken, too_late

if TYPE_CHECKING:
    from headgate_ai.models import Model

# What a step wants to know is short.
_ANSWER_BYTES: Final = 1 << 20


async def ask_for(model: Model, ctx: Exchange, chat: Chat, timeout: float) -> Answer:
    """See `Asks.ask`."""
    question = Question(ctx, chat, timeouts(timeout, timeout, timeout))
    served = ctx.served
    before = None if served is None else (served.target, served.model, served.provider)
    try:
        asked, response = await ask(question, model)
    finally:
        _as_it_was(ctx.served, before)
    try:
        return await _in_time(asked, response, within(question, asked), timeout)
    except BaseException as error:
        fault = broken(model, f"answered {error}") if isinstance(error, Garbled) else error
        end(asked, fault.kind if isinstance(fault, Failure) else "cut")
        raise fault from None
    finally:
        with trio.CancelScope(shield=True):
            await response.aclose()


async def _in_time(asked: Asked, response: Response, left: float, timeout: float) -> Answer:
    with trio.move_on_after(left):
        return await _answer(asked, response)
    raise too_late(asked.model, timeout)


async def _answer(asked: Asked, response: Response) -> Answer:
    data = await _whole(asked.model, response)
    answer = asked.model.dialect.answer(data)
    asked.settle(answer.counted or asked.estimate(len(data)))
    asked.note("ok")
    return answer


async def _whole(model: Model, response: Response) -> bytes:
    """The body. UpstreamFault where it is larger than an answer to a step can be."""
    body = response.body
    if isinstance(body, bytes):
        return body
    data = b""
    while piece := await body.read():
        data += piece
        if len(data) > _ANSWER_BYTES:
            raise broken(model, f"answered with more than {_ANSWER_BYTES} bytes")
    return data


def _as_it_was(served: Served | None, before: tuple[str | None, str | None, str | None] | None) -> None:
    if served is not None:
        served.target, served.model, served.provider = before or (None, None, None)
