"""One question to one model: written, paid for, sent, and judged by its answer.

1. Of the client's request nothing travels but the chat: no header line, no credential, no address. Of the provider's
   answer come back the body, its type, and the provider's request id under a name of its own.
2. Every limit around the line reserves a bound before the first byte of each try, and is told what was used at its end.
   What was refused with a status used nothing. A whole answer that was asked for and never came is settled at its bound:
   nobody here knows what the provider made of it.
3. A key that is limited, out of credit or invalid is no failure while the model has another.
4. Whatever fails before the head is an UpstreamFault: another line may try another model. An error of the provider keeps
   its message, its retry-after, and its status where the client can do something about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.api import (
    Attempt,
    Bound,
    Exchange,
    FakeChat,
    Hold,
    Money,
    Outgoing,
    Response,
    Served,
    Timeouts,
    Transport,
    UpstreamFault,
    Usage,
    reserve_all,
)
from headgate.api.ai import Authorizes, Chat, Counted, Unsupported, Written, tokens_in
from headgate_ai.bounds import bound_of
from headgate_ai.capabilities import judges, lacking
from headgate_ai.echo import said_to
from headgate_ai.failures import refused
from headgate_ai.keys import state_of
from headgate_ai.providers import ECHO

if TYPE_CHECKING:
    from headgate_ai.models import Model

_CONNECT_S: Final = 5.0


@dataclass(slots=True)
class Question:
    """What a line wants asked. `refuses_unknown`: a parameter that the model's dialect cannot say is a failure, not left
    out."""

    ctx: Exchange
    chat: Chat
    timeouts: Timeouts
    refuses_unknown: bool = False


@dataclass(slots=True)
class Asked:
    """One try, while it runs: what was sent, what for, and the accounts that wait for its end."""

    ctx: Exchange
    model: Model
    chat: Chat
    written: Written
    began: float
    bound: Bound
    holds: list[Hold] = field(default_factory=list)
    key: str | None = None
    sent: bool = False
    cost: Money | None = None
    place: int | None = None

    def settle(self, counted: Counted) -> None:
        """What was used, told to everybody who waits for it. Once."""
        cost = self.model.prices.cost(counted)
        self._account(counted.usage(cost))
        if cost is None:
            self.ctx.note("unpriced", self.model.label)

    def note(self, result: str) -> None:
        """Put this try among the attempts; said again, it is corrected."""
        served, clock = self.ctx.served, self.ctx.node.clock
        assert served is not None
        attempt = Attempt(
            target=self.model.label,
            result=result,
            duration_s=clock.monotonic() - self.began,
            cost=self.cost,
            key=self.key,
        )
        if self.place is None:
            self.place = len(served.attempts)
            served.attempts.append(attempt)
        else:
            served.attempts[self.place] = attempt

    def give_up(self) -> None:
        """The try ended without an answer: settled at its bound where it may have been answered, else released."""
        if self.holds and self.sent and not self.chat.stream:
            counted = Counted(input_tokens=tokens_in(len(self.written.body)), estimated=True)
            self._account(counted.usage(self.bound.cost))
        elif self.holds and self.sent:
            self.settle(Counted(input_tokens=tokens_in(len(self.written.body)), estimated=True))
        self.release()

    def release(self) -> None:
        """Nothing was used."""
        holds, self.holds = self.holds, []
        for hold in holds:
            hold.release()

    def _account(self, usage: Usage) -> None:
        holds, self.holds = self.holds, []
        for hold in holds:
            hold.settle(usage)
        self.cost = usage.cost
        self.ctx.usage = usage if self.ctx.usage is None else self.ctx.usage.plus(usage)

    def broken_off(self, counted: Counted | None, answered_bytes: int) -> Counted:
        """Where the answer did not come to its end: what the provider had counted until then may lag behind what came."""
        estimated = self.estimate(answered_bytes)
        if counted is None:
            return estimated
        output = max(counted.output_tokens, estimated.output_tokens)
        return msgspec.structs.replace(counted, output_tokens=output, estimated=True)

    def estimate(self, answered_bytes: int) -> Counted:
        """Where the provider does not say: from the sizes of what was asked and what was answered."""
        return Counted(
            input_tokens=tokens_in(len(self.written.body)), output_tokens=tokens_in(answered_bytes), estimated=True
        )


async def ask(question: Question, model: Model) -> tuple[Asked, Response]:
    """The head of an answer with status 200, and the try that it belongs to, which the caller ends. UpstreamFault."""
    ctx = question.ctx
    tried: set[int] = set()
    while True:
        place = model.keys.choose(ctx.node.clock.monotonic(), tried)
        asked = await _prepared(question, model)
        if place is not None:
            tried.add(place)
        try:
            response = await _sent(question, asked, place)
            if response.status == 200:
                return asked, response
            asked.release()
            fault = await _judged(asked, response, place)
        except UpstreamFault as failed:
            end(asked, failed.kind)
            raise
        except BaseException:
            end(asked, "cut")
            raise
        end(asked, str(response.status))
        now = ctx.node.clock.monotonic()
        if (
            place is None
            or state_of(_status(fault), fault.record.get("code")) == "ok"
            or not model.keys.fine(now, tried)
        ):
            raise fault


def end(asked: Asked, result: str) -> None:
    """A try is over; what it still holds is given up."""
    asked.give_up()
    asked.note(result)


async def _prepared(question: Question, model: Model) -> Asked:
    """The request, written and paid for."""
    ctx, chat = question.ctx, question.chat
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.model, served.provider = str(model.target), model.name, model.provider.name
    missing = lacking(chat, model) if judges(model) else None
    if missing is not None:
        raise unsupported(model, missing.message, missing.where)
    if chat.dialect and model.dialect.name != chat.dialect:
        _refuse_unknown(ctx, chat)
    cap = _cap(ctx, chat)
    if cap is not None:
        chat.max_tokens = cap
    try:
        written = model.dialect.write(chat, model.endpoint)
    except Unsupported as error:
        raise unsupported(model, error.message, error.where) from None
    if written.dropped and question.refuses_unknown:
        names = ", ".join(f"`{name}`" for name in written.dropped)
        raise unsupported(model, f"It does not know {names}.", written.dropped[0])
    if written.dropped:
        ctx.note("dropped", list(written.dropped))
    bound = Bound(model.label)
    if ctx.meters:
        bound = bound_of(chat, model.label, model.prices, context=model.context, most_output=model.most_output, cap=cap)
    began = ctx.node.clock.monotonic()
    return Asked(ctx, model, chat, written, began, bound, await reserve_all(ctx.meters, bound))


def _refuse_unknown(ctx: Exchange, chat: Chat) -> None:
    """What a chat refers to, a model of another dialect cannot look up. ClientFault."""
    unknown = getattr(ctx.node.dialects[chat.dialect].inbound, "unknown", None)
    fault = unknown(chat) if unknown is not None else None
    if fault is not None:
        raise fault


def _cap(ctx: Exchange, chat: Chat) -> int | None:
    """The bound on the answer that the limits around want sent, where the client gave none."""
    if not ctx.meters or chat.max_tokens is not None:
        return None
    return min((meter.cap for meter in ctx.meters if meter.cap is not None), default=None)


def unsupported(model: Model, message: str, where: str) -> UpstreamFault:
    """This model cannot do it; another one may."""
    record = {"where": where} if where else {}
    return UpstreamFault(
        "ai.unsupported", f"{model.resource} cannot do this: {message}", status=400, sent=False, record=record,
        passes_on=True,
    )  # fmt: skip


async def _sent(question: Question, asked: Asked, place: int | None) -> Response:
    """The head of the answer."""
    ctx, model, written = question.ctx, asked.model, asked.written
    node = ctx.node
    outgoing = Outgoing("POST", written.path, [*model.headers, *written.headers], written.body, resource=model.resource)
    key = model.key(place, node) if place is not None else None
    if place is not None:
        asked.key = model.keys.secrets[place].name
    if key is not None:
        outgoing.headers.extend(model.provider.credential(key))
        if model.provider.auth == "dialect" and isinstance(model.dialect, Authorizes) and not node.rehearsing:
            secret, options = model.keys.secrets[place or 0], model.endpoint.options
            await model.dialect.authorize(outgoing, model.target, secret, options, node)
    asked.sent = True
    try:
        response = await _transport(ctx, model, outgoing, written).send(model.target, outgoing, question.timeouts)
    except UpstreamFault as fault:
        asked.sent = fault.sent
        raise
    return response


async def _judged(asked: Asked, response: Response, place: int | None) -> UpstreamFault:
    """What an answer that is none says, and what it says of the key."""
    fault = await refused(asked.model, response)
    await response.aclose()
    if place is not None:
        state = state_of(response.status, fault.record.get("code"))
        asked.model.keys.learn(place, state, asked.ctx.node.clock.monotonic(), _wait(fault))
    return fault


def _status(fault: UpstreamFault) -> int:
    return int(fault.record.get("upstream_status", 0))


def _wait(fault: UpstreamFault) -> float | None:
    """`retry-after` in seconds, where it is a number."""
    value = dict(fault.headers).get(b"retry-after")
    return float(value) if value is not None and value.isdigit() else None


def _transport(ctx: Exchange, model: Model, outgoing: Outgoing, written: Written) -> Transport:
    """What sends: the node's way out, or the echo. In a rehearsal, what the test gave."""
    node = ctx.node
    if not node.rehearsing:
        return model.transport or node.transport
    if model.provider.name == ECHO and model.resource not in node.fakes:
        # Without a word of the test's the echo is itself; passing it through the fakes lets `sent(…)` see it.
        node.fakes[model.resource] = _ITSELF
    outgoing.fake = partial(_play, ctx, model, written)
    return node.transport


_ITSELF: Final = FakeChat("")


def _play(ctx: Exchange, model: Model, written: Written, fake: object) -> Response:
    assert isinstance(fake, FakeChat)
    said = said_to(written.body) if fake is _ITSELF else fake
    return model.dialect.render(said, written, ctx.node.clock.time())


def within(question: Question, asked: Asked) -> float:
    """Seconds that are left of the time to the head; for bodies that have to be read before it."""
    limit = question.timeouts.head_s or 0.0
    return max(0.0, limit - (question.ctx.node.clock.monotonic() - asked.began))


def timeouts(timeout: float, idle: float, total: float | None) -> Timeouts:
    """The times of a line."""
    return Timeouts(min(_CONNECT_S, timeout), timeout, idle, total)
