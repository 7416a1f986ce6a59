"""`read.task`: the client's request for something other than a chat, read once, strictly, into a `Job`.

Which kind of task it is, and in which dialect, the path says (`/v1/embeddings` is OpenAI's); where two dialects share a
path, the line says which (`dialect=`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import trio

from headgate.api import (
    BEFORE_RESPONSE,
    BytesBody,
    ClientFault,
    Const,
    Dialect,
    Exchange,
    Ge,
    NotStrict,
    Size,
    Word,
    read_all,
    step,
)
from headgate.api.ai import Job, Sent, Speaks, TaskIn, task_in
from headgate_ai.reading import LARGE_BYTES, USUAL

# Where `ai.task` finds what `read.task` has read, and who words its answer.
JOB: Final = "ai.job"


def choose(path: str, constants: Mapping[str, Any], dialects: Mapping[str, Speaks]) -> Dialect | None:
    """The dialect of a route: for its errors."""
    found = speaking(path, constants.get("dialect"), dialects)
    speaks = found[0] if found is not None else dialects.get(USUAL)
    return speaks.inbound if speaks is not None else None


def speaking(path: str, name: str | None, dialects: Mapping[str, Speaks]) -> tuple[Speaks, TaskIn] | None:
    """Who reads what is sent to this path; None where nobody does."""
    for speaks in dialects.values():
        task = task_in(speaks.takes, path) if name in (None, speaks.name) else None
        # What shares a path with another is never meant unless it is named.
        if task is not None and (name is not None or not speaks.shares_paths):
            return speaks, task
    return None


@step(
    "read.task", gives=("body", "task"), raises=("request.invalid", "request.too_large"), phase=BEFORE_RESPONSE,
    dialect=choose,
)  # fmt: skip
async def read_task(
    ctx: Exchange, /, *, max: Annotated[Const[Size], Ge(1)] = 32 << 20, dialect: Const[Word | None] = None
) -> Job:
    """Read what a client wants of a model besides a chat: embeddings, a ranking, images, speech, a transcript, a
    moderation. The path says which, and in which dialect, or `dialect` does. At most `max` bytes.

    `job` has `kind`, `model`, `stream` and `inputs` (its texts); `model` can be set until a model is asked.
    """
    request = ctx.request
    coding = request.headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise ClientFault("request.invalid", "The body is encoded; send it without a content-encoding.", status=415)
    found = speaking(request.path, dialect, ctx.node.dialects)
    if found is None:
        raise ClientFault("request.invalid", f"Nothing that a model does is asked for at {request.path}.", status=404)
    speaks, task = found
    ctx.dialect = speaks.inbound
    data = await read_all(request.body, max)
    request.body = BytesBody(data)
    sent = Sent(data, request.headers.text("content-type") or "", request.path)
    try:
        if len(data) > LARGE_BYTES and not ctx.node.rehearsing:
            job = await trio.to_thread.run_sync(task.read, sent)
        else:
            job = task.read(sent)
    except NotStrict as error:
        record = {"where": error.where} if error.where else {}
        raise ClientFault("request.invalid", error.message, status=400, record=record) from None
    ctx.remember(JOB, (job, task))
    return job
