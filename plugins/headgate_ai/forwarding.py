"""`ai.forward`: files and batches, sent on to one provider.

1. Only what the provider documents is sent on, whole paths with their methods (`forward_paths`). Everything else is not
   found, in the client's dialect.
2. The client's credential stays here, and the provider's key goes in: always the same one of several, since what was
   sent with one key is there for that one alone. A client's `idempotency-key` goes out as its owner's.
3. That key is everybody's; what was made with it is its maker's (`owning`). So small answers are read: those that say
   what was made, and lists. Files are streamed, both ways.
4. Of either side's header lines only those of a list travel.
5. A batch has no bound and no known cost: a budget refuses it as unbounded, or books what it assumes (`assume=`), and a
   limit of tokens books what it sets aside; everything else here is free.
6. The questions of a batch are read before it is sent. What they refer to has to be the asker's, as in a chat
   (`referring`), and with `models=` they may ask no other (`batch_models`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final

from headgate.api import (
    BEFORE_RESPONSE,
    Attempt,
    Body,
    Bound,
    BytesBody,
    ClientFault,
    Duration,
    Exchange,
    Failure,
    Ge,
    Line,
    Money,
    Outgoing,
    Request,
    Response,
    Served,
    Size,
    Text,
    Timeouts,
    UpstreamFault,
    Usage,
    render_query,
    reserve_all,
    step,
)
from headgate_ai.asking import timeouts
from headgate_ai.attempts import GAVE_UP
from headgate_ai.chatting import told
from headgate_ai.failures import refused, without_key
from headgate_ai.forward_checking import check_request
from headgate_ai.forward_lists import listed, whole
from headgate_ai.forward_paths import BATCHES, Place, place_of
from headgate_ai.models import Model
from headgate_ai.owning import Owning, decoded
from headgate_ai.reading import owner_of
from headgate_ai.referring import Policy
from headgate_ai.showing import show_key, sign

_SENT: Final = (
    b"content-type", b"content-encoding", b"accept", b"range", b"if-none-match", b"if-match",
    b"anthropic-version", b"anthropic-beta", b"openai-beta",
)  # fmt: skip
_ONCE: Final = b"idempotency-key"
_TOLD: Final = (
    b"content-type", b"content-encoding", b"content-disposition", b"content-range", b"accept-ranges", b"etag",
    b"last-modified",
)  # fmt: skip
# A client's credential may stand in its query: https://ai.google.dev/gemini-api/docs/api-key.
_CREDENTIALS: Final = frozenset({"key", "api_key", "access_token"})
# The provider's statuses that tell the client of its own request: what is not there, was changed, or cannot be cut so.
_CLIENTS_OWN: Final = frozenset({400, 404, 405, 409, 410, 412, 413, 416, 422, 429})


@step(
    "ai.forward", hinge=True, effect="upstream", raises=("upstream.*", "request.*", "ai.forbidden", "ai.unsupported"),
    phase=BEFORE_RESPONSE,
)  # fmt: skip
async def ai_forward(
    ctx: Exchange,
    model: Model,
    /,
    *,
    models: list[Text] | None = None,
    references: Policy = "own",
    max: Annotated[Size, Ge(1)] = 64 << 20,
    timeout: Duration = 60.0,
    idle: Duration = 60.0,
    total: Duration | None = None,
) -> None:
    """Send a request for files or batches on to the provider of a model, with its key, and answer with its answer.

    What a caller's team made is that team's alone: nobody else finds, lists, reads or deletes it, or makes a batch of it.
    The questions of a batch are read, at most `max` bytes of them, and may refer only to files of the team's; with
    `references=any` to whatever they want. With `models` they may ask only these: `ai.forward store models=key.models`.
    What a batch will cost nobody here knows: inside a `budget` there is none, or it costs what the budget assumes.
    """
    request = ctx.request
    speaks = ctx.node.dialects.get(model.dialect.name)
    ctx.dialect = speaks.inbound if speaks is not None and speaks.inbound is not None else ctx.dialect
    place = place_of(model.dialect.name, request.method, request.path)
    if place is None:
        message = f"{model.provider.name} has no files or batches at {request.method} {request.path}."
        raise ClientFault("request.invalid", message, status=404)
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.provider = model.where, model.provider.name
    owning = Owning(ctx, model)
    if place.id is not None:
        await owning.check(place.shape.collection, place.id)
    forward = Forward(ctx, model, place, owning, timeouts(timeout, idle, total))
    await check_request(forward, models, references, max)
    await _paid(forward)


async def _paid(forward: Forward) -> None:
    """Answer, and book a batch that its provider may have taken."""
    ctx, place = forward.ctx, forward.place
    holds = await reserve_all(ctx.meters, _bound(place, forward.model))
    taken = False
    try:
        ctx.answer(await (listed(forward) if place.shape.does == "list" else forward.answered()))
        taken = True
    except UpstreamFault as fault:
        taken = fault.sent and not forward.refused
        raise
    except BaseException:
        taken = not forward.refused
        raise
    finally:
        for hold in holds:
            if taken and _makes_batch(place):
                hold.settle(Usage(estimated=True))
            else:
                hold.release()


def _makes_batch(place: Place) -> bool:
    return place.shape.does == "create" and place.shape.collection in BATCHES


def _bound(place: Place, model: Model) -> Bound:
    if _makes_batch(place):
        return Bound(model.label, unbounded="a batch has no known size")
    return Bound(model.label, 0, Money(0))


class Forward:
    """One request on its way to the provider and back."""

    def __init__(self, ctx: Exchange, model: Model, place: Place, owning: Owning, times: Timeouts) -> None:
        self.ctx, self.model, self.place, self.owning, self.times = ctx, model, place, owning, times
        # Whether the provider did nothing: it was not asked, or said so.
        self.refused = True

    def __repr__(self) -> str:
        return f"<Forward {self.place.shape.method} {self.place.path} to {self.model.label}>"

    async def answered(self) -> Response:
        """The provider's answer; what it says was made or is gone, is noted."""
        response = await self.send({})
        shape = self.place.shape
        if shape.does == "delete":
            await self.owning.gone(self.place)
        if shape.does == "delete" or self._is_content() or not _is_json(response):
            return self.told(response, response.body)
        data = await whole(response)
        await self.owning.made(self.place, decoded(data))
        return self.told(response, data)

    def _is_content(self) -> bool:
        """Whether what was asked for is what a file or a batch holds: it may be JSON, and of any size."""
        place = self.place
        return place.shape.method == "GET" and place.id is not None and not place.path.endswith(f"/{place.id}")

    async def send(self, more: Mapping[str, str]) -> Response:
        """Ask the provider once; an attempt. UpstreamFault, also where it refuses."""
        served, clock = self.ctx.served, self.ctx.node.clock
        assert served is not None
        began, result, status, why = clock.monotonic(), "cut", None, None
        try:
            self.refused = False
            response = await _sent(self.ctx, self.model, _target(self.ctx.request, self.place, more), self.times)
            status = response.status
            result = str(status) if status >= 400 else "ok"
            self.refused = 300 <= status < 500 and status not in GAVE_UP
            if status >= 300:
                raise await _refused(self.ctx, self.model, response)
        except Failure as fault:
            result, why = fault.kind if result == "cut" else result, fault.message
            raise
        finally:
            key = self.model.keys.secrets[0].name if self.model.keys.secrets else None
            took = clock.monotonic() - began
            served.attempts.append(
                Attempt(
                    target=self.model.provider.name, result=result, duration_s=took, key=key, status=status, why=why
                )
            )
        return response

    def told(self, response: Response, body: bytes | Body) -> Response:
        """What the client gets of an answer."""
        given = response.headers
        lines = [
            (name, without_key(self.model, value)) for name in _TOLD if (value := given.get(name)) is not None
        ]  # fmt: skip
        return Response(response.status, [*lines, *told(self.model, given)], body)


def _is_json(response: Response) -> bool:
    return (response.headers.get(b"content-type") or b"").lower().startswith(b"application/json")


def _target(request: Request, place: Place, more: Mapping[str, str]) -> bytes:
    """The path behind the provider's base, with the query."""
    pairs = [(name, value) for name, value in request.query if name not in _CREDENTIALS and name not in more]
    query = render_query([*pairs, *more.items()]) if pairs or more else b""
    return place.path.encode() + (b"?" + query if query else b"")


async def _sent(ctx: Exchange, model: Model, path: bytes, times: Timeouts) -> Response:
    request, node = ctx.request, ctx.node
    headers: list[Line] = [*model.headers]
    headers += [(name, value) for name in _SENT if (value := request.headers.get(name)) is not None]
    again = request.headers.get(_ONCE)
    if again is not None:
        # The provider knows all owners as one: what one asks once, is not what another asks.
        headers.append((_ONCE, hashlib.sha256(owner_of(ctx).encode() + b"\0" + again).hexdigest().encode()))
    outgoing = Outgoing(request.method, path, headers, _body(request), resource=model.resource)
    if model.keys.secrets and (key := show_key(model, 0, outgoing, node)) is not None:
        await sign(model, 0, key, outgoing, node)
    return await node.transport.send(model.target, outgoing, times)


def _body(request: Request) -> bytes | Body:
    body = request.body
    if isinstance(body, BytesBody):
        return body.left
    return b"" if body.length == 0 else body


async def _refused(ctx: Exchange, model: Model, response: Response) -> UpstreamFault:
    """What the provider refuses, in the client's dialect; where it is the client's mistake, with its status."""
    clock = ctx.node.clock
    fault = await refused(model, response, clock.time())
    await response.aclose()
    if model.keys.secrets:
        model.keys.learn(0, fault.key, clock.monotonic(), fault.wait_s)
    ours = fault.key in ("invalid", "out of credit") and response.status != 429
    status = response.status if response.status in _CLIENTS_OWN and not ours else 502
    return UpstreamFault(fault.kind, fault.message, status=status, record=fault.record, headers=fault.headers)
