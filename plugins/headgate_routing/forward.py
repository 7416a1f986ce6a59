"""`forward`: the hinge that sends the request on as it is, body unread, and answers with what comes back."""

from __future__ import annotations

import base64
import os

from headgate.api import (
    Body,
    BytesBody,
    Duration,
    Exchange,
    Outgoing,
    Request,
    Served,
    UrlPath,
    encoded_path,
    outgoing_headers,
    step,
)
from headgate_routing.attempt import attempt
from headgate_routing.resource import Upstream

RAISES = (
    "upstream.unreachable", "upstream.timeout", "upstream.protocol", "upstream.refused", "upstream.unavailable",
    "request.invalid", "request.timeout", "request.too_large",
)  # fmt: skip


@step("forward", hinge=True, effect="upstream", raises=RAISES)
async def forward(
    ctx: Exchange,
    to: Upstream,
    /,
    *,
    timeout: Duration | None = None,
    idle: Duration | None = None,
    total: Duration | None = None,
    path: UrlPath | None = None,
) -> None:
    """Send the request on, and answer with what the upstream answers.

    Method, path, query, headers and body go as they stand after the lines above; the body is streamed, not read.
    `timeout` bounds the time to the head of the answer, `idle` the silence between bytes, `total` all of it; what is
    not given is the upstream's. `path` replaces the path, the query stays; a value put into it may hold no slash.
    """
    request = ctx.request
    raw = request.raw_path if path is None else encoded_path(path)
    if request.query_string:
        raw = b"%b?%b" % (raw, request.query_string)
    headers = outgoing_headers(request, ctx.client, trusted=ctx.node.trusted)
    if to.preserves_host:
        headers.append((b"host", _host(request)))
    upgrade = request.upgrade if ctx.route is not None and ctx.route.options.get("websocket") else None
    if upgrade is not None and b"sec-websocket-key" not in request.headers:
        headers.append((b"sec-websocket-key", base64.b64encode(os.urandom(16))))  # HTTP/2 has no need of one
    outgoing = Outgoing(request.method, raw, headers, body_of(request), resource=to.name, upgrade=upgrade)
    served = ctx.served
    if served is None:
        served = ctx.served = Served()
    ctx.answer(await attempt(ctx, to, outgoing, to.bounds(timeout, idle, total), served))


def _host(request: Request) -> bytes:
    """The host as the client named it, with its port; what a line has set instead."""
    host = request.host.encode("latin-1", "replace")
    came = (request.headers.get(b"host") or b"").lower()
    rest = came.removeprefix(host)
    return came if came.startswith(host) and rest[:1] == b":" and rest[1:].isdigit() else host


def body_of(request: Request) -> bytes | Body:
    """The body to send. What is there already goes as bytes, which can be sent again."""
    body = request.body
    if isinstance(body, BytesBody):
        return body.left
    return b"" if body.length == 0 else body
