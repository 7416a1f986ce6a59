"""One question to one model: written, paid for, sent, and judged by its answer.

1. Of the client's request nothing travels but what is asked: no header line, no credential, no address. Of the provider's
   answer come back the body, its type, and the provider's request id under a name of its own.
2. Every limit around the line reserves a bound before the first byte of each try, and is told what was used at its end
   (see `attempts`).
3. A key that is limited, out of credit or invalid is no failure while the model has another.
4. Whatever fails before the head is an UpstreamFault: another line may try another model. An error of the provider keeps
   its message, its retry-after, and its status where the client can do something about it.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from headgate.api import (
    Bound,
    Failure,
    FakeChat,
    Outgoing,
    Response,
    Served,
    Timeouts,
    Transport,
    UpstreamFault,
    reserve_all,
)
from headgate.api.ai import Unsupported, Written
from headgate_ai.attempts import Asked, end, unsent
from headgate_ai.echo import said_to
from headgate_ai.failures import KeyFault, Refused, refused, waiting
from headgate_ai.providers import ECHO
from headgate_ai.questions import Asking
from headgate_ai.showing import show_key, sign

if TYPE_CHECKING:
    from headgate_ai.models import Model

_CONNECT_S: Final = 5.0


async def ask(question: Asking, model: Model, pinned: int | None = None) -> tuple[Asked, Response]:
    """The head of an answer with status 200, and the try that it belongs to, which the caller ends. With `pinned` no other
    key than this is used. UpstreamFault."""
    ctx = question.ctx
    tried = set[int]() if pinned is None else set(range(len(model.keys.secrets))) - {pinned}
    while True:
        place = model.keys.choose(ctx.node.clock.monotonic(), tried)
        asked = _prepared(question, model)
        if ctx.meters:
            await _reserve(asked)
        if place is not None:
            tried.add(place)
        try:
            response = await _sent(question, asked, place)
            asked.status = response.status
            if response.status == 200:
                return asked, response
            asked.answered(response.status)
            fault = await _judged(asked, response, place)
        except UpstreamFault as failed:
            end(asked, failed.kind, failed)
            if isinstance(failed, KeyFault) and place is not None:
                now = ctx.node.clock.monotonic()
                model.keys.learn(place, "invalid", now)
                if model.keys.fine(now, tried):
                    continue
            raise
        except BaseException:
            end(asked, "cut")
            raise
        end(asked, str(response.status), fault)
        if place is None or fault.key == "ok" or not model.keys.fine(ctx.node.clock.monotonic(), tried):
            raise fault


def _prepared(question: Asking, model: Model) -> Asked:
    """The request, written, and what it can cost at most."""
    ctx = question.ctx
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.model, served.provider = model.where, model.name, model.provider.name
    missing = question.missing(model)
    if missing is not None:
        raise unsupported(model, missing.message, missing.where)
    meters = ctx.meters
    cap = min((meter.cap for meter in meters if meter.cap is not None), default=None) if meters else None
    try:
        written = question.write(model, cap)
    except Unsupported as error:
        raise unsupported(model, error.message, error.where) from None
    if written.dropped and question.refuses_unknown:
        names = ", ".join(f"`{name}`" for name in written.dropped)
        raise unsupported(model, f"It does not know {names}.", written.dropped[0])
    if written.dropped:
        ctx.note("dropped", list(written.dropped))
    bound = question.bound(model, cap) if meters else _unlimited(model.label)
    return Asked(ctx, model, question, written, ctx.node.clock.monotonic(), bound)


# Of a try that nobody limits.
_unlimited: Final = lru_cache(Bound)


async def _reserve(asked: Asked) -> None:
    """Paid for: every limit has set the bound aside."""
    ctx = asked.ctx
    try:
        asked.holds = await reserve_all(ctx.meters, asked.bound)
    except Failure as refusal:
        assert ctx.served is not None
        ctx.served.attempts.append(unsent(asked.model.label, refusal))
        raise


def unsupported(model: Model, message: str, where: str) -> UpstreamFault:
    """This model cannot do it; another one may."""
    record = {"where": where} if where else {}
    return UpstreamFault(
        "ai.unsupported", f"{model.resource} cannot do this: {message}", status=400, sent=False, record=record,
        passes_on=True,
    )  # fmt: skip


async def _sent(question: Asking, asked: Asked, place: int | None) -> Response:
    """The head of the answer."""
    ctx, model, written = question.ctx, asked.model, asked.written
    node = ctx.node
    outgoing = Outgoing("POST", written.path, [*model.headers, *written.headers], written.body, resource=model.faked_as)
    if place is not None:
        asked.key = model.keys.secrets[place].name
        if (key := show_key(model, place, outgoing, node)) is not None:
            await sign(model, place, key, outgoing, node)
    way = model.transport or node.transport
    if node.rehearsing:
        way = _faking(question, model, outgoing, written)
    try:
        return await way.send(model.target, outgoing, question.timeouts)
    except UpstreamFault as fault:
        outgoing.sent = fault.sent
        raise
    finally:
        asked.sent = outgoing.sent


async def _judged(asked: Asked, response: Response, place: int | None) -> Refused:
    """What an answer that is none says, and what it says of the key."""
    clock, keys = asked.ctx.node.clock, asked.model.keys
    try:
        fault = await refused(asked.model, response, clock.time())
    finally:
        await response.aclose()
    if place is not None:
        keys.learn(place, fault.key, clock.monotonic(), fault.wait_s)
        if fault.key == "limited" and len(keys.secrets) > 1:
            fault.headers = waiting(keys.wait_s(clock.monotonic()))
    return fault


def _faking(question: Asking, model: Model, outgoing: Outgoing, written: Written) -> Transport:
    """What sends in a rehearsal: what the test gave, or the echo."""
    node = question.ctx.node
    if model.provider.name == ECHO and model.faked_as not in node.fakes:
        # Without a word of the test's the echo is itself; passing it through the fakes lets `sent(…)` see it.
        node.fakes[model.faked_as] = _ITSELF
    outgoing.fake = partial(_play, question, model, written)
    return node.transport


_ITSELF: Final = FakeChat("")


def _play(question: Asking, model: Model, written: Written, fake: object) -> Response:
    assert isinstance(fake, FakeChat)
    return question.play(model, written, said_to(written.body) if fake is _ITSELF else fake)


def within(question: Asking, asked: Asked) -> float:
    """Seconds that are left of the time to the head; for bodies that have to be read before it."""
    limit = question.timeouts.head_s or 0.0
    return max(0.0, limit - (question.ctx.node.clock.monotonic() - asked.began))


@lru_cache
def timeouts(timeout: float, idle: float, total: float | None) -> Timeouts:
    """The times of a line."""
    return Timeouts(min(_CONNECT_S, timeout), timeout, idle, total)
