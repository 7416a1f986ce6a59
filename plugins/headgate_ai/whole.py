"""An answer that is wanted whole, for a line that goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from headgate.api import Body, Failure, Response
from headgate.api.ai import Answer, Garbled
from headgate_ai.asking import ask, within
from headgate_ai.attempts import Asked, end
from headgate_ai.failures import broken, too_late
from headgate_ai.questions import Question

if TYPE_CHECKING:
    from headgate_ai.models import Model

# With pictures or sound as base64. Streams are not bounded, nothing of them is kept.
_ANSWER_BYTES: Final = 64 << 20


async def whole_answer(question: Question, model: Model) -> Answer:
    """What the model says, accounted for. UpstreamFault, and what limits raise."""
    asked, response = await ask(question, model)
    try:
        answer = await _in_time(question, asked, response)
    except BaseException as error:
        await response.aclose()
        fault = broken(model, f"answered {error}") if isinstance(error, Garbled) else error
        end(asked, fault.kind if isinstance(fault, Failure) else "cut", fault)
        raise fault from None
    asked.note("ok")
    return answer


async def _in_time(question: Question, asked: Asked, response: Response) -> Answer:
    with trio.move_on_after(within(question, asked)):
        data = await whole_body(asked.model, response.body)
        answer = asked.model.dialect.answer(data)
        asked.settle_whole(answer.counted, len(data))
        return answer
    raise too_late(asked.model, question.timeouts.head_s or 0.0)


async def whole_body(model: Model, body: bytes | Body) -> bytes:
    """All of a body. UpstreamFault where it is too large."""
    if isinstance(body, bytes):
        return body
    pieces, size = [], 0
    while piece := await body.read():
        pieces.append(piece)
        size += len(piece)
        if size > _ANSWER_BYTES:
            raise broken(model, f"answered with more than {_ANSWER_BYTES} bytes")
    return b"".join(pieces)
