"""A gateway on a real socket, in front of a provider that does what a test tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
import trio

from headgate.api import Exchange
from headgate.host.plugins import load_plugins
from headgate.host.settings import load_settings
from headgate.serve import Server, open_server, prepare
from headgate.testing import ScriptedUpstream
from headgate_ai import Ai
from headgate_openai import OpenAi

POLICY = """policy 1
model gpt {{ provider = openai, name = "gpt-4.1", key = secret("AI_TEST_KEY"), url = "{url}" }}
model echo {{ provider = echo, name = "echo-1" }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    {lines}
}}
route echo POST /echo/v1/chat/completions public {{
    read.chat as chat
    ai.chat echo
}}
"""
KEY = "sk-the-providers-key"


class Gateway:
    """A server, its provider, and every exchange that is over."""

    def __init__(self, server: Server, provider: ScriptedUpstream) -> None:
        self.server = server
        self.provider = provider
        self.seen: list[Exchange] = []
        self._over = trio.Event()
        server.engine.seen = self._saw

    def _saw(self, exchange: Exchange) -> None:
        self.seen.append(exchange)
        self._over.set()

    async def over(self, count: int = 1) -> Exchange:
        """The exchange that is the `count`th to end."""
        with trio.fail_after(5):
            while len(self.seen) < count:
                self._over = trio.Event()
                await self._over.wait()
        return self.seen[count - 1]

    @property
    def url(self) -> str:
        return self.server.addresses[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, path: str = "/v1") -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url + path, api_key="sk-the-clients-key", max_retries=0, timeout=5)

    async def call(self, path: str = "/v1", **named: Any) -> Any:
        """One call of OpenAI's own client, in a thread; a stream as the list of its chunks, its error at the end."""
        request = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}], **named}

        def run() -> Any:
            with self.client(path) as client:
                answer = client.chat.completions.create(**request)
                return list(answer) if request.get("stream") else answer

        return await trio.to_thread.run_sync(run)


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`async with gateway(script, lines) as g`: a gateway whose route ends with these lines."""
    monkeypatch.setenv("AI_TEST_KEY", KEY)

    @asynccontextmanager
    async def opened(
        *scripts: Any, lines: str = "ai.chat gpt timeout=5s", policy: str = POLICY, plugins: tuple[type, ...] = (Ai,)
    ) -> AsyncIterator[Gateway]:
        async with trio.open_nursery() as nursery:
            provider = await ScriptedUpstream(*scripts).start(nursery)
            (tmp_path / "a.policy").write_text(policy.format(url=provider.url, lines=lines))
            named = [(cls.__name__.lower(), cls) for cls in (*plugins, OpenAi)]
            loaded = load_plugins(named, discover=False)
            flags = {"policies": str(tmp_path), "bind": ["127.0.0.1:0"], "drain_s": 1}
            settings = load_settings(None, {}, flags, loaded.settings_shapes())
            ready = await trio.to_thread.run_sync(prepare, settings, loaded)
            async with open_server(settings, loaded, ready) as server:
                await nursery.start(server.run)
                yield Gateway(server, provider)
                await server.stop()
            nursery.cancel_scope.cancel()

    return opened
