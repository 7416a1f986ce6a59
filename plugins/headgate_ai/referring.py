"""Whether a question may refer to what it refers to, where one key of a provider serves several teams.

1. A provider knows all teams by one key, and looks up for each what any of them has there. So with `references=own` a file
   has to be one that `ai.forward` noted for the asker, with that key; what nobody notes (conversations, items, stores,
   containers) is refused. `references=any` is for a gateway that serves one team, or whose files are made elsewhere.
2. An answer that is gone on with is the asker's whatever the policy says, and was given by this provider.
3. What was made with a key is there for that key alone. So the question goes out with it (`pinned`), and with no other.
4. What is looked at is the request as it goes out: an id may come from a client of another dialect.
5. Another model may have it: a `fallback` goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import trio

from headgate.api import Exchange, UpstreamFault
from headgate.api.ai import Unsupported
from headgate_ai.models import Model
from headgate_ai.owning import Owning
from headgate_ai.questions import Asking
from headgate_ai.reading import LARGE_BYTES, dialect_of, owner_of
from headgate_ai.references import Reference, may_refer, references

if TYPE_CHECKING:
    from headgate.api.ai import Chat

Policy = Literal["own", "any"]

_FILES: Final = "/files"
_PREVIOUS: Final = "previous_response_id"
_LONGEST: Final = 200


async def pinned(question: Asking, chat: Chat, model: Model, policy: Policy) -> int | None:
    """The key that the question has to go out with, by its place; None where any will do. UpstreamFault."""
    if not may_refer(chat.original()):
        return None
    try:
        body, found = await _looked(question.ctx, question.write(model, None).body)
    except Unsupported:
        return None  # Who asks says what is wrong.
    place = None
    if isinstance(body, dict) and body.get(_PREVIOUS) is not None:
        place = await _given(question.ctx, chat, model, body[_PREVIOUS])
    if policy == "own" and found:
        await check(question.ctx, model, found, place or 0)
    if any(one.kind == "file" for one in found) and place is None and len(model.keys.secrets) > 1:
        place = 0
    return place


async def _looked(ctx: Exchange, data: bytes) -> tuple[Any, list[Reference]]:
    """A request's body, and what it refers to."""

    def look() -> tuple[Any, list[Reference]]:
        body = msgspec.json.decode(data)
        return body, list(references(body))

    large = len(data) > LARGE_BYTES and not ctx.node.rehearsing
    return await trio.to_thread.run_sync(look) if large else look()


async def check(ctx: Exchange, model: Model, found: Iterable[Reference], key: int = 0) -> None:
    """UpstreamFault where one of these is not the asker's."""
    owning: Owning | None = None
    for one in {(one.kind, one.ident): one for one in found}.values():
        if one.kind == "other":
            message = f"`{one.where}` refers to `{one.ident[:_LONGEST]}`, which the provider holds, and nobody here knows whose it is."
            raise _refused(message, 400, one.where)
        owning = owning or Owning(ctx, model, key)
        if not await owning.has(_FILES, one.ident):
            raise _refused(f"There is no file `{one.ident[:_LONGEST]}` here.", 404, one.where)


async def _given(ctx: Exchange, chat: Chat, model: Model, ident: Any) -> int:
    """The key by which an answer came that is gone on with; its dialect has noted whose it is."""
    claimed = getattr(dialect_of(ctx, chat), "claimed", None)
    account = None if claimed is None else await claimed(str(ident), ctx, owner_of(ctx))
    for place, key in enumerate([one.name for one in model.keys.secrets] or [None]):
        if account == account_of(model, key):
            return place
    record = {"where": _PREVIOUS, "code": "previous_response_not_found"}
    raise _refused(f"Previous response with id '{str(ident)[:_LONGEST]}' not found.", 400, _PREVIOUS, record)


def account_of(model: Model, key: str | None) -> str:
    """With whom something is: the provider's address, and the name of the key."""
    return f"{model.target}/{key or ''}"


def _refused(message: str, status: int, where: str, record: dict[str, Any] | None = None) -> UpstreamFault:
    return UpstreamFault(
        "ai.unsupported", message, status=status, sent=False, record=record or {"where": where}, passes_on=True
    )  # fmt: skip
