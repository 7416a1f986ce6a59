"""`ai.response`: an answer that a client has got and that is kept, again; or no longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import BEFORE_RESPONSE, ClientFault, Exchange, PluginFault, Response, Text, step
from headgate.api.ai import Inbound, Remembers, Speaks
from headgate_ai.reading import owner_of

_DIALECT: Final = "openai-responses"
_JSON: Final = (b"content-type", b"application/json")


def choose(path: str, constants: Mapping[str, Any], dialects: Mapping[str, Speaks]) -> Inbound | None:
    """The dialect whose clients refer to answers."""
    return dialects[_DIALECT].inbound if _DIALECT in dialects else None


@step(
    "ai.response", hinge=True, effect="store", raises=("ai.unknown_response",), phase=BEFORE_RESPONSE, dialect=choose,
)  # fmt: skip
async def ai_response(ctx: Exchange, id: Text, /) -> None:
    """Answer with the response that has this id, as its client has got it; a DELETE forgets it.

    It is there for the team that it was made for, for 30 days, and not where the client said `store: false` or where
    OpenAI itself keeps it.
    """
    inbound = ctx.dialect
    if not isinstance(inbound, Remembers):
        raise PluginFault(f"no installed plugin speaks `{_DIALECT}`", plugin="ai")
    if ctx.request.method == "DELETE":
        body = None
        if await inbound.forget(id, ctx, owner_of(ctx)):
            body = msgspec.json.encode({"id": id, "object": "response", "deleted": True})
    else:
        body = await inbound.kept(id, ctx, owner_of(ctx))
    if body is None:
        raise ClientFault("ai.unknown_response", f"Response with id '{id[:100]}' not found.", status=404)
    ctx.answer(Response(200, [_JSON], body))
