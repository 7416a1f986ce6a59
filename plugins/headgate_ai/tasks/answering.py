"""`ai.task`: send the job that was read to a model, and answer with what it made, in the client's own dialect.

1. Between the same dialect the answer passes as it came; sound and streams in pieces, as they come.
2. Between two it is read whole and written again.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

import trio

from headgate.api import BEFORE_RESPONSE, Body, Duration, Exchange, Failure, PluginFault, Response, step
from headgate.api.ai import Came, Counted, Garbled, Job, Made, TaskIn
from headgate_ai.asking import ask, timeouts, within
from headgate_ai.attempts import Asked, end
from headgate_ai.chatting import LONGEST_NAME, told
from headgate_ai.choosing import first_that_can, fits
from headgate_ai.failures import broken, too_late
from headgate_ai.models import Model
from headgate_ai.naming import chosen
from headgate_ai.tasks.estimates import used
from headgate_ai.tasks.pieces import Pieces
from headgate_ai.tasks.question import JobQuestion
from headgate_ai.tasks.reading import JOB
from headgate_ai.whole import whole_body

_IN_PIECES: Final = (b"text/event-stream", b"audio/", b"application/octet-stream")


@step(
    "ai.task", hinge=True, effect="upstream", needs="task", raises=("upstream.*", "ai.*"), phase=BEFORE_RESPONSE,
    prepare=fits,
)  # fmt: skip
async def ai_task(
    ctx: Exchange,
    model: Model | list[Model] | str,
    /,
    *,
    from_: list[str] | None = None,
    unknown: Literal["drop", "refuse"] = "drop",
    timeout: Duration = 60.0,
    idle: Duration = 60.0,
    total: Duration | None = None,
) -> None:
    """Ask a model for what the client wants, and answer with what it makes.

    A text is the name of a model, as in `ai.chat`: `ai.task job.model from=key.models`. Of several models the next is asked when one fails or does nothing of the kind. A parameter that the model's
    provider has no word for is left out, and named in the row of the call; or with `unknown=refuse` it is a failure.
    `timeout` bounds the time to the first piece of sound or of a stream, or to the end of a whole answer; `idle` the
    silence between pieces; `total` all of it.
    """
    kept: tuple[Job, TaskIn] | None = ctx.recall(JOB)
    if kept is None:
        raise PluginFault("`ai.task` has no job: `read.task` was faked, or did not run.", plugin="ai")
    job, task = kept
    ctx.note("model_asked", job.asked()[:LONGEST_NAME])
    ctx.note("task", job.kind)
    question = JobQuestion(ctx, job, timeouts(timeout, idle, total), unknown == "refuse")
    models = chosen(ctx, model, from_, "ai.task")
    await first_that_can(models, partial(_answer_with, question, task))


async def made_by(question: JobQuestion, model: Model) -> Made:
    """What the model makes, accounted for: for a line that goes on with it. UpstreamFault, and what limits raise."""
    asked, response = await ask(question, model)
    try:
        made = await _in_time(question, asked, response)
    except BaseException as error:
        await response.aclose()
        raise _failed(asked, error) from None
    asked.note("ok")
    return made


async def _in_time(question: JobQuestion, asked: Asked, response: Response) -> Made:
    with trio.move_on_after(within(question, asked)):
        came = await _came(asked, response)
        made = question.out.read(question.job, came)
        asked.settle(used(question.job, asked.model.prices, made.counted))
        return made
    raise too_late(asked.model, question.timeouts.head_s or 0.0)


async def _answer_with(question: JobQuestion, task: TaskIn, model: Model) -> None:
    asked, response = await ask(question, model)
    try:
        answer = await _answer_in_time(question, task, asked, response)
    except BaseException as error:
        await response.aclose()
        raise _failed(asked, error) from None
    if isinstance(answer.body, bytes):
        asked.note("ok")
    question.ctx.answer(answer)


async def _answer_in_time(question: JobQuestion, task: TaskIn, asked: Asked, response: Response) -> Response:
    with trio.move_on_after(within(question, asked)):
        return await _answer(question, task, asked, response)
    raise too_late(asked.model, question.timeouts.head_s or 0.0)


def _failed(asked: Asked, error: BaseException) -> BaseException:
    fault = broken(asked.model, f"answered {error}") if isinstance(error, Garbled) else error
    end(asked, fault.kind if isinstance(fault, Failure) else "cut", fault)
    return fault


async def _answer(question: JobQuestion, task: TaskIn, asked: Asked, response: Response) -> Response:
    """The answer for the client, accounted for. Garbled, UpstreamFault."""
    job, out = question.job, question.out
    headers = told(asked.model, response.headers)
    kind = response.headers.get(b"content-type") or b"application/json"
    own = job.as_it_came(out.dialect)
    if own and kind.lower().startswith(_IN_PIECES) and not isinstance(response.body, bytes):
        pieces = await _pieces(question, asked, response.body, kind)
        return Response(200, [(b"content-type", kind), *headers], pieces)
    came = await _came(asked, response)
    if own:
        asked.settle(used(job, asked.model.prices, out.count(job, came)))
        return Response(200, [(b"content-type", kind), *headers], came.data)
    made = out.read(job, came)
    asked.settle(used(job, asked.model.prices, made.counted))
    rendered = task.render(job, made, question.ctx.node.clock.time())
    return Response(200, [(b"content-type", rendered.content_type.encode()), *headers], rendered.data)


async def _came(asked: Asked, response: Response) -> Came:
    kind = response.headers.text("content-type") or "application/json"
    return Came(await whole_body(asked.model, response.body), kind)


async def _pieces(question: JobQuestion, asked: Asked, body: Body, kind: bytes) -> Pieces:
    """The answer as it comes, with its first piece there."""
    job, prices = question.job, asked.model.prices

    def settle(usage: bytes | None, *, whole: bool) -> None:
        counted = None if usage is None else _counted(question, usage)
        if counted is not None or whole or prices.unit != "token":
            asked.settle(used(job, prices, counted))
        end(asked, "ok" if whole else "cut")

    events = kind.lower().startswith(b"text/event-stream")
    pieces = Pieces(body, settle, question.ctx.dialect if events else None)
    await pieces.begin()
    return pieces


def _counted(question: JobQuestion, usage: bytes) -> Counted | None:
    try:
        return question.out.count(question.job, Came(usage, "application/json"))
    except Garbled:
        return None
