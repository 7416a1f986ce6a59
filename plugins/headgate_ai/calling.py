"""`ai.chat`: send the chat that was read to a model, and answer with what it says.

1. Of the client's request nothing travels but the chat: no header line, no credential, no address. Of the provider's
   answer come back the body, its type, and the provider's request id under a name of its own.
2. A whole answer is read before its head is decided: counts, cost, and whether it is an answer at all, are known then.
3. A streamed answer is decided with its first content (see `relaying`), and counted at its end.
4. Whatever fails before is an UpstreamFault: another line may try another model. An error of the provider keeps its
   message, its retry-after, and its status where the client can do something about it.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import trio

from headgate.api import (
    BEFORE_RESPONSE,
    Attempt,
    Body,
    ClientFault,
    Duration,
    Exchange,
    FakeChat,
    Headers,
    Line,
    Outgoing,
    PluginFault,
    Response,
    Served,
    Timeouts,
    Transport,
    UpstreamFault,
    step,
)
from headgate_ai.chat import Chat
from headgate_ai.dialects import Garbled, Stream, Written
from headgate_ai.dialects.openai import OPENAI
from headgate_ai.echo import said_to
from headgate_ai.models import Model
from headgate_ai.providers import ECHO
from headgate_ai.reading import CHAT
from headgate_ai.relaying import Relay
from headgate_ai.usage import Counted, tokens_in

# A whole answer with pictures or sound as base64; streams are not bounded, nothing of them is kept.
_ANSWER_BYTES: Final = 64 << 20
# An error that takes more than this to say is a web page.
_ERROR_BYTES: Final = 1 << 16
_CONNECT_S: Final = 5.0
# Of the model that a client named, what is kept in the row; providers' names have some fifty characters.
_LONGEST_NAME: Final = 200
# The provider's statuses that tell the client something about its own request; every other one is ours to mend.
_CLIENTS_OWN: Final = frozenset({400, 413, 422, 429})
_EVENTS: Final = b"text/event-stream"
# What of a provider's answer is told, and under which name. Its rate limits and its organisation are the operator's.
_TOLD: Final = ((b"x-request-id", b"x-upstream-request-id"),)


@step(
    "ai.chat", hinge=True, effect="upstream", needs="chat", raises=("upstream.*",), phase=BEFORE_RESPONSE,
)  # fmt: skip
async def ai_chat(
    ctx: Exchange, model: Model, /, *, timeout: Duration = 60.0, idle: Duration = 60.0, total: Duration | None = None
) -> None:
    """Ask a model, and answer with what it says: whole, or as a stream if the client asked for one.

    `timeout` bounds the time to the first content of a stream, or to the end of a whole answer; `idle` the silence
    between pieces; `total` all of it.
    """
    chat: Chat | None = ctx.recall(CHAT)
    if chat is None:
        raise PluginFault("`ai.chat` has no chat: `read.chat` was faked, or did not run.", plugin="ai")
    clock = ctx.node.clock
    began = clock.monotonic()
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.model, served.provider = str(model.target), model.name, model.provider.name
    ctx.note("model_asked", chat.asked()[:_LONGEST_NAME])
    result = "cut"
    try:
        ctx.answer(await _ask(ctx, model, chat, Timeouts(min(_CONNECT_S, timeout), timeout, idle, total), began))
        result = "ok"
    except UpstreamFault as fault:
        result = str(fault.record.get("upstream_status", fault.kind))
        raise
    finally:
        served.attempts.append(
            Attempt(target=f"{model.provider.name}/{model.name}", result=result, duration_s=clock.monotonic() - began)
        )


async def _ask(ctx: Exchange, model: Model, chat: Chat, timeouts: Timeouts, began: float) -> Response:
    provider = model.provider
    try:
        written = provider.dialect.write(chat, model.name, counts_streams=provider.counts_streams)
    except RecursionError:
        raise ClientFault("request.invalid", "The body is nested too deeply.", status=400) from None
    outgoing = Outgoing(
        "POST", provider.dialect.path, model.headers_for(ctx.node), written.body, resource=model.resource
    )
    response = await _transport(ctx, model, outgoing).send(model.target, outgoing, timeouts)
    try:
        if isinstance(response.body, bytes):
            return await _answer(ctx, model, chat, written, response, began)
        return await _in_time(ctx, model, chat, written, response, began, timeouts.head_s or 0.0)
    except BaseException:
        await response.aclose()
        raise


async def _in_time(
    ctx: Exchange, model: Model, chat: Chat, written: Written, response: Response, began: float, limit_s: float
) -> Response:
    """The answer, if what is left of the time to the head is enough for it."""
    with trio.move_on_after(max(0.0, limit_s - (ctx.node.clock.monotonic() - began))):
        return await _answer(ctx, model, chat, written, response, began)
    raise UpstreamFault(
        "upstream.timeout", f"{model.resource} did not answer within {limit_s:g} s.",
        status=504, record={"target": str(model.target), "phase": "body"},
    )  # fmt: skip


def _transport(ctx: Exchange, model: Model, outgoing: Outgoing) -> Transport:
    """What sends: the node's way out, or the echo. In a rehearsal, what the test gave."""
    node = ctx.node
    if not node.rehearsing:
        return model.transport or node.transport
    if model.provider.name == ECHO and model.resource not in node.fakes:
        # Without a word of the test's the echo is itself; passing it through the fakes lets `sent(…)` see it.
        assert isinstance(outgoing.body, bytes)
        node.fakes[model.resource] = _ITSELF
    outgoing.fake = partial(_play, ctx, model, outgoing)
    return node.transport


_ITSELF: Final = FakeChat("")


def _play(ctx: Exchange, model: Model, outgoing: Outgoing, fake: object) -> Response:
    assert isinstance(outgoing.body, bytes)
    assert isinstance(fake, FakeChat)
    said = said_to(outgoing.body) if fake is _ITSELF else fake
    return model.provider.dialect.render(said, outgoing.body, ctx.node.clock.time())


# --- answers ----------------------------------------------------------------------------------------------------------


async def _answer(
    ctx: Exchange, model: Model, chat: Chat, written: Written, response: Response, began: float
) -> Response:
    """The answer for the client. UpstreamFault where it is none."""
    if response.status != 200:
        raise await _refused(model, response)
    headers = _headers(response.headers)
    streams = (response.headers.get(b"content-type") or b"").lower().startswith(_EVENTS)
    if streams != chat.stream:
        wanted, got = ("a stream", "none") if chat.stream else ("a whole answer", "a stream")
        raise _broken(model, f"was asked for {wanted} and gave {got}")
    if streams:
        return Response(
            200, [*headers, (b"cache-control", b"no-cache")], await _relay(ctx, model, written, response, began)
        )
    data = await _whole(model, response.body)
    try:
        counted = model.provider.dialect.count(data)
    except Garbled as error:
        raise _broken(model, f"answered {error}") from None
    _account(ctx, model, counted or _estimate(written, len(data)))
    return Response(200, headers, data)


async def _relay(ctx: Exchange, model: Model, written: Written, response: Response, began: float) -> Relay:
    clock = ctx.node.clock
    first = 0.0

    def settle(stream: Stream, *, whole: bool) -> None:
        counted = stream.counted or _estimate(written, stream.relayed_bytes)
        _account(ctx, model, counted)
        took = clock.monotonic() - first
        if first and took > 0 and counted.output_tokens:
            ctx.note("tokens_per_s", round(counted.output_tokens / took, 1))

    body = response.body if not isinstance(response.body, bytes) else _Whole(response.body)
    stream = model.provider.dialect.stream(hides_counts=written.hides_counts)
    relay = Relay(body, stream, OPENAI, settle, partial(_broken, model), partial(_without_key, model))
    # What fails here has relayed nothing, so there is nothing to account for; our caller closes the response.
    await relay.begin()
    first = clock.monotonic()
    ctx.note("ttft_s", round(first - began, 6))
    return relay


def _headers(given: Headers) -> list[Line]:
    lines = [(b"content-type", given.get(b"content-type") or b"application/json")]
    for name, told in _TOLD:
        value = given.get(name)
        if value is not None:
            lines.append((told, value))
    return lines


class _Whole:
    """A stream that came in one piece."""

    def __init__(self, data: bytes) -> None:
        self.length: int | None = len(data)
        self._data = data

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    async def aclose(self) -> None:
        self._data = b""


async def _whole(model: Model, body: bytes | Body) -> bytes:
    if isinstance(body, bytes):
        return body
    pieces, size = [], 0
    while piece := await body.read():
        pieces.append(piece)
        size += len(piece)
        if size > _ANSWER_BYTES:
            raise _broken(model, f"answered with more than {_ANSWER_BYTES} bytes")
    return b"".join(pieces)


# --- accounts ---------------------------------------------------------------------------------------------------------


def _account(ctx: Exchange, model: Model, counted: Counted) -> None:
    cost = model.prices.cost(counted)
    ctx.usage = counted.usage(cost)
    if cost is None:
        ctx.note("unpriced", f"{model.provider.name}/{model.name}")


def _estimate(written: Written, answered_bytes: int) -> Counted:
    """Where the provider does not say: from the sizes of what was asked and what was answered."""
    return Counted(input_tokens=tokens_in(len(written.body)), output_tokens=tokens_in(answered_bytes), estimated=True)


# --- failures ---------------------------------------------------------------------------------------------------------


async def _refused(model: Model, response: Response) -> UpstreamFault:
    """An error of the provider, as one of ours."""
    status = response.status
    said = model.provider.dialect.refusal(await _first(response.body))
    if status in (401, 403):
        message = f"{model.resource} refuses the gateway's key ({status}): look at its `key`."
    else:
        message = f"{model.resource} answered with status {status}" + (f": {said.message}" if said else ".")
    wait = response.headers.get(b"retry-after")
    return UpstreamFault(
        "upstream.status",
        _without_key(model, message.encode()).decode(),
        status=status if status in _CLIENTS_OWN else 502,
        record={"upstream_status": status, **(said.fields if said else {})},
        headers=[(b"retry-after", wait)] if wait is not None else (),
    )


async def _first(body: bytes | Body) -> bytes:
    """As much of a body as an error takes."""
    if isinstance(body, bytes):
        return body[:_ERROR_BYTES]
    data = b""
    try:
        while len(data) < _ERROR_BYTES and (piece := await body.read()):
            data += piece
    except UpstreamFault:
        pass  # The status says enough.
    return data


def _without_key(model: Model, said: bytes) -> bytes:
    """Providers have been seen to repeat the key in their errors."""
    key = model.key
    return said.replace(key.reveal().encode(), "…".encode()) if key is not None and key.is_set else said


def _broken(model: Model, why: str) -> UpstreamFault:
    return UpstreamFault(
        "upstream.protocol", _without_key(model, f"{model.resource} {why}.".encode()).decode(),
        record={"target": str(model.target), "phase": "body"},
    )  # fmt: skip
