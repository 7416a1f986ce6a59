"""What is kept: an answer whole, or a value; and how it is given again. Pure but for the exchange it is put into."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import EventSplitter, Exchange, Line, Money, Response, Served, Usage

_EVENTS: Final = b"text/event-stream"
_NOT_OURS: Final = frozenset({"no-store", "private"})


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `status` is None where it is a value. `usage` is what it took to make it, but for
    the cost: that was paid then."""

    status: int | None = None
    headers: list[tuple[bytes, bytes]] = []
    body: bytes = b""
    value: Any = None
    target: str | None = None
    model: str | None = None
    provider: str | None = None
    served: bool = False
    usage: dict[str, Any] | None = None


def may_be_kept(response: Response) -> bool:
    """Only what is whole and well, and what nobody said is for one client alone (RFC 9111 §3)."""
    said = (response.headers.joined(b"cache-control") or b"").decode("latin-1").lower()
    words = {word.strip().partition("=")[0] for word in said.split(",")}
    return response.status == 200 and b"set-cookie" not in response.headers and not words & _NOT_OURS


def of_answer(ctx: Exchange, status: int, headers: list[Line], body: bytes) -> bytes:
    """An answer that has ended well."""
    return msgspec.msgpack.encode(Kept(status=status, headers=headers, body=body, **_made_by(ctx)))


def of_value(ctx: Exchange, value: Any) -> bytes | None:
    """What a block gives; None where it is no plain value, which could not be given again as it was."""
    if value is None or not _is_plain(value):
        return None
    return msgspec.msgpack.encode(Kept(value=value, **_made_by(ctx)))


def _made_by(ctx: Exchange) -> dict[str, Any]:
    served, usage = ctx.served, ctx.usage
    made: dict[str, Any] = {"served": served is not None}
    if served is not None:
        made.update(target=served.target, model=served.model, provider=served.provider)
    if usage is not None:
        made["usage"] = {name: value for name, value in msgspec.structs.asdict(usage).items() if name != "cost"}
    return made


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    return (
        value is None
        or type(value) in (bool, float, str, bytes)
        or (type(value) is int and -(1 << 63) <= value < 1 << 64)
    )


def give_again(ctx: Exchange, data: bytes) -> Any:
    """Answer with what was kept, or return the value. Nothing was asked of anybody, so it costs nothing."""
    kept = msgspec.msgpack.decode(data, type=Kept)
    if kept.served:
        ctx.served = Served(target=kept.target, model=kept.model, provider=kept.provider, from_cache=True)
    if kept.usage is not None:
        ctx.usage = Usage(**kept.usage, cost=Money(0))
    if kept.status is None:
        return kept.value
    if ctx.served is None:
        ctx.served = Served(from_cache=True)
    response = Response(kept.status, kept.headers, kept.body)
    if (response.headers.get(b"content-type") or b"").lower().startswith(_EVENTS):
        response.body = Replay(kept.body)
    ctx.answer(response)
    return None


class Replay:
    """A stream of events again: one block after the other, as they came the first time."""

    __slots__ = ("_blocks", "length")

    def __init__(self, body: bytes) -> None:
        splitter = EventSplitter(len(body) + 1)
        self.length: int | None = None
        self._blocks = [*splitter.feed(body), splitter.rest][::-1]

    def __repr__(self) -> str:
        return f"<Replay [{len(self._blocks)} blocks left]>"

    async def read(self) -> bytes:
        """The next block."""
        while self._blocks:
            if block := self._blocks.pop():
                return block
        return b""

    async def aclose(self) -> None:
        self._blocks.clear()
