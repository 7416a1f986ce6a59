"""A plugin for Headgate: `stamp.sign` marks answers, `stamp.open` lets requests through while the office is open."""

from collections.abc import Sequence
from datetime import UTC, datetime

from headgate.api import HEAD, ClientFault, Const, Exchange, Kind, Text, function, hookimpl, step


@step("stamp.sign", after=HEAD)
def sign(ctx: Exchange, text: Text, /, *, header: Const[Text] = "x-stamp") -> None:
    """Put a header on the answer, whatever the answer will be."""
    name, value = header.lower().encode(), text.encode()
    ctx.on_head(lambda ctx: ctx.response.headers.set(name, value))


@step("stamp.open", raises=("stamp.closed",), effect="time")
def office(ctx: Exchange, *, opens: Const[int] = 9, closes: Const[int] = 17) -> None:
    """Let requests pass from hour to hour, UTC."""
    hour = datetime.fromtimestamp(ctx.node.clock.time(), UTC).hour
    if not opens <= hour < closes:
        raise ClientFault("stamp.closed", f"The office opens at {opens}:00 UTC.", status=403, record={"opens": opens})


@function("initials")
def initials(name: Text, /) -> str:
    """The first letters of a name's words."""
    return "".join(word[0].upper() for word in name.split())


class Stamp:
    @hookimpl
    def register_steps(self) -> Sequence[object]:
        return [sign, office]

    @hookimpl
    def register_functions(self) -> Sequence[object]:
        return [initials]

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        return [Kind("stamp.closed", 403, "The office is closed", {"opens": "int"})]
