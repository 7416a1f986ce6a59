"""Each hook, with a plugin that uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click
import msgspec
import trio
from click.testing import CliRunner

from headgate.api import (
    Calls,
    ClientFault,
    Exchange,
    Kind,
    Node,
    ResourceContext,
    Stores,
    Text,
    function,
    hookimpl,
    resource,
    step,
)
from headgate.api.ai import Speaks
from headgate.cli.group import commands_of
from headgate.contracts.memory import MemoryCalls
from headgate.host.plugins import load_plugins
from headgate.host.settings import load_settings
from headgate.serve import open_node
from headgate.testing import open_gate


def route(lines: str, before: str = "") -> str:
    return f"policy 1\n{before}\nroute one GET /one public {{\n{lines}\n}}\n"


async def body_of(policy: str, plugin: type) -> str:
    async with open_gate(policy, plugins=[("mine", plugin)], discover=False) as gate:
        return (await gate.send("GET", "/one")).text


async def test_hook_register_steps() -> None:
    @step("mine.word")
    def word(ctx: Exchange) -> str:
        """A word."""
        return "said"

    class Mine:
        @hookimpl
        def register_steps(self) -> Sequence[Callable[..., Any]]:
            return [word]

    assert await body_of(route("mine.word as w\nrespond 200 text=w"), Mine) == "said"


async def test_hook_register_functions() -> None:
    @function("twice")
    def twice(text: Text, /) -> str:
        """The text, twice."""
        return text * 2

    class Mine:
        @hookimpl
        def register_functions(self) -> Sequence[Callable[..., Any]]:
            return [twice]

    assert await body_of(route('respond 200 text=twice("ab")'), Mine) == "abab"


class Book:
    """A resource."""

    resource_kind = "book"

    def __init__(self, title: str) -> None:
        self.title = title


@step("book.read")
def read_book(ctx: Exchange, book: Book, /) -> str:
    """The title of a book."""
    return book.title


async def test_hook_register_resources() -> None:
    @resource("book")
    def make(ctx: ResourceContext, *, title: Text) -> Book:
        """A book."""
        return Book(f"{ctx.name}: {title}")

    class Mine:
        @hookimpl
        def register_resources(self) -> Sequence[Callable[..., Any]]:
            return [make]

        @hookimpl
        def register_steps(self) -> Sequence[Callable[..., Any]]:
            return [read_book]

    policy = route("book.read novel as t\nrespond 200 text=t", 'book novel { title = "Emma" }')
    assert await body_of(policy, Mine) == "novel: Emma"


async def test_hook_register_kinds() -> None:
    @step("mine.shut", raises=("mine.closed",))
    def shut(ctx: Exchange) -> None:
        """Refuse."""
        raise ClientFault("mine.closed", "Closed.", status=403, record={"until": "noon"})

    class Mine:
        @hookimpl
        def register_steps(self) -> Sequence[Callable[..., Any]]:
            return [shut]

        @hookimpl
        def register_kinds(self) -> Sequence[Kind]:
            return [Kind("mine.closed", 403, "Closed", {"until": "text"})]

    policy = route("mine.shut\nrespond 200\non mine.closed { respond 403 text=err.until }")
    assert await body_of(policy, Mine) == "noon"


async def test_hook_register_dialects() -> None:
    @step("mine.spoken")
    def spoken(ctx: Exchange) -> Text:
        """Say which dialects are known."""
        return " ".join(name for name in sorted(ctx.node.dialects) if name.startswith("mine-"))

    class Mine:
        @hookimpl
        def register_steps(self) -> Sequence[Callable[..., Any]]:
            return [spoken]

        @hookimpl
        def register_dialects(self) -> Sequence[Speaks]:
            return [Speaks("mine-one"), Speaks("mine-two")]

    assert await body_of(route("mine.spoken as s\nrespond 200 text=s"), Mine) == "mine-one mine-two"


class Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    colour: str = "grey"


class Colours:
    """Has settings, something open, and a step that shows both."""

    @hookimpl
    def register_settings(self) -> type[msgspec.Struct]:
        return Table

    @hookimpl
    @asynccontextmanager
    async def open_resources(self, settings: Table, node: Node) -> AsyncIterator[None]:
        node.state["mine"] = {"colour": settings.colour if settings else "none", "open": True}
        yield
        node.state["mine"]["open"] = False


def test_hook_register_settings() -> None:
    shapes = load_plugins([("mine", Colours)], discover=False).settings_shapes()
    settings = load_settings(None, {"HEADGATE_MINE__COLOUR": "red"}, {}, shapes)
    assert settings.plugins["mine"] == Table(colour="red")


def test_hook_open_resources(tmp_path: Any) -> None:
    plugins = load_plugins([("mine", Colours)], discover=False)
    flags = {"data": str(tmp_path)}
    settings = load_settings(None, {"HEADGATE_MINE__COLOUR": "blue"}, flags, plugins.settings_shapes())

    async def main() -> tuple[dict[str, Any], dict[str, Any]]:
        async with open_node(settings, plugins) as node:
            during = dict(node.state["mine"])
        return during, node.state["mine"]

    during, after = trio.run(main)
    assert during == {"colour": "blue", "open": True}
    assert after["open"] is False


def test_hook_register_stores(tmp_path: Any) -> None:
    class Mine:
        @hookimpl
        @asynccontextmanager
        async def register_stores(self, settings: Any, stores: Stores, node: Node) -> AsyncIterator[None]:
            stores.calls = MemoryCalls()
            yield

    plugins = load_plugins([("mine", Mine)], discover=False)
    settings = load_settings(None, {}, {"data": str(tmp_path)}, {})

    async def main() -> Calls | None:
        async with open_node(settings, plugins) as node:
            return node.stores.calls

    assert isinstance(trio.run(main), MemoryCalls)


async def test_hook_register_sinks() -> None:
    heard: list[Mapping[str, Any]] = []

    class Sink:
        def add(self, row: Mapping[str, Any]) -> None:
            heard.append(row)

    class Mine:
        @hookimpl
        def register_sinks(self, settings: Any, node: Node) -> Sequence[Sink]:
            return [Sink()]

    async with open_gate(route("respond 204"), plugins=[("mine", Mine)], discover=False) as gate:
        await gate.send("GET", "/one")
        await gate.row(0)
    assert [(row["route"], row["status"]) for row in heard] == [("one", 204)]


def test_hook_register_commands() -> None:
    @click.command("hello")
    def hello() -> None:
        click.echo("hello from a plugin")

    class Mine:
        @hookimpl
        def register_commands(self) -> Sequence[click.Command]:
            return [hello]

    plugins = load_plugins([("mine", Mine)], discover=False)
    commands = commands_of("mine", plugins.loaded["mine"])
    assert CliRunner().invoke(commands["hello"]).output == "hello from a plugin\n"
