"""The composition root: the only place that builds everything, and that opens the root nursery.

New -> provision -> validate -> serve -> clean up. A reload walks the same way beside what serves, and swaps one
reference at its end; whatever fails on the way changes nothing.
"""

from __future__ import annotations

import functools
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from headgate.configured import binds_of, certificates_of, egress_of, limits_of, trusted_by
from headgate.contracts.clock import SystemClock
from headgate.contracts.node import Node, Stores
from headgate.contracts.stores import Sink
from headgate.contracts.transport import Tended
from headgate.errors import HeadgateError, InternalError, PolicyError, SettingsError
from headgate.host.blame import Blamed, blaming
from headgate.host.facts import facts_of
from headgate.host.plugins import Plugins
from headgate.host.policies import Stamps, compile_policies, read_policies, stamps
from headgate.host.settings import Settings
from headgate.host.stops import Stops
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Program
from headgate.language.remembered import Remembered
from headgate.language.scenario import Scenario
from headgate.language.source import Source
from headgate.message.request import Client
from headgate.pipeline.doubts import doubts_about, in_a_line
from headgate.pipeline.engine import Engine
from headgate.pipeline.provision import provision
from headgate.pipeline.rehearsal import build_findings, rehearse_in_thread
from headgate.pipeline.rows import refused_row, shed_row
from headgate.pipeline.snapshot import Snapshot
from headgate.pipeline.watch import Watch
from headgate.upstream import Dialer, FetchOnDemand, Transports
from headgate.wire.balance import Balance
from headgate.wire.binds import QUIC, TLS, Sockets, addresses, open_binds
from headgate.wire.health import Condition, serve_health
from headgate.wire.lane import serve_lane
from headgate.wire.overload import Shed
from headgate.wire.refusal import Refusal
from headgate.wire.table import Connections

if TYPE_CHECKING:
    from headgate.wire.certificates import Certificates

log = logging.getLogger("headgate")
T = TypeVar("T")


# --- a node ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def open_node(settings: Settings, plugins: Plugins, worker: str | None = None) -> AsyncIterator[Node]:
    """A node with its stores and plugins open; they close in reverse order. SettingsError, StoreError."""
    egress = egress_of(settings)
    transport, fetch = Transports.over(egress), FetchOnDemand(Dialer(egress))
    data = Path(settings.data)
    trusted = trusted_by(settings)
    node = Node(
        SystemClock(), transport, fetch, Stores(), data=data, worker=worker or secrets.token_hex(3), trusted=trusted,
        dialects=plugins.vocabulary.dialects,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        stack.push_async_callback(transport.aclose)
        stack.push_async_callback(fetch.aclose)
        for context in [*_stores(settings, plugins, node), *opened_by_plugins(settings, plugins, node)]:
            await stack.enter_async_context(context)
        yield node


def _stores(settings: Settings, plugins: Plugins, node: Node) -> list[AbstractAsyncContextManager[None]]:
    return _contexts(plugins, "register_stores", settings, stores=node.stores, node=node)


def opened_by_plugins(settings: Settings, plugins: Plugins, node: Node) -> list[AbstractAsyncContextManager[None]]:
    """What plugins open for a node, one that serves or one that rehearses."""
    return _contexts(plugins, "open_resources", settings, node=node)


def _contexts(plugins: Plugins, hook: str, settings: Settings, **given: Any) -> list[AbstractAsyncContextManager[None]]:
    found: list[AbstractAsyncContextManager[None]] = []
    for name, plugin in plugins.loaded.items():
        method = getattr(plugin, hook, None)
        with blaming(name, hook):
            context = method(settings=settings.plugins.get(name), **given) if method is not None else None
        if context is not None:
            found.append(Blamed(context, name, hook))
    return found


def sinks_of(settings: Settings, plugins: Plugins, node: Node) -> list[Sink]:
    """Whoever wants every row, each plugin with its own table of the settings."""
    found: list[Sink] = []
    for name, plugin in plugins.loaded.items():
        if hasattr(plugin, "register_sinks"):
            with blaming(name, "register_sinks"):
                found += plugin.register_sinks(settings=settings.plugins.get(name), node=node) or ()
    return found


@dataclass(slots=True)
class Bench:
    """The `Workplace` of command-line verbs."""

    settings: Settings
    plugins: Plugins

    @property
    def data(self) -> Path:
        return Path(self.settings.data)

    def run(self, work: Callable[[Node], Awaitable[T]]) -> T:
        async def main() -> T:
            async with open_node(self.settings, self.plugins) as node:
                return await work(node)

        return trio.run(main)


# --- policies --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """Policies that may serve, and the texts in which findings about them are shown."""

    program: Program
    sources: Mapping[str, Source]
    remembered: Remembered = field(default_factory=Remembered)


def prepare(settings: Settings, plugins: Plugins, remembered: Remembered | None = None) -> Ready:
    """Read, check, compile and test. PolicyError with every finding, those of failed tests included; what cannot work on this
    node is warned of. Blocks.

    With a memory, only what has changed since is parsed, compiled and tested again, and only new warnings are said.
    """
    known = remembered or Remembered()
    reading = read_policies(Path(settings.policies), plugins.vocabulary, known)
    program = compile_policies(reading, known)
    unbuilt = build_findings(program)
    if unbuilt:
        raise PolicyError(unbuilt, reading.sources)
    if settings.test_on_load:
        fresh = [
            one for one in program.scenarios if not known.has_passed(one.module.name, program.parts[one.module.name])
        ]
        failed = run_tests(settings, plugins, program, fresh)
        if failed:
            raise PolicyError(failed, reading.sources)
        known.passed(program.parts)
    for doubt in known.new(doubts_about(program, facts_of(settings, serves=True))):
        log.warning("%s", in_a_line(doubt))
    return Ready(program, reading.sources, known)


def run_tests(
    settings: Settings, plugins: Plugins, program: Program, scenarios: Sequence[Scenario] | None = None
) -> list[Diagnostic]:
    """The findings of the in-file tests that fail; of all, or of those given."""
    opened = functools.partial(opened_by_plugins, settings, plugins)
    outcomes = rehearse_in_thread(program, opened, scenarios)
    return [outcome.finding for outcome in outcomes if outcome.finding is not None]


def _provision(ready: Ready, node: Node, generation: int) -> Snapshot:
    try:
        return provision(ready.program, node, generation)
    except PolicyError as error:
        raise PolicyError(error.diagnostics, ready.sources) from error


# --- serving ---------------------------------------------------------------------------------------------------------


class Server:
    """A node that serves. `reload` and `stop` are safe from any task."""

    def __init__(
        self, settings: Settings, plugins: Plugins, node: Node, engine: Engine, remembered: Remembered | None = None
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.node = node
        self.engine = engine
        self.addresses: list[str] = []
        self.probes: list[str] = []
        self.reloads = 0
        self.was_cut = False
        self.connections: list[Connections] = []
        self.retired: set[Snapshot] = set()
        self._remembered = remembered or Remembered()
        self._retiring: trio.Nursery | None = None
        self._one_at_a_time = trio.Lock()

    def __repr__(self) -> str:
        return f"<Server {', '.join(self.addresses)} {self.engine.snapshot!r}>"

    async def reload(self) -> Snapshot:
        """Read the policies again and serve them; PolicyError changes nothing, and what served goes on serving."""
        async with self._one_at_a_time:
            ready = await trio.to_thread.run_sync(prepare, self.settings, self.plugins, self._remembered)
            fresh = self.provision(ready, self.engine.snapshot.generation + 1)
            self.commit(fresh)
            return fresh

    def provision(self, ready: Ready, generation: int) -> Snapshot:
        """A Snapshot that `commit` may be given. PolicyError, and nothing has changed."""
        return _provision(ready, self.node, generation)

    def commit(self, fresh: Snapshot) -> None:
        """Serve this one from now on; the one before closes when its last exchange has ended."""
        old, self.engine.snapshot = self.engine.snapshot, fresh
        self.reloads += 1
        self.retired.add(old)
        if self._retiring is not None:
            self._retiring.start_soon(self._retire, old)

    async def _retire(self, old: Snapshot) -> None:
        await old.retire()
        self.retired.discard(old)

    @property
    def active(self) -> int:
        """How many exchanges run, on policies that were replaced too."""
        return self.engine.snapshot.active + sum(old.active for old in self.retired)

    @property
    def overloaded(self) -> bool:
        """Whether it sheds requests now."""
        return any(lane.valve.shut for lane in self.connections)

    @property
    def sheds(self) -> int:
        """How many requests it has shed."""
        return sum(lane.valve.shed for lane in self.connections)

    async def run(
        self,
        sockets: Sockets | None = None,
        balance: Balance | None = None,
        *,
        task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`; started once every listener is open. `sockets` are those of the binds, where somebody has
        opened some of them already; they are closed when accepting ends. `balance` is how workers share what comes."""
        limits = limits_of(self.settings)
        certificates = certificates_of(self.settings)
        admin = open_binds([self.settings.admin_bind] if self.settings.admin_bind else [], "admin_bind")
        given = sockets or {}
        sockets = {**given, **open_binds(bind for bind in binds_of(self.settings) if bind not in given)}
        async with trio.open_nursery() as background:
            self._retiring = background
            for old in self.retired:  # replaced before anything was served
                background.start_soon(self._retire, old)
            background.start_soon(self.engine.watch.run)
            for opened in admin.values():
                background.start_soon(serve_health, opened, self._condition)
            if isinstance(self.node.transport, Tended):
                await background.start(self.node.transport.run)
            async with trio.open_nursery() as serving:
                clear, secure, quic = self._by_kind(sockets)
                self.addresses += addresses(sockets)
                self.probes += addresses(admin)
                if certificates is not None:
                    background.start_soon(keep_fresh, certificates)
                start = functools.partial(
                    serve_lane, tls=secure, certificates=certificates, udp=quic, balance=balance,
                    on_refused=self.refused, on_shed=self.shed,
                )  # fmt: skip
                self.connections.append(await serving.start(start, clear, self.engine, limits))
                task_status.started(self)
            with trio.CancelScope(shield=True, deadline=trio.current_time() + self.settings.drain_s):
                await self.engine.snapshot.retire()
            background.cancel_scope.cancel()

    def _by_kind(self, sockets: Sockets) -> tuple[list[socket.socket], list[socket.socket], list[socket.socket]]:
        """Those in the clear, those with TLS, and those for QUIC."""
        secure = [sock for bind, opened in sockets.items() if bind.startswith(TLS) for sock in opened]
        quic = [sock for bind, opened in sockets.items() if bind.startswith(QUIC) for sock in opened]
        clear = [sock for opened in sockets.values() for sock in opened if sock not in secure and sock not in quic]
        return clear, secure, quic

    async def stop(self, linger_s: float = 0.0) -> None:
        """Drain: accept nothing new, finish what runs, cut what is left at the deadline. A connection is closed when it has
        been idle for `linger_s`, or was answered again."""
        async with trio.open_nursery() as nursery:
            for connections in self.connections:
                nursery.start_soon(connections.drain, self.settings.drain_s, linger_s)

    def hasten(self) -> None:
        """A drain that lingers does so no longer."""
        for connections in self.connections:
            connections.hasten()

    def cut(self) -> None:
        """Cut off what a drain still lets run. Its rows are written, and where it is possible its clients are told."""
        self.was_cut = True
        for connections in self.connections:
            connections.cut()

    def _condition(self) -> Condition:
        ready = not any(lane.draining for lane in self.connections)
        detail = {
            "generation": self.engine.snapshot.generation, "workers": 1, "overloaded": int(self.overloaded), "shed": self.sheds
        }  # fmt: skip
        return Condition(True, ready, detail)

    def refused(self, client: Client, refusal: Refusal) -> None:
        """Put what was refused before it became a request into the log."""
        row = refused_row(
            at=self.node.clock.time(), id=refusal.id, method=refusal.method or "-", status=refusal.status,
            target=(refusal.target or b"-").decode("latin-1"), version=refusal.version, reason=refusal.detail,
            client=client.ip, worker=self.node.worker,
        )  # fmt: skip
        self._log(row)

    def shed(self, shed: Shed) -> None:
        """Put what was shed into the log: one row for all that were within a second, under the id that they were told."""
        at, worker = self.node.clock.time(), self.node.worker
        self._log(shed_row(at=at, id=shed.id, count=shed.count, seconds=shed.seconds, worker=worker))

    def _log(self, row: dict[str, Any]) -> None:
        if self.node.stores.calls is not None:
            self.node.stores.calls.add(row)
        for sink in self.engine.sinks:
            sink.add(row)


@asynccontextmanager
async def open_server(
    settings: Settings, plugins: Plugins, ready: Ready, *, worker: str | None = None, generation: int = 1
) -> AsyncIterator[Server]:
    """A server that is built and not yet listening. Errors of resources are PolicyErrors."""
    async with open_node(settings, plugins, worker) as node:
        snapshot = _provision(ready, node, generation)
        engine = Engine(node, snapshot, sinks_of(settings, plugins, node), Watch())
        yield Server(settings, plugins, node, engine, ready.remembered)


# A renewed certificate is there days before the old one expires.
CERTIFICATES_S = 2.0


async def keep_fresh(certificates: Certificates) -> None:
    """Read certificates again when their files change, until cancelled. Ones that cannot be used are complained of."""
    while True:
        await trio.sleep(CERTIFICATES_S)
        try:
            if await trio.to_thread.run_sync(certificates.refresh):
                log.info("the certificates have changed and were read again: %s", certificates.told())
        except SettingsError as error:
            log.error("%s; the certificates that were read before go on", error)


# A person who saves a file waits for it; a scan of a hundred files takes a millisecond.
LOOK_S = 0.25


async def changes(policies: Path, seen: Stamps) -> AsyncIterator[None]:
    """One item whenever the policy files are no longer what was `seen`, and rest.

    By looking, not by asking the system to tell: files that are replaced, folders that are moved, mounts of a container
    and network drives are all seen alike.
    """
    looked = seen
    while True:
        await trio.sleep(LOOK_S)
        before, looked = looked, await trio.to_thread.run_sync(stamps, policies)
        if looked == before and looked != seen:
            seen = looked
            yield


Report = Callable[[HeadgateError | None], None]


async def reload_on(server: Server, changes: AsyncIterator[object], report: Report) -> None:
    """Reload at each change. A set that cannot serve is reported, and changes nothing."""
    async for _ in changes:
        await _reload(server, report)


async def _reload(server: Server, report: Report) -> None:
    """Whatever a reload meets, a plugin's bug too, what serves goes on serving."""
    try:
        await server.reload()
    except HeadgateError as error:
        report(error)
    except Exception as error:
        log.exception("the reload failed")
        report(InternalError(f"the reload failed: {type(error).__name__}: {error}"))
    else:
        report(None)


async def signals(server: Server, report: Report) -> None:
    """SIGTERM and SIGINT drain, a second one cuts off what runs, a third one ends at once; SIGHUP reloads."""
    stops = Stops()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
        async with trio.open_nursery() as nursery:
            async for number in received:
                if number == signal.SIGHUP:
                    nursery.start_soon(_reload, server, report)
                elif stops.heard(number, trio.current_time()):
                    if stops.count > 2:
                        raise KeyboardInterrupt
                    if stops.count == 2:
                        server.cut()
                    else:
                        nursery.start_soon(server.stop)


__all__: Sequence[str] = (
    "Bench",
    "Ready",
    "Server",
    "changes",
    "open_node",
    "open_server",
    "prepare",
    "reload_on",
    "run_tests",
    "signals",
)
