"""`ai.chat`: send the chat that was read to a model, and answer with what it says, in the client's own dialect.

1. Between the same dialect the answer passes as it came, unless a filter changes something in it. Between two, it is read
   and written again: a whole answer whole, a stream event by event.
2. A whole answer is read before its head is decided: counts, cost, and whether it is an answer at all, are known then.
3. A streamed answer is decided with its first content (see `relaying`), and counted at its end.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Literal, cast

import msgspec
import trio

from headgate.api import (
    BEFORE_RESPONSE,
    Body,
    BytesBody,
    Duration,
    Exchange,
    Failure,
    Headers,
    Line,
    PluginFault,
    Response,
    StoreError,
    Text,
    step,
)
from headgate.api.ai import Chat, Garbled, Inbound, Keeping, Remembers, answer_filters
from headgate_ai.asking import ask, timeouts, within
from headgate_ai.attempts import Asked, end
from headgate_ai.choosing import first_that_can, fits
from headgate_ai.claiming import Named, id_in
from headgate_ai.counting import count_with, wants_count
from headgate_ai.failures import broken, too_late, without_key
from headgate_ai.flows import Flow, Passed, Told
from headgate_ai.models import Model
from headgate_ai.naming import chosen
from headgate_ai.questions import Question
from headgate_ai.reading import CHAT, dialect_of, owner_of
from headgate_ai.referring import Policy, account_of, pinned
from headgate_ai.relaying import Relay
from headgate_ai.whole import whole_body

log = logging.getLogger("headgate.ai")

# Of the model that a client named, what is kept in the row; providers' names have some fifty characters.
LONGEST_NAME: Final = 200
# Streams of every provider that has them: server-sent events, and AWS's own.
_STREAMS: Final = (b"text/event-stream", b"application/vnd.amazon.eventstream")
# What of a provider's answer is told, and under which name. Its rate limits and its organisation are the operator's.
_TOLD: Final = (b"x-request-id", b"request-id", b"x-amzn-requestid")


@step(
    "ai.chat", hinge=True, effect="upstream", needs="chat", raises=("upstream.*", "ai.*", "guard.*"), phase=BEFORE_RESPONSE,
    prepare=fits,
)  # fmt: skip
async def ai_chat(
    ctx: Exchange,
    model: Model | list[Model] | Text,
    /,
    *,
    from_: list[Text] | None = None,
    unknown: Literal["drop", "refuse"] = "drop",
    references: Policy = "own",
    timeout: Duration = 60.0,
    idle: Duration = 60.0,
    total: Duration | None = None,
) -> None:
    """Ask a model, and answer with what it says: whole, or as a stream if the client asked for one.

    Of several models the next is asked when one fails or cannot do what the chat wants. A text is the name of a model, as
    `headgate models` lists them, which has to be among those of `from`: `ai.chat chat.model from=key.models`. A parameter that the model's
    provider has no word for is left out, and named in the row of the call; or with `unknown=refuse` it is a failure.
    A file that the chat refers to by its id has to be one that the caller's team made through `ai.forward`; conversations,
    items, vector stores and containers that the provider holds are refused, for they may be another team's. With
    `references=any` all of that passes.
    Where the client asks for a count (`:countTokens`, `/count_tokens`) it gets one, as by `ai.count`.
    `timeout` bounds the time to the first content of a stream, or to the end of a whole answer; `idle` the silence
    between pieces; `total` all of it.
    """
    chat: Chat | None = ctx.recall(CHAT)
    if chat is None:
        raise PluginFault("`ai.chat` has no chat: `read.chat` was faked, or did not run.", plugin="ai")
    ctx.note("model_asked", chat.asked()[:LONGEST_NAME])
    question = Question(ctx, chat, timeouts(timeout, idle, total), refuses_unknown=unknown == "refuse")
    models = chosen(ctx, model, from_, "ai.chat")
    if wants_count(ctx, chat):
        await count_with(ctx, chat, models, timeout, references=references)
    else:
        await first_that_can(models, partial(answer_with, question, references))


async def answer_with(question: Question, references: Policy, model: Model) -> None:
    """Answer the exchange with what the model says. UpstreamFault, and what limits raise."""
    place = None if question.plain else await pinned(question, question.chat, model, references)
    asked, response = await ask(question, model, place)
    try:
        there = isinstance(response.body, bytes)
        answer = await (_answer if there else _in_time)(question, asked, response)
    except BaseException as error:
        await response.aclose()
        fault = broken(model, f"answered {error}") if isinstance(error, Garbled) else error
        end(asked, fault.kind if isinstance(fault, Failure) else "cut", fault)
        raise fault from None
    asked.note("ok")
    question.ctx.answer(answer)


async def _in_time(question: Question, asked: Asked, response: Response) -> Response:
    """The answer, if what is left of the time to the head is enough for it."""
    with trio.move_on_after(within(question, asked)):
        return await _answer(question, asked, response)
    raise too_late(asked.model, question.timeouts.head_s or 0.0)


async def _answer(question: Question, asked: Asked, response: Response) -> Response:
    """The answer for the client. UpstreamFault where it is none."""
    chat, model = question.chat, asked.model
    headers = told(model, response.headers)
    kind = (response.headers.get(b"content-type") or b"").lower()
    streams = kind.startswith(_STREAMS)
    if streams != chat.stream:
        wanted, got = ("a stream", "none") if chat.stream else ("a whole answer", "a stream")
        raise broken(model, f"was asked for {wanted} and gave {got}")
    inbound = dialect_of(question.ctx, chat)
    own = model.dialect.name == chat.dialect
    if streams:
        lines = [(b"content-type", inbound.stream_type(chat)), *headers, (b"cache-control", b"no-cache")]
        return Response(200, lines, await _relay(question, asked, response, inbound, own=own))
    keeping = None if own else _keeping(question, inbound)
    came = await whole_body(model, response.body)
    data = _whole(question, asked, came, inbound, keeping, own=own)
    if keeping is not None:
        await _keep(keeping)
    elif own and _claims(question, inbound):
        await _claim(question, asked, cast("Remembers", inbound), id_in(came))
    return Response(200, [(b"content-type", b"application/json"), *headers], data)


def _keeping(question: Question, inbound: Inbound) -> Keeping | None:
    """What keeps the answer of a provider of another dialect, for clients who refer to it later."""
    # To ask a protocol by `isinstance` costs as much as to write the request.
    if not hasattr(inbound, "keeping"):
        return None
    return cast("Remembers", inbound).keeping(question.chat, question.ctx, owner_of(question.ctx))


async def _keep(keeping: Keeping) -> None:
    """Keep an answer. One that cannot be kept is a good answer all the same, and it is paid for."""
    try:
        await keeping.keep()
    except StoreError as error:
        log.error("an answer could not be kept: %s", error)


def _claims(question: Question, inbound: Inbound) -> bool:
    """Whether a provider of the same dialect keeps the answer, for clients who refer to it later. What is not to be stored,
    is not."""
    return hasattr(inbound, "claim") and question.chat.raw().get("store") is not False


async def _claim(question: Question, asked: Asked, inbound: Remembers, ident: str | None) -> None:
    """Note whose an answer is that its provider keeps. See `_keep`."""
    try:
        if ident is not None:
            account = account_of(asked.model, asked.key)
            await inbound.claim(ident, question.ctx, owner_of(question.ctx), account)
    except StoreError as error:
        log.error("an answer could not be claimed: %s", error)


async def _claim_named(question: Question, asked: Asked, inbound: Remembers, named: Named) -> None:
    await _claim(question, asked, inbound, named.id)


def _whole(
    question: Question, asked: Asked, data: bytes, inbound: Inbound, keeping: Keeping | None, *, own: bool
) -> bytes:
    """A whole answer in the client's dialect, accounted for. Garbled, and what filters raise."""
    dialect, chat = asked.model.dialect, question.chat
    filters = [*answer_filters(question.ctx), *([keeping] if keeping is not None else ())]
    if own and not filters:
        asked.settle_whole(dialect.count(data), len(data))
        return data
    answer = dialect.answer(data)
    asked.settle_whole(answer.counted, len(data))
    came = msgspec.msgpack.encode(answer)
    for one in filters:
        one.whole(answer)
    if own and msgspec.msgpack.encode(answer) == came:
        return data
    return inbound.render(answer, chat, question.ctx.node.clock.time())


async def _relay(question: Question, asked: Asked, response: Response, inbound: Inbound, *, own: bool) -> Relay:
    ctx, model = question.ctx, asked.model
    clock = ctx.node.clock
    first = 0.0

    def settle(flow: Flow, fault: Failure | None, *, whole: bool) -> None:
        if whole:
            asked.settle_whole(flow.counted, flow.relayed_bytes)
        else:
            asked.settle_guessed(flow.counted, flow.relayed_bytes)
        end(asked, "ok" if whole else "cut", fault)
        took = clock.monotonic() - first
        if first and took > 0 and asked.answered_tokens:
            ctx.note("tokens_per_s", round(asked.answered_tokens / took, 1))

    body: Body = response.body if not isinstance(response.body, bytes) else BytesBody(response.body)
    keeping = None if own else _keeping(question, inbound)
    flow = _flow(question, asked, inbound, keeping, own=own)
    at_end: Callable[[], Awaitable[None]] | None = partial(_keep, keeping) if keeping is not None else None
    if own and _claims(question, inbound):
        body = named = Named(body)
        at_end = partial(_claim_named, question, asked, cast("Remembers", inbound), named)
    relay = Relay(body, flow, settle, partial(broken, model), partial(without_key, model), at_end)
    try:
        await relay.begin()
    except BaseException:
        # Nothing was relayed; our caller closes the response and ends the try. What the provider said by then, counts.
        asked.said, asked.seen_bytes = flow.counted, flow.relayed_bytes
        raise
    first = clock.monotonic()
    ctx.note("ttft_s", round(first - asked.began, 6))
    return relay


def _flow(question: Question, asked: Asked, inbound: Inbound, keeping: Keeping | None, *, own: bool) -> Flow:
    dialect, chat, hides = asked.model.dialect, question.chat, asked.written.hides_counts
    filters = [one.stream() for one in answer_filters(question.ctx)]
    if keeping is not None:
        filters.append(keeping.stream())
    if own and not filters and hasattr(dialect, "passing"):
        return Passed(dialect.passing(hides_counts=hides, choices=asked.written.choices), inbound)
    writer = inbound.writer(chat, question.ctx.node.clock.time())
    return Told(dialect.reader(), writer, filters, own=own, hides_counts=hides)


def told(model: Model, given: Headers) -> list[Line]:
    """What of a provider's lines the client is told."""
    for name in _TOLD:
        value = given.get(name)
        if value is not None:
            return [(b"x-upstream-request-id", without_key(model, value))]
    return []
