"""`read.chat`: the client's body, read once, strictly, into a `Chat`.

Which dialect it is in, the path says (`/v1/messages` is Anthropic's); where it does not, the line has to (`dialect=`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final

import trio

from headgate.api import (
    BEFORE_RESPONSE,
    READ,
    BytesBody,
    ClientFault,
    Const,
    Exchange,
    Ge,
    NotStrict,
    PluginFault,
    Size,
    Word,
    read_all,
    step,
)
from headgate.api.ai import Chat, CountsIn, Inbound, Speaks

# A quarter of a megabyte of nothing but brackets takes 15 ms to read: what is larger may not keep the others waiting.
LARGE_BYTES: Final = 1 << 18
# Where `ai.chat` finds what `read.chat` has read.
CHAT: Final = "ai.chat"
# What a path means that no dialect knows.
USUAL: Final = "openai"


def choose(path: str, constants: Mapping[str, Any], dialects: Mapping[str, Speaks]) -> Inbound | None:
    """The dialect of a route: for its errors, before a request has been read. None where no plugin speaks that of its path;
    ValueError where none speaks the one that is named."""
    name = constants.get("dialect")
    if name is not None:
        if name not in dialects or dialects[name].inbound is None:
            raise ValueError(*_unspoken(name, [one for one in dialects if dialects[one].inbound is not None]))
        return dialects[name].inbound
    found = (one.inbound for one in dialects.values() if one.inbound is not None and _heard(one.inbound, path))
    usual = dialects.get(USUAL)
    return next(found, usual.inbound if usual is not None else None)


def _unspoken(name: str, spoken: list[str]) -> Iterator[str]:
    yield f"no installed plugin speaks `{name}` to clients"
    near = get_close_matches(name, spoken, 1)
    yield f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(spoken))}"


def _heard(inbound: Inbound, path: str) -> bool:
    """Whether its clients send chats to this path: to be answered, or to be counted."""
    return inbound.answers(path) or (isinstance(inbound, CountsIn) and inbound.counts(path))


@step(
    "read.chat", gives=("body", "chat"), raises=("request.invalid", "request.too_large"), phase=BEFORE_RESPONSE,
    dialect=choose,
)  # fmt: skip
async def read_chat(
    ctx: Exchange, /, *, max: Annotated[Const[Size], Ge(1)] = 16 << 20, dialect: Const[Word | None] = None
) -> Chat:
    """Read a chat of at most `max` bytes, in the dialect that the path says, or `dialect`. Its fields can be set until a
    model is asked.

    Refused are malformed JSON, keys given twice, names in the wrong case, and what lacks a model or messages.
    """
    request = ctx.request
    coding = request.headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise ClientFault("request.invalid", "The body is encoded; send it without a content-encoding.", status=415)
    inbound = _inbound(ctx, dialect)
    data = await read_all(request.body, max)
    request.body = BytesBody(data)
    query = dict(request.query) if request.query_string else {}
    try:
        if len(data) > LARGE_BYTES and not ctx.node.rehearsing:
            chat = await trio.to_thread.run_sync(inbound.read, data, request.path, query)
        else:
            chat = inbound.read(data, request.path, query)
    except NotStrict as error:
        record = {"where": error.where} if error.where else {}
        raise ClientFault("request.invalid", error.message, status=400, record=record) from None
    if hasattr(inbound, "recalled"):
        chat = await inbound.recalled(chat, ctx, owner_of(ctx))
    ctx.remember(CHAT, chat)
    ctx.remember(READ, chat)
    return chat


def owner_of(ctx: Exchange) -> str:
    """Who may refer to what is kept: the caller's team, or the caller; on a public route everybody is one."""
    caller = ctx.caller
    return "" if caller is None else f"team:{caller.team}" if caller.team else f"caller:{caller.id}"


def _inbound(ctx: Exchange, name: str | None) -> Inbound:
    """The dialect of this request; nearly always what its route has."""
    known: Any = ctx.dialect
    path = ctx.request.path
    if known is not None and (known.name == name if name is not None else _heard(known, path)):
        inbound: Inbound = known
        return inbound
    chosen = choose(path, {"dialect": name}, ctx.node.dialects)
    if chosen is None:
        raise PluginFault(f"no installed plugin speaks `{name or USUAL}`", plugin="ai")
    ctx.dialect = chosen
    return chosen


def dialect_of(ctx: Exchange, chat: Chat) -> Inbound:
    """The dialect in which the client of a chat wants its answer."""
    speaks = ctx.node.dialects[chat.dialect]
    assert speaks.inbound is not None
    return speaks.inbound
