"""Steps of every shape, that write down that they were called: for running policies through two machines."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headgate.api import (
    Arms,
    ClientFault,
    Duration,
    Exchange,
    Json,
    Kind,
    ResourceContext,
    Response,
    Run,
    Text,
    TypeRef,
    View,
    block,
    hookimpl,
    resource,
    step,
)


def calls(ctx: Exchange) -> list[Any]:
    return ctx.node.state.setdefault("calls", [])


@step("t.note", observes=True, shadow=True)
def note(ctx: Exchange, value: Any = None, /, *, also: Json = None) -> None:
    """Write a value down."""
    calls(ctx).append(("note", value, also))


@step("t.give", shadow=True)
async def give(ctx: Exchange, value: Json, /) -> Json:
    """Give a value back, waiting."""
    calls(ctx).append(("give", value))
    return value


@step("t.text")
def text(ctx: Exchange, value: Text, /) -> str:
    """Give a text back, at once."""
    calls(ctx).append(("text", value))
    return value


@step("t.fail", raises=("t.one", "t.two", "u.one"), shadow=True, observes=True)
def fail(ctx: Exchange, kind: Text, /, *, when: bool = True) -> None:
    """Fail."""
    calls(ctx).append(("fail", kind, when))
    if when:
        raise ClientFault(kind, f"{kind} it is", status=418, record={"wait": 1.5})


@step("t.later", shadow=True)
def later(ctx: Exchange, name: Text, /) -> None:
    """Act again at the head and at the close."""

    def head(ctx: Exchange) -> None:
        calls(ctx).append(("head", name))

    def close(ctx: Exchange) -> None:
        calls(ctx).append(("close", name))

    ctx.on_head(head)
    ctx.on_close(close)


@step("t.answer", hinge=True)
async def answer(ctx: Exchange, status: int, /, *, body: Text = "ok") -> None:
    """Answer."""
    calls(ctx).append(("answer", status))
    ctx.answer(Response(status, [(b"x-from", b"answer")], body.encode()))


@block("t.once")
async def once(ctx: Exchange, run: Run, /) -> Any:
    """Run the lines once."""
    calls(ctx).append(("once",))
    value = await run()
    calls(ctx).append(("once ends", value))
    return value


@block("t.again", runs="many")
async def again(ctx: Exchange, run: Run, times: int, /) -> Any:
    """Run the lines until they do not fail, so often at most."""
    for left in reversed(range(times)):
        try:
            return await run()
        except ClientFault as failure:
            calls(ctx).append(("again", failure.kind, left))
            if not left:
                raise
    return None


@block("t.maybe", runs="maybe")
async def maybe(ctx: Exchange, run: Run, really: bool, /) -> Any:
    """Run the lines, or do not."""
    return await run() if really else None


@block("t.first")
async def first(ctx: Exchange, arms: Arms, /) -> Any:
    """The first alternative that does not fail."""
    for arm in arms[:-1]:
        try:
            return await arm.run()
        except ClientFault as failure:
            calls(ctx).append(("first", failure.kind))
    return await arms[-1].run()


@block("t.views")
async def views(ctx: Exchange, arms: Arms, /) -> Any:
    """Every alternative on its own view of the exchange; the last one wins."""
    seen = [View(ctx) for _ in arms]
    values = [await arm.run(view) for arm, view in zip(arms, seen, strict=True)]
    for view in seen[:-1]:
        view.lose()
    seen[-1].win()
    return values[-1]


@block("t.share", shares=True)
async def share(ctx: Exchange, arms: Arms, /, *, by: int = 0) -> Any:
    """The alternative with that number."""
    calls(ctx).append(("share", [arm.share for arm in arms]))
    return await arms[by % len(arms)].run()


@step("t.slow")
async def slow(ctx: Exchange, *, pause: Duration = 0.0) -> None:
    """Write down a duration."""
    calls(ctx).append(("slow", pause))


@dataclass(frozen=True)
class Card:
    """A resource, with or without parameters."""

    resource_kind = "card"

    front: str
    back: str
    tags: list[str]


@resource("card", takes_params=True)
def card(ctx: ResourceContext, *, front: Text, back: Text = "", tags: list[Text] | None = None) -> Card:
    """A card with two sides."""
    return Card(front, back, tags or [])


@step("t.show")
def show(ctx: Exchange, card: Card, /, *, beside: Card | list[Card] | None = None) -> str:
    """Write down what a card shows, and what lies beside it."""
    calls(ctx).append(("show", card, beside))
    return card.front if isinstance(card, Card) else str(card)


@step("t.read", gives="body", returns_type_of="shape")
def read(ctx: Exchange, shape: TypeRef | None = None, /, *, value: Json) -> Json:
    """Give a value back if it is of the type; without a type, as it is."""
    calls(ctx).append(("read", shape and shape.name))
    return copy.deepcopy(value) if shape is None else shape.decode(value)


class StandIns:
    """All of them as a plugin."""

    @hookimpl
    def register_steps(self) -> list[Callable[..., Any]]:
        return [note, give, text, fail, later, answer, once, again, maybe, first, views, share, slow, show, read]

    @hookimpl
    def register_resources(self) -> list[Callable[..., Any]]:
        return [card]

    @hookimpl
    def register_kinds(self) -> list[Kind]:
        return [Kind(name, 418, name, {"wait": "duration"}) for name in ("t.one", "t.two", "u.one")]
