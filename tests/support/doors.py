"""A node behind a door, and a client that comes in by it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import hypercorn
import trio
from h3_client import Answer, Client, h3_client
from hypercorn.trio import serve

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.host.settings import Settings, TlsSettings
from headgate.message import BytesBody, Response
from headgate.serve import limits_of
from headgate.testing import Gate, open_gate
from headgate.wire.asgi import AsgiDoor

# How those begin, shed and end is ours; behind ASGI it is the server's.
OUR_DOORS = ("HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2", "HTTP/2 in the clear", "HTTP/3")
DOORS = (*OUR_DOORS, "ASGI")


@dataclass(frozen=True, slots=True)
class Certified:
    """Where the certificates lie."""

    folder: Path

    def pair(self, name: str) -> tuple[str, str]:
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")

    def context(self, client: str | None = None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.ca)
        if client is not None:
            made.load_cert_chain(*self.pair(client))
        return made


@dataclass(slots=True)
class Got:
    """A whole answer. `version` is what was spoken."""

    status: int
    headers: dict[str, str]
    body: bytes
    version: str

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Door:
    """A node and a client of one door."""

    name: str
    gate: Gate
    url: str
    client: httpx.AsyncClient
    target: Target
    timeouts: Timeouts = field(default_factory=Timeouts)
    three: Client | None = None

    @property
    def ours(self) -> bool:
        """Whether whole answers come by our client too: httpx does not speak HTTP/2 in the clear."""
        return self.name == "HTTP/2 in the clear"

    @property
    def is_two(self) -> bool:
        return self.name.startswith(("HTTP/2", "HTTP/3"))

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> Got:
        """One request, and its whole answer. Raises what the client raises where the answer breaks off."""
        if self.three is not None:
            return await self._three(self.three, method, path, headers, body)
        if self.ours:
            return await self.send_ours(method, path, headers, body)
        answer = await self.client.request(method, self.url + path, headers=headers, content=body)
        return Got(answer.status_code, dict(answer.headers), answer.content, answer.http_version)

    async def _three(self, client: Client, method: str, path: str, headers: Any, body: bytes | None) -> Got:
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        answer = await client.send(method, path, pairs, body)
        lines = {name.decode(): value.decode() for name, value in answer.headers}
        return Got(int(lines.pop(":status")), lines, b"".join(answer.pieces), "HTTP/3")

    async def send_ours(self, method: str, path: str, headers: Any, body: bytes | None) -> Got:
        response = await self.begin(method, path, headers, body)
        pieces = []
        if isinstance(response.body, bytes):
            pieces.append(response.body)
        else:
            while piece := await response.body.read():
                pieces.append(piece)
        lines = {name.decode(): value.decode() for name, value in response.headers}
        length = len(response.body) if isinstance(response.body, bytes) else response.body.length
        if length is not None and response.status != 204:
            lines.setdefault("content-length", str(length))  # the transport takes it off, as it is about the message
        return Got(response.status, lines, b"".join(pieces), "HTTP/2")

    async def begin(self, method: str, path: str, headers: Any = None, body: bytes | None = None) -> Response:
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        lines = [(name.lower().encode(), value.encode()) for name, value in pairs]
        content = b"" if body is None else body if len(body) < 65536 else BytesBody(body)
        return await self.gate.client.send(self.target, Outgoing(method, path.encode(), lines, content), self.timeouts)

    @asynccontextmanager
    async def stream(self, method: str, path: str) -> AsyncIterator[Any]:
        """The pieces of an answer as they come; it is given up at the end of the block. The client is ours at every door:
        httpx leaves its generators to the garbage collector."""
        if self.three is not None:
            id, answer = await self.three.begin(method, path)
            async with aclosing(_arriving(answer)) as pieces:
                yield pieces
            self.three.give_up(id)
            return
        response = await self.begin(method, path)
        async with aclosing(_pieces(response)) as pieces:
            yield pieces
        await response.aclose()


async def _arriving(answer: Answer) -> AsyncIterator[bytes]:
    while True:
        await answer.wait(lambda: answer.pieces or answer.ended)
        if not answer.pieces:
            return
        yield answer.pieces.popleft()


async def _pieces(response: Response) -> AsyncIterator[bytes]:
    assert not isinstance(response.body, bytes)
    while piece := await response.body.read():
        yield piece


@asynccontextmanager
async def hosted(gate: Gate) -> AsyncIterator[str]:
    """The node behind hypercorn; where that listens."""
    config = hypercorn.Config()
    config.bind, config.errorlog = ["127.0.0.1:0"], None
    door = AsgiDoor(gate.server.engine, limits_of(gate.server.settings), on_refused=gate.server.refused)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
        else:
            await door(scope, receive, send)

    async with trio.open_nursery() as nursery:
        stopped = trio.Event()
        (address,) = await nursery.start(partial(serve, app, config, shutdown_trigger=stopped.wait))
        yield address
        stopped.set()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_door(
    name: str, policies: str, certified: Certified, *, plugins: Any = (), client: str | None = None,
    tls: Mapping[str, Any] | None = None, **more: Any,
) -> AsyncIterator[Door]:  # fmt: skip
    """A node with one listener of each kind, and a client for the one that is asked for."""
    cert, key = certified.pair("one")
    settings = Settings(
        bind=["127.0.0.1:0"],
        bind_tls=["127.0.0.1:0"],
        bind_quic=["127.0.0.1:0"] if name == "HTTP/3" else [],
        tls=TlsSettings(cert=cert, key=key, **(tls or {})),
        **more,
    )
    async with (
        open_gate(policies, plugins=plugins, settings=settings) as gate,
        hosted(gate) if name == "ASGI" else nullcontext() as address,
    ):
        clear, secure, *quic = gate.server.addresses
        clear = address or clear
        over_tls = "TLS" in name or name == "HTTP/2"
        url = secure if over_tls else clear
        target = Target.parse(
            url, http=2 if name.startswith("HTTP/2") else 1, ca_file=certified.ca if over_tls else None
        )
        async with httpx.AsyncClient(
            http1=name != "HTTP/2",
            http2=name == "HTTP/2",
            verify=certified.context(client),
            timeout=30,
            trust_env=False,
        ) as made:
            if quic:
                async with h3_client(int(quic[0].rsplit(":", 1)[1]), certified.ca) as three:
                    yield Door(name, gate, secure, made, target, three=three)
            else:
                yield Door(name, gate, url, made, target)
