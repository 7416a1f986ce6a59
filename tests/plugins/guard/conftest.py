"""A gateway on a real socket whose route has guards, in front of a provider that does what a test tells it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from headgate.api import Exchange
from headgate.host.plugins import load_plugins
from headgate.host.settings import load_settings
from headgate.serve import Server, open_server, prepare
from headgate.testing import ScriptedUpstream
from headgate_ai import Ai
from headgate_guard import Guard
from headgate_openai import OpenAi

POLICY = """policy 1
model gpt {{ provider = openai, name = "gpt-4.1", key = secret("AI_TEST_KEY"), url = "{url}" }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    {lines}
    ai.chat gpt timeout=5s
}}
"""


class Gateway:
    """A server, its provider, and the exchanges that are over."""

    def __init__(self, server: Server, provider: ScriptedUpstream) -> None:
        self.provider = provider
        self.seen: list[Exchange] = []
        self._address = server.addresses[0]
        server.engine.seen = self.seen.append

    async def post(self, body: Any) -> tuple[int, bytes, bool]:
        """Status, body, and whether the answer came to its end."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(data)
        stream = await self.open(head + data)
        async with stream:
            return await answer_of(stream)

    async def open(self, data: bytes) -> trio.SocketStream:
        """A connection on which this was sent."""
        stream = await trio.open_tcp_stream("127.0.0.1", int(self._address.rpartition(":")[2]))
        await stream.send_all(data)
        return stream


async def answer_of(stream: trio.SocketStream) -> tuple[int, bytes, bool]:
    """One answer, unframed; False where the connection ended before it did."""
    came = b""
    while b"\r\n\r\n" not in came:
        came += await stream.receive_some()
    head, _, body = came.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in lines:
        while len(body) < int(lines[b"content-length"]):
            body += await stream.receive_some()
        return status, body, True
    while not body.endswith(b"0\r\n\r\n"):
        piece = await stream.receive_some()
        if not piece:
            return status, unframed(body), False
        body += piece
    return status, unframed(body), True


def unframed(body: bytes) -> bytes:
    """The pieces of a chunked body, as far as they came."""
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return whole


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`async with guarded(lines, script) as g`: a gateway whose route has these lines above `ai.chat`."""
    monkeypatch.setenv("AI_TEST_KEY", "sk-the-providers-key")

    @asynccontextmanager
    async def opened(lines: str, *scripts: Any) -> AsyncIterator[Gateway]:
        async with trio.open_nursery() as nursery:
            provider = await ScriptedUpstream(*scripts).start(nursery)
            (tmp_path / "a.policy").write_text(POLICY.format(url=provider.url, lines=lines))
            plugins = load_plugins([("ai", Ai), ("openai", OpenAi), ("guard", Guard)], discover=False)
            flags = {"policies": str(tmp_path), "bind": ["127.0.0.1:0"], "drain_s": 1}
            settings = load_settings(None, {}, flags, plugins.settings_shapes())
            ready = await trio.to_thread.run_sync(prepare, settings, plugins)
            async with open_server(settings, plugins, ready) as server:
                await nursery.start(server.run)
                yield Gateway(server, provider)
                await server.stop()
            nursery.cancel_scope.cancel()

    return opened
