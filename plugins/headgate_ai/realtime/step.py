"""The step `ai.realtime`: the handshake of a session.

1. Of the client's handshake nothing travels but what WebSocket needs, `openai-beta`, and subprotocols that hold no
   credential. Browsers put their key into one (`openai-insecure-api-key.…`): it stays here.
2. No extension is agreed on, so nothing is compressed: what is said can be counted.
3. A key of the provider's that is limited or invalid is no failure while the model has another, as in a chat.
4. Whoever limits the line is asked whether one answer would fit, before the provider is asked for a session.
"""

from __future__ import annotations

import base64
import os
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from headgate.api import (
    BEFORE_RESPONSE,
    Attempt,
    ClientFault,
    Duration,
    Exchange,
    Failure,
    Line,
    Outgoing,
    Response,
    Served,
    Site,
    Text,
    Timeouts,
    Tunnel,
    render_query,
    reserve_all,
    step,
)
from headgate_ai.asking import timeouts, unsupported
from headgate_ai.chatting import LONGEST_NAME, told
from headgate_ai.choosing import first_that_can, fits
from headgate_ai.failures import KeyFault, Refused, broken, refused
from headgate_ai.models import Model
from headgate_ai.naming import chosen
from headgate_ai.providers import ECHO
from headgate_ai.realtime.session import Session
from headgate_ai.realtime.turns import bound_of
from headgate_ai.referring import Policy
from headgate_ai.showing import show_key, sign

_DIALECTS: Final = ("openai", "openai-responses")
_PROTOCOL: Final = b"sec-websocket-protocol"
# How browsers show a key and an account: https://platform.openai.com/docs/guides/realtime-websocket
_CREDENTIALS: Final = (b"openai-insecure-api-key.", b"openai-organization.", b"openai-project.")
# What of a handshake comes back.
_TOLD: Final = (b"upgrade", b"sec-websocket-accept", _PROTOCOL)


def _prepare(site: Site, *, model: object = None, **more: Any) -> None:
    """ValueError where the line cannot be met by a WebSocket, or its models do not fit."""
    if not site.websocket:
        raise ValueError(
            "its route takes no WebSockets, and a realtime session is one",
            "say so in the route's line: `route realtime GET /v1/realtime websocket=true { … }`",
        )
    for one in model if isinstance(model, list) else [model]:
        if isinstance(one, Model) and (why := _unable(one)) is not None:
            raise ValueError(f"`{one.resource}` ({one.label}) has no realtime sessions: {why}")
    fits(site, model=model)


@step(
    "ai.realtime", hinge=True, effect="upstream", raises=("upstream.*", "ai.*", "request.*"), phase=BEFORE_RESPONSE,
    prepare=_prepare,
)  # fmt: skip
async def ai_realtime(
    ctx: Exchange,
    model: Model | list[Model] | Text,
    /,
    *,
    from_: list[Text] | None = None,
    references: Policy = "own",
    timeout: Duration = 30.0,
    idle: Duration = 300.0,
    total: Duration | None = None,
) -> None:
    """Open a realtime session with a model, and pass its WebSocket on until it ends. The route says `websocket=true`.

    Of several models the next is asked when one fails. A text is the name of a model, which has to be among those of
    `from`, and so has the one that transcribes what the session hears:
    `ai.realtime request.query["model"] ?? "gpt-realtime" from=key.models`.
    Every answer is counted, and what limits the line (`budget`, `limit.tokens`) sets the most that it can use aside before
    it begins; when that is refused, the session is closed with 1008. A prompt that the provider holds is refused, or with
    `references=any` used. `timeout` bounds the handshake, `idle` the silence of
    both, `total` the session.
    """
    models = chosen(ctx, model, from_, "ai.realtime")
    ctx.note("model_asked", (ctx.request.query_value("model") or "")[:LONGEST_NAME])
    request = ctx.request
    if request.upgrade != "websocket":
        message = "A realtime session is a WebSocket: ask for one, with `upgrade: websocket`."
        lines = [(b"upgrade", b"websocket")]
        raise ClientFault("request.invalid", message, status=426, headers=lines)
    allowed = None if from_ is None else frozenset(from_)
    await first_that_can(models, partial(_open, ctx, timeouts(timeout, idle, total), allowed, references))


async def _open(
    ctx: Exchange, times: Timeouts, allowed: frozenset[str] | None, references: Policy, model: Model
) -> None:
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.model, served.provider = model.where, model.name, model.provider.name
    if (why := _unable(model)) is not None:
        raise unsupported(model, why, "model")
    meters = list(ctx.meters or ())
    for hold in await reserve_all(meters, bound_of(model, None, None)):
        hold.release()
    response = await _shaken(ctx, served, model, times)
    body = response.body
    if not isinstance(body, Tunnel) or b"sec-websocket-extensions" in response.headers:
        await response.aclose()
        raise broken(model, "did not accept the WebSocket as it was asked for")
    session = Session(ctx, model, body, meters, allowed, references)
    ctx.on_close(partial(_over, session, len(served.attempts) - 1))
    lines = [(name, value) for name, value in response.headers if name in _TOLD]
    ctx.answer(Response(101, [*lines, *told(model, response.headers)], session))


def _over(session: Session, place: int, ctx: Exchange) -> None:
    """The last byte has passed: what is open is settled, and the attempt says what all of it cost."""
    session.end()
    assert ctx.served is not None
    attempts, refusal = ctx.served.attempts, session.refusal
    attempts[place] = replace(attempts[place], cost=session.cost)
    if refusal is not None:
        attempts[place] = replace(attempts[place], result=refusal.kind, why=refusal.message)
        ctx.failure = ctx.failure or refusal


def _unable(model: Model) -> str | None:
    """Why a model has no sessions."""
    if model.provider.name == ECHO or model.dialect.name not in _DIALECTS:
        return "Its provider has no realtime API that is spoken here."
    return None if model.kind in (None, "realtime") else "It is no realtime model."


async def _shaken(ctx: Exchange, served: Served, model: Model, times: Timeouts) -> Response:
    """An answer of 101, by the first key that gets one. UpstreamFault."""
    clock, keys, tried = ctx.node.clock, model.keys, set[int]()
    while True:
        place = keys.choose(clock.monotonic(), tried)
        if place is not None:
            tried.add(place)
        try:
            return await _tried(ctx, served, model, times, place)
        except (Refused, KeyFault) as fault:
            state, wait_s = (fault.key, fault.wait_s) if isinstance(fault, Refused) else ("invalid", None)
            if place is None:
                raise
            keys.learn(place, state, clock.monotonic(), wait_s)
            if state == "ok" or not keys.fine(clock.monotonic(), tried):
                raise


async def _tried(ctx: Exchange, served: Served, model: Model, times: Timeouts, place: int | None) -> Response:
    """Ask once, with that key; an attempt. Refused, KeyFault, UpstreamFault."""
    clock = ctx.node.clock
    began, result, status, why = clock.monotonic(), "cut", None, None
    try:
        response = await _sent(ctx, model, times, place)
        status, result = response.status, "ok"
        if status == 101:
            return response
        result = str(status)
        try:
            raise await refused(model, response, clock.time())
        finally:
            await response.aclose()
    except Failure as fault:
        result, why = fault.kind if status is None else result, fault.message
        raise
    finally:
        key = None if place is None else model.keys.secrets[place].name
        took = clock.monotonic() - began
        served.attempts.append(
            Attempt(target=model.label, result=result, duration_s=took, key=key, status=status, why=why)
        )


async def _sent(ctx: Exchange, model: Model, times: Timeouts, place: int | None) -> Response:
    node = ctx.node
    path = b"/realtime?" + render_query([("model", model.name)])
    lines = [*(line for line in model.headers if line[0] != b"accept-encoding"), *_handshake(ctx)]
    outgoing = Outgoing("GET", path, lines, resource=model.faked_as, upgrade="websocket")
    if place is not None and (key := show_key(model, place, outgoing, node)) is not None:
        await sign(model, place, key, outgoing, node)
    return await node.transport.send(model.target, outgoing, times)


def _handshake(ctx: Exchange) -> list[Line]:
    """What of the client's handshake goes on. HTTP/2's has no key of its own."""
    headers = ctx.request.headers
    key = headers.get(b"sec-websocket-key") or base64.b64encode(os.urandom(16))
    lines = [(b"sec-websocket-version", b"13"), (b"sec-websocket-key", key)]
    if (beta := headers.get(b"openai-beta")) is not None:
        lines.append((b"openai-beta", beta))
    offered = [one.strip() for line in headers.all(_PROTOCOL) for one in line.split(b",")]
    kept = [one for one in offered if one and not one.lower().startswith(_CREDENTIALS)]
    if kept:
        lines.append((_PROTOCOL, b", ".join(kept)))
    return lines
