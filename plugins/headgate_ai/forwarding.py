"""`ai.forward`: files and batches, sent on to one provider as they are.

1. Only what the provider's dialect has under files and batches is sent on (`_PATHS`); what stands before that in the
   client's path is the route's, and the provider's own base takes its place. No other path can be reached.
2. The client's credential stays here, and the provider's key goes in: always the same one of several, since what was
   sent with one key is there for that one alone.
3. Of either side's header lines only those of a list travel. Bodies are streamed, both ways.
4. Nothing is read. So a batch has no bound and no known cost: inside a limit it is refused as unbounded; everything else
   here is free.
"""

from __future__ import annotations

from typing import Final

from headgate.api import (
    BEFORE_RESPONSE,
    Attempt,
    Body,
    Bound,
    BytesBody,
    ClientFault,
    Duration,
    Exchange,
    Line,
    Money,
    Outgoing,
    Request,
    Response,
    Served,
    UpstreamFault,
    render_query,
    reserve_all,
    step,
)
from headgate_ai.asking import timeouts
from headgate_ai.chatting import told
from headgate_ai.failures import refused, without_key
from headgate_ai.models import Model
from headgate_ai.showing import show_key

# By dialect: what is behind the provider's base. https://platform.openai.com/docs/api-reference/files, …/batch, …/uploads;
# https://platform.claude.com/docs/en/api/files-list, …/creating-message-batches; https://ai.google.dev/api/files,
# …/batch-api; https://docs.mistral.ai/api/endpoint/files, …/batch.
_PATHS: Final = {
    "openai": ("/files", "/batches", "/uploads"),
    "openai-responses": ("/files", "/batches", "/uploads"),
    "anthropic": ("/files", "/messages/batches"),
    "gemini": ("/files", "/batches"),
    "mistral": ("/files", "/batch"),
}
_BATCHES: Final = ("/batches", "/batch/jobs")
_SENT: Final = (
    b"content-type", b"content-encoding", b"accept", b"range", b"if-none-match", b"if-match", b"idempotency-key",
    b"anthropic-version", b"anthropic-beta", b"openai-beta",
)  # fmt: skip
_TOLD: Final = (
    b"content-type", b"content-encoding", b"content-disposition", b"content-range", b"accept-ranges", b"etag",
    b"last-modified",
)  # fmt: skip
# A client's credential may stand in its query: https://ai.google.dev/gemini-api/docs/api-key.
_CREDENTIALS: Final = frozenset({"key", "api_key", "access_token"})
# The provider's statuses that tell the client of its own request: what is not there, was changed, or cannot be cut so.
_CLIENTS_OWN: Final = frozenset({400, 404, 405, 409, 410, 412, 413, 416, 422, 429})


@step(
    "ai.forward", hinge=True, effect="upstream", raises=("upstream.*", "request.*"), phase=BEFORE_RESPONSE,
)  # fmt: skip
async def ai_forward(
    ctx: Exchange, model: Model, /, *, timeout: Duration = 60.0, idle: Duration = 60.0, total: Duration | None = None
) -> None:
    """Send a request for files or batches on to the provider of a model, with its key, and answer with its answer.

    Method, query and body go as they are, streamed both ways; the path from `/files` or `/batches` on. What a batch will
    cost nobody here knows.
    """
    request = ctx.request
    speaks = ctx.node.dialects.get(model.dialect.name)
    ctx.dialect = speaks.inbound if speaks is not None and speaks.inbound is not None else ctx.dialect
    path = _behind(request, model)
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    served.target, served.provider = str(model.target), model.provider.name
    bound = _bound(request, path, model)
    for hold in await reserve_all(ctx.meters, bound):
        hold.release()
    clock = ctx.node.clock
    began, result = clock.monotonic(), "cut"
    try:
        response = await _sent(ctx, model, path, timeout, idle, total)
        result = str(response.status) if response.status >= 400 else "ok"
        if response.status >= 300:
            raise await _refused(ctx, model, response)
    except UpstreamFault as fault:
        result = fault.kind if result == "cut" else result
        raise
    finally:
        key = model.keys.secrets[0].name if model.keys.secrets else None
        served.attempts.append(
            Attempt(target=model.provider.name, result=result, duration_s=clock.monotonic() - began, key=key)
        )
    lines = [(name, without_key(model, value)) for name in _TOLD if (value := response.headers.get(name)) is not None]
    ctx.answer(Response(response.status, [*lines, *told(model, response.headers)], response.body))


def _behind(request: Request, model: Model) -> bytes:
    """The path behind the provider's base, with the query. ClientFault where it is none of those that pass."""
    raw = request.raw_path.decode("ascii")
    for one in _PATHS.get(model.dialect.name, ()):
        place = raw.find(one)
        rest = raw[place + len(one) :]
        if place >= 0 and (not rest or rest[0] in "/:"):
            pairs = [(name, value) for name, value in request.query if name not in _CREDENTIALS]
            query = render_query(pairs) if pairs else b""
            return raw[place:].encode() + (b"?" + query if query else b"")
    raise ClientFault(
        "request.invalid", f"{model.provider.name} has no files or batches at {request.path}.", status=404
    )


def _bound(request: Request, path: bytes, model: Model) -> Bound:
    made = request.method == "POST" and path.partition(b"?")[0].decode().endswith(_BATCHES)
    if made:
        return Bound(model.label, unbounded="a batch has no known size")
    return Bound(model.label, 0, Money(0))


async def _sent(ctx: Exchange, model: Model, path: bytes, timeout: float, idle: float, total: float | None) -> Response:
    request, node = ctx.request, ctx.node
    headers: list[Line] = [*model.headers]
    headers += [(name, value) for name in _SENT if (value := request.headers.get(name)) is not None]
    outgoing = Outgoing(request.method, path, headers, _body(request), resource=model.resource)
    if model.keys.secrets:
        await show_key(model, 0, outgoing, node)
    return await node.transport.send(model.target, outgoing, timeouts(timeout, idle, total))


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
    status = response.status if response.status in _CLIENTS_OWN else 502
    return UpstreamFault(fault.kind, fault.message, status=status, record=fault.record, headers=fault.headers)
