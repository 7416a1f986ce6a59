"""`hedge`: who wins, what becomes of the others, and that no arm sees another."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from two_machines import exchange

from headgate.api import (
    Attempt,
    BytesBody,
    ClientFault,
    Duration,
    Exchange,
    Money,
    Response,
    Served,
    Text,
    UpstreamFault,
    Usage,
    hookimpl,
    step,
)
from headgate.contracts.view import View
from headgate.host.plugins import load_plugins
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate_routing import Routing


class Body:
    """A stream whose usage is known at its end."""

    length = None

    def __init__(self, ctx: Exchange) -> None:
        self.ctx = ctx
        self.pieces = [b"a", b"b"]
        self.closed = False

    async def read(self) -> bytes:
        if self.pieces:
            return self.pieces.pop()
        self.ctx.usage = Usage(output_tokens=10, cost=Money(10))
        self.ctx.note("tokens", 10)
        return b""

    async def aclose(self) -> None:
        if not self.closed and self.pieces:
            self.ctx.usage = Usage(output_tokens=1, cost=Money(1), estimated=True)
        self.closed = True


@step("t.ask", hinge=True, raises=("upstream.*", "request.invalid"))
async def ask(ctx: Exchange, name: Text, /, *, takes: Duration = 0.0, status: int = 200, fails: Text = "") -> None:
    """Answer after a while."""
    log = ctx.node.state.setdefault("calls", [])
    log.append((name, ctx.node.clock.monotonic(), ctx.request.headers.text("x-arm")))
    ctx.on_close(lambda x: log.append((name, "closed", x.response and x.response.status)))
    served = ctx.served = ctx.served or Served()
    result = "cut"
    try:
        await trio.sleep(takes)
        result = fails or "ok"
        if fails == "bug":
            raise KeyError(name)
        if fails == "request.invalid":
            raise ClientFault(fails, "No.", status=400)
        if fails:
            raise UpstreamFault(fails, f"{name} fails.")
        served.target = name
        ctx.on_head(lambda x: x.response.headers.set(b"x-head", name.encode()))
        ctx.answer(Response(status, [(b"x-from", name.encode())], Body(ctx)))  # type: ignore[arg-type]
    finally:
        if result == "cut":
            ctx.usage = Usage(input_tokens=5, cost=Money(5))
        served.attempts.append(Attempt(target=name, result=result, duration_s=0.0))


class Asks:
    @hookimpl
    def register_steps(self) -> list[Any]:
        return [ask]


class Now:
    def time(self) -> float:
        return trio.current_time()

    def monotonic(self) -> float:
        return trio.current_time()


PLUGINS = load_plugins([("routing", Routing), ("asks", Asks)], discover=False)


async def hedged(lines: str, **more: Any) -> Exchange:
    text = f"policy 1\n\nroute main GET / public {{\n hedge after=800ms {more.pop('args', '')} {{\n{lines}\n}}\n}}\n"
    checked = check(load(["main.policy"], {"main.policy": text}.get), PLUGINS.vocabulary)
    assert checked.errors == []
    linked = compile_program(checked).link(lambda bound: None, {})
    x = exchange("/", {}, {})
    x.node.clock = Now()
    for name, value in more.items():
        setattr(x.request if name == "body" else x, name, value)
    try:
        await linked.routes[0].run(x)
    except Exception as error:
        x.failure = error
    return x


def begun(x: Exchange) -> list[tuple[str, float]]:
    return [(name, round(at, 3)) for name, at, _ in x.node.state["calls"] if at != "closed"]


async def test_a_quick_first_arm_is_alone(autojump_clock):
    x = await hedged('t.ask "a" takes=700ms\n t.ask "b"')
    assert begun(x) == [("a", 0.0)]
    assert x.response is not None
    assert x.response.headers.get(b"x-from") == b"a"


async def test_a_slow_one_is_overtaken_cancelled_and_billed(autojump_clock):
    x = await hedged('t.ask "a" takes=10s\n t.ask "b" takes=1s')
    assert begun(x) == [("a", 0.0), ("b", 0.8)]
    assert trio.current_time() == pytest.approx(1.8)
    assert x.served is not None
    assert (x.served.target, [one.result for one in x.served.attempts]) == ("b", ["cut", "ok"])
    assert (x.usage.input_tokens, x.usage.cost) == (5, 5)


async def test_what_the_winner_does_later_is_the_exchanges(autojump_clock):
    x = await hedged('t.ask "a" takes=10s\n t.ask "b"')
    body: Any = x.response.body
    while await body.read():
        pass
    assert (x.usage.input_tokens, x.usage.output_tokens, x.usage.cost) == (5, 10, 15)
    assert x.log == {"tokens": 10}
    body.ctx.usage = Usage(output_tokens=11, cost=Money(11))
    assert (x.usage.output_tokens, x.usage.cost) == (11, 16)


async def test_every_closer_runs_once_on_what_its_arm_saw_and_only_the_winners_heads(autojump_clock):
    x = await hedged('t.ask "a" takes=10s\n t.ask "b" takes=1s status=201')
    for call in reversed(x.after_head or []):
        call(x)
    assert len(x.after_head) == 1
    assert x.response.headers.get(b"x-head") == b"b"
    for call in reversed(x.after_close or []):
        call(x)
    assert [one for one in x.node.state["calls"] if one[1] == "closed"] == [("b", "closed", 201), ("a", "closed", None)]


async def test_one_that_fails_is_followed_at_once(autojump_clock):
    x = await hedged('t.ask "a" fails="upstream.timeout" takes=100ms\n t.ask "b" status=503\n t.ask "c"')
    assert begun(x) == [("a", 0.0), ("b", 0.1), ("c", 0.1)]
    assert x.response.headers.get(b"x-from") == b"c"
    assert (x.usage.output_tokens, x.usage.estimated) == (1, True), "what `b` was cut from is billed"


async def test_when_all_fail_the_last_answer_passes_on_or_its_failure(autojump_clock):
    x = await hedged('t.ask "a" takes=1s status=502\n t.ask "b" status=503')
    assert x.response.status == 502
    assert [one.target for one in x.served.attempts] == ["b", "a"]
    x = await hedged('t.ask "a" status=502\n t.ask "b" fails="upstream.timeout"')
    assert x.response is None
    assert isinstance(x.failure, UpstreamFault)


async def test_on_says_what_is_no_answer(autojump_clock):
    x = await hedged('t.ask "a" status=429\n t.ask "b"', args="on=[429]")
    assert x.response.headers.get(b"x-from") == b"b"
    x = await hedged('t.ask "a" status=503\n t.ask "b"', args="on=[429]")
    assert x.response.status == 503


@pytest.mark.parametrize("fails", ["bug", "request.invalid"])
async def test_what_no_other_arm_can_mend_ends_it(autojump_clock, fails: str):
    x = await hedged(f't.ask "a" fails="{fails}"\n t.ask "b"')
    assert begun(x) == [("a", 0.0)]
    assert isinstance(x.failure, KeyError if fails == "bug" else ClientFault)


async def test_no_arm_sees_what_another_one_sets(autojump_clock):
    arm = '{{\n set request.header["x-arm"] = "{0}"\n t.ask "{0}" takes={1}\n}}\n'
    x = await hedged(arm.format("a", "10s") + arm.format("b", "1s") + arm.format("c", "10s"))
    assert [said for _, at, said in x.node.state["calls"] if at != "closed"] == ["a", "b", "c"]
    assert x.request.headers.text("x-arm") == "b"


async def test_two_that_answer_at_one_time_give_one_answer(autojump_clock):
    x = await hedged('t.ask "a" takes=1s\n t.ask "b" takes=200ms')
    assert len({x.response.headers.get(b"x-from")} & {b"a", b"b"}) == 1
    assert x.usage.estimated
    assert len(x.served.attempts) == 2


class Streaming:
    def __init__(self, *pieces: bytes, length: int | None) -> None:
        self.pieces, self.length = list(pieces), length

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(("length", "arms"), [(None, 1), (70_000, 1), (2, 2)])
async def test_a_body_that_cannot_be_sent_twice_goes_to_one_arm(autojump_clock, length: int | None, arms: int):
    x = await hedged('t.ask "a" takes=2s\n t.ask "b"', body=Streaming(b"a", b"b", length=length))
    assert len(begun(x)) == arms
    assert isinstance(x.request.body, BytesBody) == (arms == 2)


async def test_a_client_that_leaves_leaves_nothing_open(autojump_clock):
    with trio.move_on_after(1.0):
        await hedged('t.ask "a" takes=10s\n t.ask "b" takes=10s')
    assert trio.current_time() == 1.0


def test_a_view_of_a_view_hands_on_to_both() -> None:
    x = exchange("/", {}, {})
    outer = View(x)
    inner = View(outer)
    inner.usage = Usage(input_tokens=1, cost=Money(1))
    inner.win()
    outer.win()
    inner.usage = Usage(input_tokens=2, cost=Money(2))
    inner.on_close(lambda _: None)
    assert x.usage.input_tokens == outer.usage.input_tokens == 2
    assert len(x.after_close) == 1
