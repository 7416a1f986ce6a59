"""Runs scenarios, each in a world of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from headgate.contracts.clock import SystemClock
from headgate.contracts.exchange import Exchange
from headgate.contracts.memory import MemoryBlobs, MemoryCalls, MemoryIdentity, MemoryLeases
from headgate.contracts.memory_ledger import MemoryLedger
from headgate.contracts.node import Node, Stores
from headgate.errors import HeadgateError, PolicyError
from headgate.language import tree
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Linked, Program
from headgate.language.scenario import Scenario, sides
from headgate.language.source import Span
from headgate.message.body import BytesBody
from headgate.message.headers import Headers
from headgate.message.request import Client, Request
from headgate.message.url import canonical
from headgate.pipeline.engine import Engine
from headgate.pipeline.provision import Provision, entries
from headgate.pipeline.rehearsal.fakes import FakeReplySide, FakeTransport, JumpingClock, NoFetch, wrapper
from headgate.pipeline.rehearsal.observed import Observed
from headgate.pipeline.snapshot import Snapshot
from headgate.pipeline.table import RouteTable
from headgate.pipeline.watch import Watch

OpenPlugins = Callable[[Node], Iterable[AbstractAsyncContextManager[None]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test went. `finding` is None where it passed."""

    scenario: Scenario
    finding: Diagnostic | None
    duration_s: float

    @property
    def passed(self) -> bool:
        return self.finding is None


class Unexpected(Exception):
    """An expectation that does not hold, as a finding."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _World:
    """All that one test runs in."""

    engine: Engine
    linked: Linked
    transport: FakeTransport
    node: Node
    steps: frozenset[str]
    observed: Observed = field(default_factory=Observed)
    seen: list[Exchange] = field(default_factory=list)
    client_ip: str = "127.0.0.1"
    sent: int = 0


async def rehearse(
    program: Program, open_plugins: OpenPlugins, scenarios: Iterable[Scenario] | None = None
) -> list[Outcome]:
    """Run every scenario (or those given), one after the other. To be run under a clock that jumps.

    A test runs on the part of the program that its file is: no more of it has to be linked.
    """
    chosen = program.scenarios if scenarios is None else scenarios
    return [await _run(program.parts.get(scenario.module.name, program), open_plugins, scenario) for scenario in chosen]


def build_findings(program: Program) -> list[Diagnostic]:
    """What stands in the way of building the resources and preparing the lines of a program; nothing is sent."""
    node = Node(
        SystemClock(),
        FakeTransport({}),
        NoFetch(),
        Stores(),
        rehearsing=True,
        dialects=program.checked.vocabulary.dialects,
    )
    try:
        Provision(node).link(program)
    except PolicyError as error:
        return list(error.diagnostics)
    return []


def rehearse_in_thread(
    program: Program, open_plugins: OpenPlugins, scenarios: Iterable[Scenario] | None = None
) -> list[Outcome]:
    """The same in a loop of its own, whose clock jumps. Blocks; call it in a thread where a loop runs already."""
    from trio.testing import MockClock  # it brings pytest along, where there is one; most commands rehearse nothing

    clock = MockClock(autojump_threshold=0)
    return trio.run(rehearse, program, open_plugins, scenarios, clock=clock)


async def _run(program: Program, open_plugins: OpenPlugins, scenario: Scenario) -> Outcome:
    began = time.perf_counter()
    finding: Diagnostic | None = None
    async with AsyncExitStack() as stack:
        try:
            world = await _world(program, open_plugins, scenario, stack)
            await _lines(world, scenario.test.body)
        except Unexpected as unexpected:
            finding = unexpected.finding
        except PolicyError as error:
            finding = error.diagnostics[0]
        except HeadgateError as error:
            finding = Diagnostic("E712", f"the test could not be run: {error}", scenario.test.name_span)
    return Outcome(scenario, finding, time.perf_counter() - began)


async def _world(program: Program, open_plugins: OpenPlugins, scenario: Scenario, stack: AsyncExitStack) -> _World:
    clock = JumpingClock()
    fakes: dict[str, Any] = {}
    transport = FakeTransport(fakes)
    stores = Stores(MemoryIdentity(clock), MemoryLeases(clock), MemoryCalls(), MemoryLedger(), blobs=MemoryBlobs(clock))
    node = Node(
        clock, transport, NoFetch(), stores, rehearsing=True, fakes=fakes, dialects=program.checked.vocabulary.dialects
    )
    for context in open_plugins(node):
        await stack.enter_async_context(context)
    made = Provision(node)
    stack.push_async_callback(made.close)
    linked = made.link(program, wrapper(fakes, program.checked.vocabulary.kinds))
    if scenario.route is not None:
        programs = [linked.scenario_routes[scenario]]
    else:
        programs = [route for route in linked.routes if route.route in scenario.module.file.items]
    table = RouteTable(entries(program.checked, programs))
    engine = Engine(node, Snapshot(0, table, made.close), [], Watch())
    world = _World(engine, linked, transport, node, frozenset(program.checked.vocabulary.steps))
    engine.seen = world.seen.append
    return world


# --- lines -----------------------------------------------------------------------------------------------------------


async def _lines(world: _World, block: tree.Block) -> None:
    for line in block.statements:
        match line:
            case tree.Given(target=target, value=value):
                _give(world, target, _value(world, value))
            case tree.Send():
                await _send(world, line)
            case tree.Expect(condition=condition):
                _expect(world, condition, line.span)
            case tree.After(duration=duration):
                await trio.sleep(_value(world, duration))
            case tree.Repeat(times=times, block=inner):
                for _ in range(int(str(times.value))):
                    await _lines(world, inner)


def _value(world: _World, expr: tree.Expr) -> Any:
    return world.linked.observe[expr](world.observed)


def _give(world: _World, target: str, value: Any) -> None:
    if target == "client.ip":
        world.client_ip = value
    else:
        world.node.fakes[target if target in world.steps else target.rpartition(".")[2]] = value


async def _send(world: _World, line: tree.Send) -> None:
    args = {arg.name: _value(world, arg.value) for arg in line.named}
    request = _request(world, line, args)
    side = FakeReplySide(args.get("hang_up_after"))
    rows = world.node.stores.calls
    assert isinstance(rows, MemoryCalls)
    async with trio.open_nursery() as nursery:
        if isinstance(side.hang_up_after, float):
            nursery.start_soon(world.engine.watch.run)
        with side.scope:
            await world.engine(request, Client(world.client_ip, 40_000), side)
        nursery.cancel_scope.cancel()
    if world.transport.fault is not None:
        raise Unexpected(Diagnostic("E711", str(world.transport.fault), line.span))
    _observe(world, side, dict(rows.rows[-1]))


def _observe(world: _World, side: FakeReplySide, row: dict[str, Any]) -> None:
    seen = world.observed
    seen.response = side.result()
    seen.status = seen.response.status
    seen.outcome = str(row.get("outcome"))
    seen.logged = row
    seen.requests = world.transport.requests
    seen.shadows = {key.split("/")[1].partition("#")[0]: verdict for key, verdict in row.get("shadows", ())}
    exchange = world.seen[-1] if world.seen else None
    if exchange is not None:
        seen.served, seen.usage, seen.caller = exchange.served, exchange.usage, exchange.caller
        seen.accounts = world.node.state.get("accounts")


def _request(world: _World, line: tree.Send, args: dict[str, Any]) -> Request:
    target, _, query = line.target.partition("?")
    path, raw_path = canonical(target.encode())
    headers = Headers((name.lower().encode(), value.encode()) for name, value in (args.get("header") or {}).items())
    body = args.get("body", b"")
    data = body if isinstance(body, bytes) else str(body).encode()
    if "json" in args:
        data = msgspec.json.encode(args["json"])
        if b"content-type" not in headers:
            headers.set(b"content-type", b"application/json")
    if data:
        headers.set(b"content-length", str(len(data)).encode())
    world.sent += 1
    host = args.get("host") or _host_of(world) or "test.local"
    return Request(
        method=line.method, path=path, raw_path=raw_path, query_string=query.encode(), host=host, scheme="http",
        headers=headers, body=BytesBody(data), id=f"test-{world.sent}",
    )  # fmt: skip


def _host_of(world: _World) -> str | None:
    """Where every route of the file wants one host, a request goes there unless the test says otherwise."""
    hosts = {entry.host for entry in world.engine.snapshot.table.entries}
    return next(iter(hosts)) if len(hosts) == 1 else None


# --- expectations ----------------------------------------------------------------------------------------------------


def _expect(world: _World, condition: tree.Expr, span: Span) -> None:
    try:
        holds = _value(world, condition)
    except LookupError as error:
        raise Unexpected(Diagnostic("E710", f"this expectation does not hold: {error.args[0]}", span)) from None
    if holds is not True:
        raise Unexpected(
            Diagnostic("E710", "this expectation does not hold", span, _was(world, condition), _context(world))
        )


def _was(world: _World, condition: tree.Expr) -> str:
    """What the sides came to, where that says more than the text."""
    shown = []
    for side in sides(condition):
        if side is condition or isinstance(side, tree.Literal):
            continue
        value = _value(world, side)
        shown.append(f"{value!r}" if not isinstance(value, str) else f'"{value}"')
    return f"was {', '.join(shown)}" if shown else ""


def _context(world: _World) -> tuple[str, ...]:
    seen = world.observed
    if not seen.status:
        return ("nothing was sent before this line",)
    body = seen.response.text[:200]
    error = f", {seen.logged['error']}" if seen.logged.get("error") else ""
    return (f"the last answer was {seen.status} ({seen.outcome}{error}){f': {body}' if body else ''}",)
