"""What `ai.forward` looks into before it sends: whose files a batch is made of, what it refers to, and whom it asks.

1. What makes a batch is read, and is still sent on as it came: its body, and a file that may be for one.
2. With `references=any` and no `models` there is nothing to look for, and files stream.
"""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from headgate.api import BytesBody, ClientFault, NotStrict, Request, decode_strictly, read_all
from headgate_ai.batch_models import check_body, check_form
from headgate_ai.forward_paths import LINES
from headgate_ai.reading import LARGE_BYTES
from headgate_ai.references import Reference
from headgate_ai.referring import Policy, check

if TYPE_CHECKING:
    from headgate_ai.forwarding import Forward

# What makes a batch is read whole.
_ASKED_BYTES: Final = 1 << 24


async def check_request(forward: Forward, models: Container[str] | None, policy: Policy, limit: int) -> None:
    """Look into what makes a batch: whose files it is made of, what it refers to, and whom it asks. ClientFault."""
    ctx, place, owning, model = forward.ctx, forward.place, forward.owning, forward.model
    request, shape, reads = ctx.request, place.shape, models is not None or policy == "own"
    found: list[Reference] = []
    if shape.does != "create":
        return
    if shape.collection != "/files":
        data = await _read(request, limit if reads else _ASKED_BYTES)
        try:
            body = decode_strictly(data)
        except NotStrict as error:
            raise ClientFault("request.invalid", error.message, status=400) from None
        if not isinstance(body, dict):
            raise ClientFault("request.invalid", "The body is no JSON object.", status=400)
        await owning.check_inputs(body)
        if reads:
            found = check_body(body, models, model.provider.refuse)
            if shape.collection == "/uploads" and body.get("purpose") == "batch":
                message = "A batch is sent as one file here: its questions are read, and an upload comes in parts."
                raise ClientFault("request.invalid", message, status=400)
    elif reads and model.dialect.name in LINES:
        kind = (request.headers.get(b"content-type") or b"").decode("latin-1")
        data = await _read(request, limit)
        if kind.lower().startswith("multipart/"):
            look = partial(check_form, data, kind, models, model.provider.refuse)
            found = await trio.to_thread.run_sync(look) if len(data) > LARGE_BYTES else look()
    if policy == "own":
        await check(ctx, model, found)


async def _read(request: Request, limit: int) -> bytes:
    """The body, which is still sent on. ClientFault."""
    coding = request.headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise ClientFault("request.invalid", "The body is encoded; send it without a content-encoding.", status=415)
    data = await read_all(request.body, limit)
    request.body = BytesBody(data)
    return data
