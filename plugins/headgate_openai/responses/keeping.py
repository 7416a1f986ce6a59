"""Conversations that clients refer to by `previous_response_id`: https://platform.openai.com/docs/guides/conversation-state.

1. Kept is what a response was asked with and what it said, and which one came before it; so a conversation is a chain, and
   each of its images is kept once. `instructions` are not carried on, as OpenAI does not.
2. Kept answers get an id made here: a provider's could be anything, and anybody's.
3. What is kept is what the client got, behind all filters. It expires after 30 days, as at OpenAI.
4. A response that OpenAI itself keeps is not kept here, but whose it is: for them its id passes through to it. OpenAI
   would go on with it for whoever has its id, since it knows all teams by one key. Where nothing can be noted, nobody is
   gone on with.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import Blobs, ClientFault, Exchange
from headgate.api.ai import Answer, Began, Chat, Content, Dropped, Ended, Happening, Keeping, StreamFilter
from headgate_openai.responses.building import Building, build
from headgate_openai.responses.reading import items_of, parse
from headgate_openai.responses.requests import input_items
from headgate_openai.responses.responding import new_id
from headgate_openai.responses.shapes import NAME

PREVIOUS: Final = "previous_response_id"
KEEP_S: Final = 30 * 86_400.0
# A conversation that is longer has no model that could read it.
MOST_BYTES: Final = 64 << 20
# How many of the items were recalled.
_RECALLED: Final = "openai.recalled"
# What only OpenAI can look up, and why it matters: without it, another model would be asked something else.
_OPENAIS_OWN: Final = ("conversation", "prompt")


class Record(msgspec.Struct):
    """One response, as it is kept."""

    input: list[Any]
    response: dict[str, Any]
    previous: str | None = None


_records: Final = msgspec.json.Decoder(Record)


async def recalled(chat: Chat, ctx: Exchange, owner: str) -> Chat:
    """See `Remembers`."""
    previous, blobs = chat.raw().get(PREVIOUS), ctx.node.stores.blobs
    if not isinstance(previous, str):
        return chat
    if blobs is None:
        raise _not_found(previous)
    earlier = await _history(blobs, previous, owner)
    if earlier is None:
        if await claimed(previous, ctx, owner) is None:
            raise _not_found(previous)
        return chat
    chat.content()  # what is wrong in it is said in the client's own places
    ctx.remember(_RECALLED, len(earlier))
    return _retold(chat, earlier)


async def _history(blobs: Blobs, ident: str, owner: str) -> list[Any] | None:
    """All items up to this response and its own; None where a link of the chain is not there."""
    turns: list[list[Any]] = []
    size, link = 0, ident
    while link:
        data = await blobs.get(_key(link), owner=owner)
        if data is None:
            return None
        size += len(data)
        if size > MOST_BYTES:
            raise ClientFault("request.too_large", f"The conversation behind {ident} is too long.", status=400)
        record = _records.decode(data)
        turns.append([*record.input, *record.response.get("output", ())])
        link = record.previous or ""
    return [item for turn in reversed(turns) for item in turn]


def _retold(chat: Chat, earlier: list[Any]) -> Chat:
    """The chat with these items before its own. Its bytes say it all; what it referred to is still in `raw`, to be told."""
    raw = {**chat.raw(), "input": [*earlier, *items_of(chat.raw())]}
    body = msgspec.json.encode({name: value for name, value in raw.items() if name != PREVIOUS})
    again = Chat(chat.model, chat.stream, chat.max_tokens, chat.temperature, chat.top_p)
    again.came_as(NAME, body, raw, _parse_retold)
    return again


def _parse_retold(raw: dict[str, Any]) -> Content:
    return parse({name: value for name, value in raw.items() if name != PREVIOUS})


def unknown(chat: Chat) -> ClientFault | None:
    """See `Remembers`."""
    extra = chat.content().extra
    if extra.get(PREVIOUS) is not None:
        return _not_found(extra[PREVIOUS])
    for name in _OPENAIS_OWN:
        if extra.get(name) is not None:
            message = f"`{name}` is kept by OpenAI, and this model is not asked there: send the items in `input`."
            return ClientFault("request.invalid", message, status=400, record={"where": name})
    return None


def _not_found(previous: object) -> ClientFault:
    """What is another's is as unknown as nothing."""
    record = {"where": PREVIOUS, "code": "previous_response_not_found"}
    message = f"Previous response with id '{previous}' not found."
    return ClientFault("request.invalid", message, status=400, record=record)


async def claim(ident: str, ctx: Exchange, owner: str, account: str) -> None:
    """See `Remembers`."""
    blobs = ctx.node.stores.blobs
    if blobs is not None:
        at = ctx.node.clock.time() + KEEP_S
        await blobs.put(_claim(ident), account.encode(), owner=owner, expires_at=at)


async def claimed(ident: str, ctx: Exchange, owner: str) -> str | None:
    """See `Remembers`."""
    blobs = ctx.node.stores.blobs
    data = None if blobs is None else await blobs.get(_claim(ident), owner=owner)
    return None if data is None else data.decode()


# --- keeping ---------------------------------------------------------------------------------------------------------


def keeping(chat: Chat, ctx: Exchange, owner: str) -> Keeping | None:
    """See `Remembers`."""
    blobs = ctx.node.stores.blobs
    if blobs is None or chat.content().store is False:
        return None
    return _Keeping(chat, blobs, owner, ctx.node.clock.time(), ctx.recall(_RECALLED) or 0)


class _Keeping:
    """See `Keeping`. `at` is the time; `recalled` of the chat's items are kept already."""

    def __init__(self, chat: Chat, blobs: Blobs, owner: str, at: float, recalled: int) -> None:
        self.chat, self.at = chat, at
        self.response: dict[str, Any] | None = None
        self._blobs, self._owner, self._recalled = blobs, owner, recalled

    def __repr__(self) -> str:
        return f"<Keeping {self.response['id'] if self.response else 'nothing yet'}>"

    def key(self) -> bytes:
        """What is kept is nobody else's."""
        return self._owner.encode()

    def whole(self, answer: Answer) -> None:
        """Give the answer an id of ours, and take it down."""
        answer.id = new_id()
        self.response = build(answer, self.chat, self.at)

    def stream(self) -> StreamFilter:
        """For one streamed answer."""
        return _Following(self)

    async def keep(self) -> None:
        """See `Keeping`."""
        if self.response is None:
            return
        raw = self.chat.raw()
        count = len(items_of(raw)) - self._recalled
        items = input_items(self.chat, Dropped())
        previous = raw.get(PREVIOUS) if self._recalled else None
        record = Record(items[len(items) - count :], self.response, previous)
        key, data = _key(self.response["id"]), msgspec.json.encode(record)
        await self._blobs.put(key, data, owner=self._owner, expires_at=self.at + KEEP_S)


class _Following:
    """See `StreamFilter`: builds the response beside the one that goes to the client."""

    __slots__ = ("_building", "_keeping")

    def __init__(self, keeping: _Keeping) -> None:
        self._keeping = keeping
        self._building = Building(keeping.chat, keeping.at)

    def take(self, happening: Happening) -> list[Happening]:
        """All that happens goes on; only the id is another."""
        if isinstance(happening, Began):
            created = int(self._keeping.at) if happening.created is None else happening.created
            happening = Began(new_id(), happening.model, created)
        self._building.take(happening)
        if isinstance(happening, Ended):
            self._keeping.response = self._building.response
        return [happening]


async def kept(ident: str, ctx: Exchange, owner: str) -> bytes | None:
    """See `Remembers`."""
    blobs = ctx.node.stores.blobs
    data = None if blobs is None else await blobs.get(_key(ident), owner=owner)
    return None if data is None else msgspec.json.encode(_records.decode(data).response)


async def forget(ident: str, ctx: Exchange, owner: str) -> bool:
    """See `Remembers`."""
    blobs = ctx.node.stores.blobs
    return blobs is not None and await blobs.delete(_key(ident), owner=owner)


def _claim(ident: str) -> str:
    return f"{NAME}/claims/{ident}"


def _key(ident: str) -> str:
    return f"{NAME}/{ident}"
