"""What a plugin learns of a line when policies load: its constants, its resources, the blocks around it, its route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from headgate.api import Exchange, ResourceContext, Response, Run, Site, Text, block, hookimpl, resource, step
from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.language.check.modules import load
from headgate.language.check.result import BoundResource
from headgate.language.check.run import check
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Linked, Unlinked, Unprepared, compile_program
from headgate.language.vocabulary import Misdeclared, read_step


class Thing:
    resource_kind = "thing"

    def __init__(self, name: str, price: int | None) -> None:
        self.name = name
        self.price = price


@resource("thing")
def thing(ctx: ResourceContext, *, price: int | None = None) -> Thing:
    """A thing."""
    return Thing(ctx.name, price)


seen: list[tuple[tuple[str, ...], Any]] = []


def priced(site: Site, **known: Any) -> None:
    of = known.get("of")
    things = of if isinstance(of, list) else [of]
    around = tuple(one.step for one in site.within)
    seen.append((around, [one.name for one in things if one is not None]))
    for one in things:
        if one is not None and one.price is None and "p.pays" in around:
            raise ValueError(f"`{one.name}` has no price, and stands in `p.pays`")


def old(site: Site, *, mark: str = "") -> str:
    return mark


@step("p.buy", prepare=priced)
def buy(ctx: Exchange, of: Thing | list[Thing], /) -> None:
    """Buy something."""


@step("p.old", prepare=old)
def older(ctx: Exchange, of: Thing, /, *, mark: Text = "") -> None:
    """A step whose `prepare` knows nothing of resources."""


@block("p.pays")
async def pays(ctx: Exchange, run: Run, /) -> Any:
    """Pay."""
    return await run()


class Shape:
    def __init__(self, name: str) -> None:
        self.name = name

    def sample(self) -> object:
        return {}

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return Response(status, [], f"{self.name}: {message}".encode())


def dialect_of(path: str, constants: Mapping[str, Any], installed: Mapping[str, Any]) -> Shape:
    if path.endswith("/none"):
        raise ValueError("no dialect is spoken there")
    return Shape(constants.get("as", path))


@step("p.fixed", dialect=Shape("fixed"))
def fixed(ctx: Exchange) -> None:
    """Speak one dialect."""


@step("p.speak", dialect=dialect_of)
def speaks(ctx: Exchange) -> None:
    """Speak the dialect of the path."""


class Plugin:
    @hookimpl
    def register_steps(self) -> list[Any]:
        return [buy, older, pays, fixed, speaks]

    @hookimpl
    def register_resources(self) -> list[Any]:
        return [thing]


PLUGINS = load_plugins([("p", Plugin)], discover=False)


def linked(text: str) -> Linked:
    files = {"main.policy": f"policy 1\n{text}"}
    checked = check(load(["main.policy"], files.get), PLUGINS.vocabulary)
    assert checked.errors == []
    return compile_program(checked).link(build, {})


def build(bound: BoundResource) -> Any:
    if bound.node.name == "broken":
        raise PolicyError([Diagnostic("E802", "it is broken", bound.node.span)])
    return bound.spec.build(ResourceContext(bound.node.name, bound.node.span, None), **bound.values)  # type: ignore[arg-type]


def test_a_line_knows_the_blocks_around_it_across_fragments_and_its_resources():
    seen.clear()
    linked("""
thing a { price = 1 }
thing b { price = 2 }
fragment f(x: thing) {
    p.pays {
        p.buy b
        p.buy x
    }
}
route r GET / public {
    p.buy [a, b]
    p.pays { use f(x=a) }
    p.old a mark="m"
    respond 200
}
""")
    assert seen == [((), ["a", "b"]), (("p.pays", "p.pays"), ["b"]), (("p.pays", "p.pays"), [])]


def test_a_plugin_may_refuse_a_resource_for_where_it_stands():
    with pytest.raises(Unlinked, match=r"`a` has no price, and stands in `p\.pays`") as caught:
        linked(
            "thing a { }\nroute r GET / public {\n    p.buy a\n    p.pays {\n        p.buy a\n    }\n    respond 200\n}"
        )
    [failure] = caught.value.failures
    assert isinstance(failure, Unprepared)
    assert failure.site.line == 6


def test_a_dialect_may_follow_the_path_of_the_route():
    table = linked("""
route one GET /v1/one public {
    p.speak
    respond 200
}
route two GET /v1/two/{id} public {
    p.fixed
    p.speak
    respond 200
}
route three GET /v1/three public { respond 200 }
""")
    assert [found.dialect and found.dialect.name for found in table.routes] == ["/v1/one", "fixed", None]


def test_a_dialect_that_cannot_be_told_is_a_finding():
    with pytest.raises(Unprepared, match="no dialect is spoken there"):
        linked("route r GET /v1/none public {\n    p.speak\n    respond 200\n}")


def test_a_return_type_that_follows_no_type_parameter_is_refused():
    @step("p.wrong", returns_type_of="name")
    def wrong(ctx: Exchange, name: Text, /) -> str:
        """Wrong."""
        return name

    with pytest.raises(Misdeclared, match="names no parameter that is a TypeRef"):
        read_step(wrong, "p")


def test_all_that_cannot_be_linked_is_said_at_once():
    lines = "".join(f"thing {name} {{ }}\n" for name in ("a", "broken", "b"))
    bought = "".join(f"        p.buy {name}\n" for name in ("a", "broken", "b"))
    with pytest.raises(Unlinked) as caught:
        linked(f"{lines}route r GET / public {{\n    p.pays {{\n{bought}    }}\n    respond 200\n}}")
    assert [str(one).splitlines()[-1] for one in caught.value.failures] == [
        "main.policy:3: E802: it is broken",
        "`a` has no price, and stands in `p.pays`",
        "`b` has no price, and stands in `p.pays`",
    ]
