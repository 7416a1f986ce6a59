"""A node in the test's own process, on a real socket, with stores in memory.

    async with open_gate('''policy 1 …''', plugins=[("mine", MyPlugin)]) as gate:
        answer = await gate.send("GET", "/hello")
        assert answer.status == 200
        assert gate.rows[-1]["route"] == "hello"

The policies are checked and compiled exactly as `headgate serve` does it; findings raise PolicyError.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from headgate.configured import trusted_by
from headgate.contracts.clock import SystemClock
from headgate.contracts.memory import MemoryBlobs, MemoryCalls, MemoryIdentity, MemoryLeases
from headgate.contracts.memory_ledger import MemoryLedger
from headgate.contracts.node import Node, Stores
from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.host.settings import Settings
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate.message.body import read_all
from headgate.message.headers import Headers
from headgate.pipeline.engine import Engine
from headgate.pipeline.provision import provision
from headgate.pipeline.watch import Watch
from headgate.serve import Server, opened_by_plugins, sinks_of
from headgate.upstream import Dialer, Egress, FetchOnDemand, Transports

ANSWER_LIMIT = 1 << 26


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got, whole."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Gate:
    """A serving node and a client for it."""

    server: Server
    node: Node
    calls: MemoryCalls
    client: Transports

    def __repr__(self) -> str:
        return f"<Gate {self.url} [{len(self.calls.rows)} rows]>"

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:port`."""
        return self.server.addresses[0]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The rows of the call log so far."""
        return self.calls.rows

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        json_body: Any = None,
    ) -> Answer:
        """One request over the real socket, and its whole answer. UpstreamFault where it breaks off."""
        lines = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        if json_body is not None:
            body = json.dumps(json_body).encode()
            lines.append((b"content-type", b"application/json"))
        outgoing = Outgoing(method, path.encode(), lines, body, idempotent=False)
        response = await self.client.send(Target.parse(self.url), outgoing, Timeouts())
        data = response.body if isinstance(response.body, bytes) else await read_all(response.body, ANSWER_LIMIT)
        return Answer(response.status, response.headers, data)

    async def key(self, team: str = "demo", **more: Any) -> str:
        """A new key's secret."""
        assert self.node.stores.identity is not None
        _, secret = await self.node.stores.identity.create_key(team=team, name="test", **more)
        return secret

    async def row(self, number: int) -> Mapping[str, Any]:
        """The row with this number, from 0, when it is there: rows come behind their answers."""
        while len(self.rows) <= number:  # noqa: ASYNC110 - a list in memory tells nobody that it grew
            await trio.sleep(0.001)
        return self.rows[number]


@asynccontextmanager
async def open_gate(
    policies: str | Mapping[str, str],
    *,
    plugins: Iterable[tuple[str, Any]] = (),
    discover: bool = True,
    settings: Settings | None = None,
) -> AsyncIterator[Gate]:
    """A node that serves these policies: one text, or texts by file name. PolicyError with every finding."""
    files = {"test.policy": policies} if isinstance(policies, str) else dict(policies)
    loaded_plugins = load_plugins(plugins, discover=discover)
    loaded = load(files, files.get)
    checked = check(loaded, loaded_plugins.vocabulary)
    if checked.errors:
        raise PolicyError(checked.findings, loaded.sources)
    program = compile_program(checked)
    settings = settings or Settings(bind=["127.0.0.1:0"])
    clock, calls, egress = SystemClock(), MemoryCalls(), Egress()
    transport, fetch = Transports.over(egress), FetchOnDemand(Dialer(egress))
    stores = Stores(MemoryIdentity(clock), MemoryLeases(clock), calls, MemoryLedger(), blobs=MemoryBlobs(clock))
    node = Node(
        clock, transport, fetch, stores, trusted=trusted_by(settings), dialects=loaded_plugins.vocabulary.dialects
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fetch.aclose)
        stack.push_async_callback(transport.aclose)
        for context in opened_by_plugins(settings, loaded_plugins, node):
            await stack.enter_async_context(context)
        server = Server(
            settings,
            loaded_plugins,
            node,
            Engine(node, provision(program, node, 1), sinks_of(settings, loaded_plugins, node), Watch()),
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(functools.partial(server.run))
            client = Transports.over(Egress())
            await nursery.start(client.run)
            yield Gate(server, node, calls, client)
            await client.aclose()
            nursery.cancel_scope.cancel()
